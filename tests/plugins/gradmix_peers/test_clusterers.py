"""What a peer's clusterer promises: what its library computes when called directly, to the last digit."""

import dataclasses

import numpy as np
import pytest
from sklearn import cluster, mixture
from sklearn.exceptions import ConvergenceWarning

import gradmix
from gradmix import ConfigError, DataError

RNG = np.random.default_rng(5)
X = np.concatenate([RNG.normal(center, 1.0, size=(60, 3)) for center in (0.0, 4.0, 9.0)])
NEW = RNG.normal(4.0, 4.0, size=(40, 3))

MIXTURES = [
    ("sklearn_gmm", mixture.GaussianMixture, {"covariance_type": "full"}),
    ("sklearn_gmm", mixture.GaussianMixture, {"covariance_type": "tied", "n_init": 3, "init_params": "random"}),
    ("sklearn_gmm", mixture.GaussianMixture, {"covariance_type": "diag", "tol": 0.0, "max_iter": 7}),
    ("sklearn_gmm", mixture.GaussianMixture, {"covariance_type": "spherical", "init_params": "random_from_data"}),
    ("sklearn_bayesian_gmm", mixture.BayesianGaussianMixture, {"init_params": "k-means++"}),
]
OTHERS = [
    ("sklearn_kmeans", cluster.KMeans, {"n_clusters": 3, "n_init": 4, "random_state": 2}),
    ("sklearn_kmeans", cluster.KMeans, {"n_clusters": 5, "init": "random", "algorithm": "elkan", "random_state": 3}),
    ("sklearn_minibatch_kmeans", cluster.MiniBatchKMeans, {"n_clusters": 3, "batch_size": 50, "random_state": 1}),
    ("sklearn_bisecting_kmeans", cluster.BisectingKMeans, {"n_clusters": 4, "random_state": 0}),
    ("sklearn_hdbscan", cluster.HDBSCAN, {"min_cluster_size": 8}),
]


@pytest.mark.parametrize(("name", "theirs", "options"), MIXTURES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_mixture_stepped_is_the_mixture_fitted_at_once(name, theirs, options):
    options = {"n_components": 3, "random_state": 4, **options}
    ours = gradmix.clusterer(name, **options).fit(X)
    direct = theirs(**options).fit(X)
    assert ours.n_iter_ == direct.n_iter_
    assert ours.converged_ == direct.converged_
    assert ours.log_likelihood_ == direct.score(X) * len(X)
    np.testing.assert_array_equal(ours.model_.centers, direct.means_)
    np.testing.assert_array_equal(ours.predict(NEW), direct.predict(NEW))
    np.testing.assert_array_equal(ours.model_.predict_proba(NEW), direct.predict_proba(NEW))
    if hasattr(direct, "bic"):
        assert ours.model_.scores(X) == {"bic": direct.bic(X), "aic": direct.aic(X)}


def test_a_mixture_yields_every_iteration_of_every_start():
    clusterer = gradmix.clusterer("sklearn_gmm", n_components=3, n_init=2, max_iter=5, tol=0.0, random_state=0)
    iterations = list(clusterer.iterations(X))
    assert [(each.start, each.step) for each in iterations] == [(s, i) for s in (0, 1) for i in (1, 2, 3, 4, 5)]
    curve = [each.metrics["log_likelihood"] for each in iterations[:5]]
    assert curve == sorted(curve)


@pytest.mark.parametrize(("name", "theirs", "options"), OTHERS)
def test_any_other_is_fitted_as_directly(name, theirs, options):
    ours = gradmix.clusterer(name, **options).fit(X)
    given = options if "n_init" in options or theirs is cluster.HDBSCAN else {"n_init": 1, **options}
    direct = theirs(**given, **({"copy": True} if theirs is cluster.HDBSCAN else {})).fit(X)
    np.testing.assert_array_equal(ours.labels_, direct.labels_)
    if hasattr(direct, "inertia_"):
        assert ours.inertia_ == direct.inertia_
    if hasattr(direct, "n_iter_"):
        assert ours.n_iter_ == direct.n_iter_
    if hasattr(direct, "predict"):
        assert np.mean(ours.predict(X) == direct.predict(X)) > 0.99


@pytest.mark.parametrize("name", ["sklearn_gmm", "sklearn_bayesian_gmm", "sklearn_kmeans", "sklearn_hdbscan"])
def test_models_are_read_again_as_they_were(name, tmp_path):
    clusterer = gradmix.clusterer(name).fit(X)
    gradmix.write_model(tmp_path / "model.json", clusterer, clusterer.model_)
    again = gradmix.read_model(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict(NEW), clusterer.predict(NEW))
    if hasattr(clusterer.model_, "score_samples"):
        np.testing.assert_array_equal(again.model_.score_samples(NEW), clusterer.model_.score_samples(NEW))


def test_faiss_finds_the_same_clusters_in_single_precision():
    pytest.importorskip("faiss")
    found = gradmix.clusterer("faiss_kmeans", n_clusters=3, n_init=5, random_state=0).fit(X)
    best = cluster.KMeans(3, n_init=10, random_state=0).fit(X)
    assert found.inertia_ == pytest.approx(best.inertia_, rel=1e-6)
    again = gradmix.clusterer("faiss_kmeans", n_clusters=3, n_init=5, random_state=0).fit(X)
    assert again.inertia_ == found.inertia_


def test_too_few_rows_and_wrong_options_are_told_first():
    with pytest.raises(DataError, match="2 rows are fewer than n_clusters=3"):
        gradmix.clusterer("sklearn_kmeans", n_clusters=3).fit([[0.0], [1.0]])
    with pytest.raises(ConfigError, match="algorithm must be one of lloyd, elkan"):
        gradmix.clusterer("sklearn_kmeans", algorithm="fast")


def test_a_timing_times_the_librarys_own_fit(monkeypatch):
    fits = []
    original = mixture.GaussianMixture.fit
    monkeypatch.setattr(
        mixture.GaussianMixture, "fit", lambda self, X, y=None: (fits.append(self.max_iter), original(self, X))[1]
    )
    clusterer = gradmix.clusterer("sklearn_gmm", n_components=3, max_iter=6, tol=0.0, n_init=2, random_state=0)
    clusterer.exhaust(X)
    assert fits == [6]


def test_no_warning_where_the_iterations_say_it_all(recwarn):
    list(gradmix.clusterer("sklearn_gmm", max_iter=1, tol=0.0, random_state=0).iterations(X))
    assert not [warning for warning in recwarn if issubclass(warning.category, ConvergenceWarning)]


def test_peers_are_plain_dataclasses_of_options():
    assert [field.name for field in dataclasses.fields(type(gradmix.clusterer("sklearn_hdbscan")))] == [
        "min_cluster_size",
        "min_samples",
        "cluster_selection_epsilon",
        "alpha",
        "cluster_selection_method",
        "allow_single_cluster",
    ]
