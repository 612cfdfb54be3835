"""Second names of options, in files, on the command line and in Python."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from omegaconf import OmegaConf

import gradmix
from gradmix import Alias, ConfigError, PluginError, UnknownNameError
from gradmix.config.composer import composing
from gradmix.config.composition import ComposedOnce, plain_config
from gradmix.config.source import Request
from gradmix.config.spec import read_spec
from gradmix.contracts.options import aliases_of
from gradmix.registry.kinds import check_component
from gradmix.registry.registry import registry


def spec_of(*overrides, config_dir=None):
    with composing(Request(overrides, config_dir=config_dir)) as composer:
        return read_spec(plain_config(composer.compose(), overrides))


@pytest.mark.parametrize(("clusterer", "own"), [("gmm", "n_components"), ("kmeans", "n_clusters")])
def test_an_alias_gives_the_option_its_value_under_its_own_name(clusterer, own):
    spec = spec_of(f"clusterer={clusterer}", "clusterer.k=4")
    assert getattr(spec.task.clusterer, own) == 4
    assert spec.params[f"clusterer.{own}"] == 4
    assert "clusterer.k" not in spec.params
    assert spec.aliases == {f"clusterer.{own}": "clusterer.k"}
    assert spec.run_key == spec_of(f"clusterer={clusterer}", f"clusterer.{own}=4").run_key


@pytest.fixture
def folder(tmp_path):
    def write(name, text):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("said", "typed", "k"),
    [
        ("{k: 4}", [], 4),
        ("{n_components: 4}", [], 4),
        ("{k: 4}", ["clusterer.n_components=5"], 5),
        ("{n_components: 4}", ["clusterer.k=5"], 5),
        ("{k: 4}", ["clusterer.k=5"], 5),
        ("{k: 4}", ["clusterer.n_components=2"], 2),
        ("{k: 4, n_components: 4}", [], 4),
    ],
)
def test_the_command_line_wins_over_a_file_whichever_name_each_gives(folder, said, typed, k):
    found = folder("experiment/mine", f"# @package _global_\nclusterer: {said}\n")
    assert spec_of("experiment=mine", *typed, config_dir=found).task.clusterer.n_components == k


def test_a_config_of_ones_own_for_a_component_may_give_an_alias(folder):
    found = folder("clusterer/big", "defaults: [gmm]\nk: 9\n")
    assert spec_of("clusterer=big", config_dir=found).task.clusterer.n_components == 9


def test_what_refers_to_the_option_sees_what_its_alias_was_given(folder):
    found = folder("experiment/mine", "# @package _global_\nname: groups_${clusterer.n_components}\n")
    assert spec_of("experiment=mine", "clusterer.k=7", config_dir=found).settings.name == "groups_7"


@pytest.mark.parametrize("typed", [["clusterer.k=3", "clusterer.n_components=2"], []])
def test_two_values_for_one_option_are_an_error(folder, typed):
    said = "seed: 1" if typed else "clusterer: {k: 3, n_components: 4}"
    found = folder("experiment/mine", f"# @package _global_\n{said}\n")
    with pytest.raises(
        ConfigError, match=r"clusterer\.k=3 and clusterer\.n_components=[24] give one option two values"
    ):
        spec_of("experiment=mine", *typed, config_dir=found)


def test_jobs_composed_once_have_the_alias_of_their_own_component():
    with composing(Request((), is_sweep=True)) as composer:
        master, composed = composer.compose(), ComposedOnce(composer.loader)
        for name, own in (("gmm", "n_components"), ("kmeans", "n_clusters")):
            for k in (2, 5):
                config = composed.compose(master, (f"clusterer={name}", f"clusterer.k={k}"))
                assert config["clusterer"][own] == k
                assert "k" not in config["clusterer"]
        with pytest.raises(ConfigError, match="two values"):
            composed.compose(master, ("clusterer.k=2", "clusterer.n_components=3"))


def test_an_unknown_option_is_told_the_alias_too():
    with pytest.raises(UnknownNameError, match=r"Did you mean clusterer\.k\?"):
        spec_of("clusterer.kk=3")


@pytest.mark.parametrize(
    ("clusterer", "typed", "meant"), [("kmeans", "n_components", "n_clusters"), ("gmm", "n_clusters", "n_components")]
)
def test_an_option_of_the_same_meaning_is_named_with_the_alias_of_both(clusterer, typed, meant):
    hint = rf"clusterer\.{meant} has the same meaning; clusterer\.k is the alias of both"
    with pytest.raises(UnknownNameError, match=hint):
        spec_of(f"clusterer={clusterer}", f"clusterer.{typed}=3")
    with pytest.raises(UnknownNameError, match=hint):
        gradmix.clusterer(clusterer, **{typed: 3})


def test_python_takes_an_alias_as_an_option():
    assert gradmix.clusterer("kmeans", k=5).n_clusters == 5
    with pytest.raises(ConfigError, match=r"an alias of clusterer\.n_clusters"):
        gradmix.clusterer("kmeans", k=5, n_clusters=5)


def test_estimators_of_scikit_learn_have_the_alias():
    from sklearn.cluster import Birch
    from sklearn.mixture import GaussianMixture

    for estimator, own in ((Birch, "n_clusters"), (GaussianMixture, "n_components")):
        assert aliases_of(gradmix.from_sklearn(estimator))["k"].name == own


NUMBERED = [
    each for each in registry() if each.kind == "clusterer" and each.name not in ("gaussian", "sklearn_hdbscan")
]


@pytest.mark.parametrize("entry", NUMBERED, ids=lambda entry: entry.name)
def test_the_number_of_groups_is_k(entry, installed):
    installed(entry)
    assert "k" in aliases_of(entry.load())


def made(**options):
    content = {**dict.fromkeys(options, 2), "__annotations__": options, "read": lambda self: None}
    return dataclass(type("Made", (gradmix.Dataset,), {**content, "__module__": __name__}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": gradmix.GroupCount, "columns": gradmix.GroupCount}, "rows and columns both have the name k"),
        ({"k": int, "n": Annotated[int, Alias("k")]}, "k and n both have the name k"),
        ({"n": Annotated[int, Alias("no name")]}, "alias 'no name' of the option n cannot be"),
        ({"n": Annotated[int, Alias("name")]}, "alias 'name' of the option n cannot be"),
    ],
)
def test_an_alias_that_is_not_of_one_option_alone_is_refused(options, message):
    with pytest.raises(PluginError, match=message):
        check_component("dataset", made(**options))


def test_the_last_alias_counts_and_an_options_own_name_is_none():
    component = check_component("dataset", made(k=gradmix.GroupCount, n=Annotated[gradmix.GroupCount, Alias("m")]))
    assert {alias: option.name for alias, option in aliases_of(component).items()} == {"m": "n"}


def test_a_config_shows_what_an_alias_stands_for():
    with composing(Request(())) as composer:
        raw = OmegaConf.to_container(composer.compose().clusterer, resolve=False)
    assert (raw["k"], raw["n_components"]) == ("${.n_components}", 2)
