import pytest

import gradmix
from gradmix import ConfigError, UnknownNameError
from gradmix.config.build import build


def test_components_are_made_by_name_with_options_as_keywords():
    clusterer = gradmix.clusterer("gmm", n_components=3, covariance_type="tied")
    assert clusterer.get_params()["n_components"] == 3
    assert clusterer.get_params() == type(clusterer)(n_components=3, covariance_type="tied").get_params()
    assert gradmix.differentiator("finite_difference", method="forward").method == "forward"


def test_python_and_config_are_the_same_thing():
    built = build("clusterer", {"name": "gmm", "n_components": 3})
    assert built.component.get_params() == gradmix.clusterer("gmm", n_components=3).get_params()
    assert built.node["n_components"] == 3
    assert built.node["tol"] == built.component.tol


def test_an_unknown_option_is_told_with_the_nearest_and_all():
    with pytest.raises(
        UnknownNameError, match=r"clusterer\.n_component\. Did you mean clusterer\.n_components\?.*reg_covar"
    ):
        gradmix.clusterer("gmm", n_component=3)


def test_an_unknown_name_is_told_with_the_nearest_and_all():
    with pytest.raises(UnknownNameError, match=r"unknown clusterer 'gm'. Did you mean gmm\? There are: .*, gmm, "):
        gradmix.clusterer("gm")


def test_a_value_that_must_be_given_is_asked_for():
    with pytest.raises(ConfigError, match=r"dataset\.path must be given"):
        build("dataset", {"name": "file"})
    with pytest.raises(ConfigError, match=r"dataset\.path must be given"):
        build("dataset", {"name": "file", "path": "???"})


def test_parts_of_a_task_are_built_with_it_and_their_paths_are_theirs():
    node = {"name": "cluster", "clusterer": {"name": "gmm", "tol": -1}, "dataset": {"name": "old_faithful"}}
    with pytest.raises(ConfigError, match=r"^clusterer\.tol must be"):
        build("task", node)
    node["clusterer"]["tol"] = 0.5
    built = build("task", node)
    assert built.component.clusterer.tol == 0.5
    assert set(built.plugins) == {"", "clusterer", "dataset", "engine"}


@pytest.mark.parametrize("node", [None, 3, {}, {"n_components": 2}, {"name": 3}])
def test_a_node_without_a_name_is_refused(node):
    with pytest.raises(ConfigError, match="must be a mapping with a name"):
        build("clusterer", node)


def test_what_only_python_can_give_is_not_an_option_of_a_run():
    assert gradmix.clusterer("gmm", means_init=[[0.0], [1.0]]).means_init == [[0.0], [1.0]]
    assert "means_init" not in build("clusterer", "gmm").node
    with pytest.raises(UnknownNameError, match=r"clusterer\.means_init is not an option of a run: only Python can set"):
        build("clusterer", {"name": "gmm", "means_init": [[0.0], [1.0]]})


def test_values_that_only_python_can_give_are_refused_in_a_run():
    def init(X, k, rng):
        return X[:k]

    assert gradmix.clusterer("kmeans", init=init).init is init
    with pytest.raises(ConfigError, match=r"clusterer\.init must be one of"):
        build("clusterer", {"name": "kmeans", "init": init})
