"""Any scikit-learn-compatible clusterer is a component in three lines."""

import dataclasses
import sys

import numpy as np
import pytest
from sklearn import cluster

import gradmix
from gradmix import ConfigError, DataError
from gradmix.contracts.options import options_of
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import build_registry

RNG = np.random.default_rng(3)
X = np.concatenate([RNG.normal(center, 0.5, size=(40, 2)) for center in (0.0, 5.0, 10.0)])

Birch = gradmix.from_sklearn(cluster.Birch)
Agglomerative = gradmix.from_sklearn(cluster.AgglomerativeClustering, name="Agglomerative")
Spectral = gradmix.from_sklearn(cluster.SpectralClustering, name="Spectral")
Dbscan = gradmix.from_sklearn(cluster.DBSCAN, name="Dbscan")

CASES = [
    (Birch(n_clusters=3), cluster.Birch(n_clusters=3)),
    (Agglomerative(n_clusters=3, linkage="single"), cluster.AgglomerativeClustering(n_clusters=3, linkage="single")),
    (Spectral(n_clusters=3, random_state=0), cluster.SpectralClustering(n_clusters=3, random_state=0)),
    (Dbscan(eps=0.4), cluster.DBSCAN(eps=0.4)),
]


@pytest.mark.parametrize(("ours", "theirs"), CASES, ids=lambda case: type(case).__name__)
def test_labels_are_the_estimators_own(ours, theirs):
    np.testing.assert_array_equal(ours.fit(X).labels_, theirs.fit(X).labels_)


def test_the_options_are_the_estimators_parameters_with_its_own_words():
    options = {option.name: option for option in options_of(Birch)}
    assert list(options) == ["threshold", "branching_factor", "n_clusters"]
    assert options["threshold"].default == 0.5
    assert "subcluster" in options["threshold"].doc
    assert {option.name for option in options_of(Spectral) if option.is_seed} == {"random_state"}
    assert options_of(Dbscan)[0].allowed == "any plain value"


def test_the_objective_is_one_that_the_estimator_optimises():
    kmeans = gradmix.from_sklearn(cluster.KMeans, name="Kmeans")
    assert kmeans.objective is gradmix.INERTIA
    assert kmeans(n_clusters=3, random_state=0).fit(X).inertia_ == cluster.KMeans(3, random_state=0).fit(X).inertia_
    for other in (Birch, Agglomerative, Spectral, Dbscan):
        assert other.objective.metric == "dispersion"
        assert [each.better for each in other().metrics()] == [None]


def test_an_objective_may_be_named_which_a_fitted_estimator_must_have():
    compactness = gradmix.Objective("compactness", maximise=False)

    class Compact(cluster.DBSCAN):
        def fit(self, X, y=None):
            super().fit(X)
            self.compactness_ = 3.0
            return self

    made = gradmix.from_sklearn(Compact, objective=compactness, deviates={"can_be_pickled": "it is local"})
    assert made.deviates["can_be_pickled"] == "it is local"
    assert made().fit(X).compactness_ == 3.0
    lacking = gradmix.from_sklearn(cluster.DBSCAN, name="Lacking", objective=compactness)
    with pytest.raises(gradmix.PluginError, match="a fitted DBSCAN must have the attribute compactness_"):
        lacking().fit(X)


def test_noise_counts_as_one_group_in_the_dispersion():
    found = Dbscan(eps=0.2).fit(X)
    labels = found.labels_
    assert (labels == -1).any()
    expected = sum(((X[labels == g] - X[labels == g].mean(axis=0)) ** 2).sum() for g in set(labels.tolist()))
    assert found.dispersion_ == pytest.approx(expected, rel=1e-14)


def test_rows_go_where_the_nearest_row_went_if_there_are_no_centers():
    found = Agglomerative(n_clusters=3).fit(X)
    np.testing.assert_array_equal(found.predict(X + 1e-6), found.labels_)
    assert len(found.model_.points) == len(X)


def test_centers_are_kept_alone_where_they_give_the_labels():
    found = gradmix.from_sklearn(cluster.KMeans)(n_clusters=3, n_init=1, random_state=0).fit(X)
    assert found.model_.points.shape == (3, 2)
    np.testing.assert_array_equal(found.labels_, cluster.KMeans(3, n_init=1, random_state=0).fit(X).labels_)


def test_what_the_estimator_refuses_is_told_as_ours():
    with pytest.raises(DataError, match=r"Birch cannot fit these data with these options: .*threshold"):
        Birch(threshold=-1.0).fit(X)
    with pytest.raises(ConfigError, match=r"clusterer.loud must be true or false"):
        Chatty(loud="very").fit(X)


class Talker(cluster.DBSCAN):
    """An estimator of one's own, with a parameter that is not a plain value and one with an annotation.

    Parameters
    ----------
    loud : bool
        Whether it is loud.
    """

    def __init__(self, eps=0.5, metric_params=frozenset(), loud: bool = False):
        super().__init__(eps=eps)
        self.loud = loud


Chatty = gradmix.from_sklearn(type("Chatty", (Talker,), {}))


def test_parameters_that_are_no_plain_values_are_no_options():
    assert [field.name for field in dataclasses.fields(Chatty)] == ["eps", "loud"]


def test_it_is_registered_by_the_name_of_the_variable(tmp_path, monkeypatch):
    (tmp_path / "my_clusterers.py").write_text(
        "import sklearn.cluster\nimport gradmix\n\n\n"
        "Tree = gradmix.from_sklearn(sklearn.cluster.Birch)\n\n\n"
        "@gradmix.hookimpl\ndef gradmix_components():\n"
        "    return {'clusterer': {'birch': 'my_clusterers:Tree'}}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from importlib.metadata import EntryPoint

    known = build_registry([Plugin(EntryPoint("mine", "my_clusterers", "gradmix"))])
    tree = known.find("clusterer", "birch").load()
    assert tree.__module__ == "my_clusterers"
    assert known.entry_of(tree()).name == "birch"
    assert known.entry_of(Birch()) is None
    del sys.modules["my_clusterers"]
