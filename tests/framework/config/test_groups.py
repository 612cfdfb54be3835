"""Config groups by the names of fields, and components that hold others."""

import json
from pathlib import Path

import pytest

import gradmix
from gradmix.config.groups import kind_in, kinds_of, parse
from gradmix.config.spec import read_spec
from gradmix.contracts.role import Role
from gradmix.testing import conformance

PLUGIN = Path(__file__).parents[2] / "plugin_with_parts.py"
CONFIG = {"name": "trial", "seed": 0, "task": {"name": "cluster"}, "dataset": {"name": "iris"}}


@pytest.fixture(autouse=True)
def plugin(monkeypatch):
    """A session with the plugin."""
    monkeypatch.setenv("GRADMIX_PLUGINS", json.dumps({"files": [str(PLUGIN)]}))


@pytest.mark.parametrize(
    ("group", "kinds"),
    [
        ("clusterer", ["clusterer"]),
        ("root_finder", ["root_finder"]),
        ("train", ["dataset"]),
        ("left", ["equation"]),
        ("clusterer/differentiator", ["differentiator"]),
        ("clusterer/slope", ["differentiator"]),
        ("root_finder/slope", []),
        ("trian", []),
        ("seed", []),
        ("hydra/launcher", []),
        ("clusterer.n_components", []),
    ],
)
def test_a_group_is_a_kind_or_a_field_that_holds_one(group, kinds):
    assert kinds_of(group) == kinds


def test_a_component_is_found_in_the_group_of_a_field():
    assert kind_in("train", "iris") == "dataset"
    assert kind_in("train", "gmm") is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("clusterer.differentiator=dual", "clusterer/differentiator=dual"),
        ("clusterer.differentiator=dual,tape", "clusterer/differentiator=dual,tape"),
        ("clusterer.slope=gradmix:tape", "clusterer/slope=gradmix:tape"),
        ("dataset@train=iris,wine", "train=iris,wine"),
        ("differentiator@clusterer.differentiator=dual", "clusterer/differentiator=dual"),
        ("clusterer.covariance_type=tied", "clusterer.covariance_type=tied"),
        ("clusterer.differentiator.method=central", "clusterer.differentiator.method=central"),
        ("clusterer.n_components=3", "clusterer.n_components=3"),
        ("train=iris", "train=iris"),
        ("+experiment=scaling", "+experiment=scaling"),
    ],
)
def test_a_component_may_be_chosen_by_its_path(given, meant):
    assert [each.input_line for each in parse([given])] == [meant]


def descent(**options):
    return read_spec({**CONFIG, "clusterer": {"name": "descent", **options}})


def test_a_nested_component_is_part_of_the_params_the_plugins_and_the_identity():
    spec = descent(differentiator={"name": "finite_difference", "method": "central"})
    assert spec.params["clusterer.differentiator"] == "finite_difference"
    assert spec.params["clusterer.differentiator.method"] == "central"
    assert spec.params["clusterer.slope"] == "dual"
    assert {"clusterer", "clusterer.differentiator", "clusterer.slope"} <= set(spec.plugins)
    assert spec.parts["clusterer.differentiator"].role is Role.ALGORITHM
    keys = {each.run_key for each in (spec, descent(), descent(differentiator="dual"), descent(slope="tape"))}
    assert len(keys) == 4


def test_the_name_of_a_nested_component_is_checked():
    with pytest.raises(gradmix.UnknownNameError, match="Did you mean dual"):
        gradmix.clusterer("descent", slope="dul")
    with pytest.raises(gradmix.ConfigError, match=r"clusterer\.slope"):
        gradmix.clusterer("descent", slope=3)
    with pytest.raises(gradmix.ConfigError, match="must be a differentiator"):
        gradmix.clusterer("descent", slope=gradmix.clusterer("gmm")).check()


X = [[0.0, 0.1], [0.2, 0.0], [5.0, 5.1], [5.2, 5.0]]


def test_a_saved_model_has_the_components_that_its_clusterer_holds(tmp_path):
    made = gradmix.clusterer(
        "descent", differentiator=gradmix.differentiator("finite_difference", method="central"), random_state=1
    ).fit(X)
    gradmix.write_model(tmp_path / "model.json", made, made.model_)
    read = gradmix.read_model(tmp_path / "model.json")
    assert read.get_params() == made.get_params()
    assert read.predict(X).tolist() == made.predict(X).tolist()
    requires = json.loads((tmp_path / "model.json").read_text())["requires"]
    assert [each.partition("==")[0] for each in requires] == [PLUGIN.name, "gradmix"]


def test_scikit_learn_sees_the_options_of_nested_components():
    base = pytest.importorskip("sklearn.base")
    made = gradmix.clusterer("descent", differentiator="finite_difference")
    assert made.get_params()["differentiator__method"] == made.differentiator.method
    assert "differentiator__method" not in made.get_params(deep=False)
    copy = base.clone(made).set_params(differentiator__method="forward", n_clusters=3)
    assert (copy.differentiator.method, copy.n_clusters) == ("forward", 3)
    assert made.differentiator.method != "forward"
    swapped = base.clone(made).set_params(differentiator__components=2, differentiator=gradmix.differentiator("dual"))
    assert swapped.differentiator.components == 2
    with pytest.raises(gradmix.UnknownNameError, match="differentiator__methd"):
        made.set_params(differentiator__methd="forward")


@pytest.mark.parametrize(
    "check",
    ["sets_its_options_by_name", "can_be_cloned", "round_trips_through_config", "saves_and_loads_its_model"],
)
def test_the_kit_takes_a_clusterer_that_holds_a_component(check):
    report = conformance("clusterer", "descent", only=[check])
    assert report.passed == 1, report.failures
