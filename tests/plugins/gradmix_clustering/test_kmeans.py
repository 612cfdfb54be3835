"""k-means against scikit-learn's own test case, scikit-learn and its own laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans as Peer
from sklearn.cluster import kmeans_plusplus

import gradmix
from gradmix_clustering.lloyd import assign, choose_centers, lloyd
from gradmix_datasets.old_faithful import OldFaithful

OLD_FAITHFUL = OldFaithful().load().X


def test_scikit_learns_small_case_rows_repeated_by_their_weights():
    X = np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]]).repeat([3, 1, 1, 3], axis=0)
    step = next(step for step in lloyd(X, np.array([[0.0, 0.0], [1.0, 1.0]])) if step.is_fixed)
    np.testing.assert_array_equal(step.labels, np.repeat([0, 0, 1, 1], [3, 1, 1, 3]))
    assert step.inertia == pytest.approx(0.375, rel=1e-14)
    np.testing.assert_allclose(step.centers, [[0.125, 0], [0.875, 1]], rtol=1e-14)


def test_from_the_same_start_it_goes_where_scikit_learn_goes():
    start = OLD_FAITHFUL[[3, 40, 77]]
    step = next(step for step in lloyd(OLD_FAITHFUL, start) if step.is_fixed)
    peer = Peer(3, init=start, n_init=1, tol=0, algorithm="lloyd").fit(OLD_FAITHFUL)
    np.testing.assert_allclose(step.centers, peer.cluster_centers_, rtol=1e-12)
    assert step.inertia == pytest.approx(peer.inertia_, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_the_inertia_never_rises_and_belongs_to_its_centers(k):
    clusterer = gradmix.clusterer("kmeans", n_clusters=k, tol=0.0, n_init=3, random_state=0)
    for start in range(3):
        steps = [each for each in clusterer.iterations(OLD_FAITHFUL) if each.start == start]
        values = [each.metrics["inertia"] for each in steps]
        assert np.diff(values).max(initial=0.0) <= 1e-12 * values[0]
        for each in steps:
            distances = ((OLD_FAITHFUL[:, None] - each.estimate.centers) ** 2).sum(axis=2).min(axis=1)
            assert each.metrics["inertia"] == pytest.approx(distances.sum(), rel=1e-12)
        assert steps[-1].converged


def test_enough_starts_are_as_good_as_scikit_learns():
    ours = gradmix.clusterer("kmeans", n_clusters=6, n_init=200, tol=0.0, random_state=0).fit(OLD_FAITHFUL)
    peer = Peer(6, n_init=100, tol=0, random_state=0).fit(OLD_FAITHFUL)
    assert ours.inertia_ <= peer.inertia_ * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.0, 1e8]))
def test_rows_go_to_their_nearest_center(seed, k, offset):
    rng = np.random.default_rng(seed)
    X, centers = rng.normal(size=(50, 3)) + offset, rng.normal(size=(k, 3)) + offset
    labels, distances = assign(X, centers)
    exact = ((X[:, None] - centers) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances, exact.min(axis=1), rtol=1e-6)
    np.testing.assert_allclose(exact[np.arange(50), labels], exact.min(axis=1), rtol=1e-6)


def test_chosen_centers_are_rows_and_far_apart():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(center, 0.1, (30, 2)) for center in ((0, 0), (9, 0), (0, 9))])
    for seed in range(20):
        centers = choose_centers(X, 3, np.random.default_rng(seed))
        assert all((center == X).all(axis=1).any() for center in centers)
        assert len({tuple(np.round(center / 9)) for center in centers}) == 3


def test_a_cluster_that_loses_its_rows_takes_the_farthest():
    X = np.array([[0.0], [0.1], [10.0], [10.2]])
    steps = lloyd(X, np.array([[0.0], [5.0], [500.0]]))
    step = next(step for step in steps if step.is_fixed)
    assert len(set(step.labels)) == 3


def test_fewer_different_rows_than_clusters_are_refused():
    with pytest.raises(gradmix.DataError, match="fewer different rows"):
        gradmix.clusterer("kmeans", n_clusters=3, random_state=0).fit([[0.0], [1.0]] * 5)


def test_fewer_rows_than_clusters_are_refused():
    with pytest.raises(gradmix.DataError, match="2 rows are fewer than n_clusters=3"):
        gradmix.clusterer("kmeans", n_clusters=3).fit([[0.0], [1.0]])


def mean_inertia_of_starts(choose):
    """Over 200 random starts of 8 centers."""
    chosen = [choose(np.random.default_rng(seed)) for seed in range(200)]
    return np.mean([assign(OLD_FAITHFUL, centers)[1].sum() for centers in chosen])


def test_the_start_is_as_greedy_as_scikit_learns():
    def peers(n_local_trials):
        return lambda rng: kmeans_plusplus(
            OLD_FAITHFUL, 8, random_state=int(rng.integers(2**31)), n_local_trials=n_local_trials
        )[0]

    plain, greedy = mean_inertia_of_starts(peers(1)), mean_inertia_of_starts(peers(None))
    ours = mean_inertia_of_starts(lambda rng: choose_centers(OLD_FAITHFUL, 8, rng))
    assert greedy < 0.9 * plain  # so that the two can be told apart
    assert ours == pytest.approx(greedy, rel=0.04)
