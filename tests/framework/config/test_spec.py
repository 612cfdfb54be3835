import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix import ConfigError, UnknownNameError
from gradmix.config.spec import read_spec

CONFIG = {
    "name": "trial",
    "seed": 0,
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "n_components": 2},
    "dataset": {"name": "old_faithful"},
}


def changed(**changes):
    config = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        *parents, key = path.split("__")
        node = config
        for parent in parents:
            node = node[parent]
        node[key] = value
    return config


def key(**changes):
    return read_spec(changed(**changes)).run_key


@pytest.mark.parametrize(
    "change",
    [
        {"clusterer__n_components": 3},
        {"clusterer__tol": 1e-5},
        {"dataset__standardise": True},
        {"dataset": {"name": "iris"}},
        {"clusterer": {"name": "kmeans"}},
        {"seed": 1},
    ],
)
def test_what_is_computed_is_part_of_the_key(change):
    assert key(**change) != key()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"runs_dir": "elsewhere"},
        {"pictures": False},
        {"tracking": {"uri": None}},
        {"clusterer__covariance_type": "full"},  # said or left out, a default is the same
    ],
)
def test_what_is_not_computed_is_no_part_of_the_key(change):
    assert key(**change) == key()


def test_the_content_of_a_data_file_is_part_of_the_key(tmp_path):
    file = tmp_path / "data.csv"
    dataset = {"name": "file", "path": str(file)}
    file.write_text("a,b\n1,2\n3,4\n")
    before = key(dataset=dataset)
    assert key(dataset=dataset) == before
    file.write_text("a,b\n1,2\n3,5\n")
    assert key(dataset=dataset) != before


def test_the_source_of_a_function_of_ones_own_is_part_of_the_key(tmp_path):
    config = {"name": "x", "task": {"name": "differentiate"}, "differentiator": {"name": "dual"}}
    keys = []
    for number, source in enumerate(["def f(x): return x\n", "def f(x): return 2 * x\n"]):
        (tmp_path / f"{number}").mkdir()
        file = tmp_path / f"{number}" / "own.py"
        file.write_text(source)
        keys.append(read_spec({**config, "problem": {"name": "python", "path": f"{file}:f"}}).task.problem.content())
    assert keys[0] != keys[1]


def test_plugins_are_part_of_the_key(monkeypatch):
    before = key()
    monkeypatch.setattr("gradmix.registry.plugin.Plugin.identity", property(lambda plugin: "other 2.0"))
    assert key() != before


def test_params_are_flat_and_name_what_was_chosen():
    params = read_spec(CONFIG).params
    assert params["task"] == "cluster"
    assert params["clusterer"] == "gmm"
    assert params["clusterer.n_components"] == 2
    assert params["dataset"] == "old_faithful"
    assert params["seed"] == 0
    assert "clusterer.name" not in params
    assert read_spec(CONFIG).label == "gmm on old_faithful"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"task": None}, ConfigError, "a run needs a task"),
        ({"task": {"name": "clusters"}}, UnknownNameError, "Did you mean cluster"),
        ({"datset": {"name": "iris"}}, UnknownNameError, "Did you mean dataset"),
        ({"seed": -1}, ConfigError, "^seed must be"),
        ({"seed": "x"}, ConfigError, "^seed must be"),
        ({"name": "a/b"}, ConfigError, "name must consist of"),
        ({"name": ".."}, ConfigError, "name must consist of"),
        ({"pictures": "yes"}, ConfigError, "pictures must be true or false"),
        ({"tracking": {"url": "x"}}, UnknownNameError, "Did you mean tracking.uri"),
        ({"tracking": "x"}, ConfigError, "tracking must be a mapping"),
        ({"clusterer__n_components": None}, ConfigError, "clusterer.n_components must be"),
    ],
)
def test_a_config_that_cannot_be_run_is_explained(change, error, message):
    with pytest.raises(error, match=message):
        read_spec(changed(**change))


@given(st.permutations(sorted(CONFIG)))
def test_the_order_of_a_config_does_not_matter(order):
    assert read_spec({name: CONFIG[name] for name in order}).run_key == key()


def test_a_fit_is_confounded_by_the_algorithm_and_its_marked_options_and_a_criterion_is_not():
    meanings = read_spec(changed()).meanings
    assert meanings["log_likelihood"].confounded_by == {
        "clusterer",
        "clusterer.n_components",
        "clusterer.k",
        "clusterer.covariance_type",
    }
    assert not meanings["bic"].confounded_by
    names = list(meanings)
    assert names.index("bic") < names.index("adjusted_rand_index") < names.index("log_likelihood")
    inertia = read_spec(changed(clusterer={"name": "kmeans"})).meanings["inertia"]
    assert inertia.confounded_by == {"clusterer", "clusterer.n_clusters", "clusterer.k"}


def test_seeds_are_the_options_of_that_type_whatever_they_are_called():
    assert read_spec(changed()).seeds == ["seed", "clusterer.random_state"]


def test_the_work_is_the_same_whichever_algorithm_does_it():
    assert read_spec(changed()).work == read_spec(changed(clusterer={"name": "kmeans"})).work
    assert read_spec(changed()).work != read_spec(changed(dataset={"name": "iris"})).work
