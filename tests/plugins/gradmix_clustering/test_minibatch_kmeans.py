"""The clusterer `minibatch_kmeans`: what a batch does, when it stops, and how good it is."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

import gradmix
from gradmix_clustering.minibatch import MiniBatchState, Sampler, Smoothed


def minibatch(k, **options):
    return gradmix.clusterer("minibatch_kmeans", **{"n_clusters": k, "random_state": 0, **options})


def groups(n, k, d=4, seed=1):
    """Groups that are far apart, in random order."""
    rng = np.random.default_rng(seed)
    return 20.0 * rng.normal(size=(k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d))


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_a_center_is_the_mean_of_all_rows_that_it_has_followed(offset):
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(300, 2)) + offset, rng.integers(3, size=300)
    labels[:100] %= 2  # the third center gets its first rows in the second batch
    state = MiniBatchState(offset + rng.normal(size=(4, 2)), np.zeros(4))
    for part in (slice(0, 100), slice(100, 220), slice(220, 300)):
        state = state.followed(X[part], labels[part])
    assert state.counts.tolist() == [*np.bincount(labels), 0]
    for j in range(3):
        means = [math.fsum(column) / np.count_nonzero(labels == j) for column in X[labels == j].T]
        np.testing.assert_allclose(state.centers[j], means, rtol=1e-15, atol=1e-15)


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_row_of_weight_w_is_drawn_as_w_rows_are(seed, n):
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, size=n)
    weights[rng.integers(n)] = 1
    X = np.arange(float(n))[:, None]
    weighted, repeated = Sampler.of(gradmix.Rows(X, weights)), Sampler.of(gradmix.Rows(X.repeat(weights, axis=0)))
    drawn = [each.rows.array[each.draw(50, np.random.default_rng(seed))] for each in (weighted, repeated)]
    np.testing.assert_array_equal(*drawn)


class LargestNumbers:
    """A generator whose numbers are the largest below 1."""

    def random(self, size):
        return np.full(size, np.nextafter(1.0, 0.0))


def test_rounding_never_draws_a_row_that_is_not_there_or_has_no_weight():
    X = np.zeros((5, 1))
    weights = [0.1, 0.2, 0.3, 1e-17, 0.0]
    assert Sampler.of(gradmix.Rows(X)).draw(2, LargestNumbers()).tolist() == [4, 4]
    assert Sampler.of(gradmix.Rows(X, weights)).draw(2, LargestNumbers()).max() <= 3


def test_starved_centers_begin_again_at_different_rows_of_the_batch():
    batch, rng = np.arange(8.0)[:, None], np.random.default_rng(0)
    state = MiniBatchState(np.array([[1.0], [100.0], [200.0], [6.0]]), np.array([500.0, 0.0, 4.0, 300.0]), 40)
    after = state.reseeded(batch, 0.01, rng)
    assert after.centers[[0, 3]].ravel().tolist() == [1.0, 6.0]
    assert len({*after.centers[[1, 2], 0]} & {*batch[:, 0]}) == 2
    assert after.counts.tolist() == [500.0, 300.0, 300.0, 300.0]
    assert after.since_look == 0
    kept = state.reseeded(batch, 0.0, rng)
    np.testing.assert_array_equal(kept.centers, state.centers)


def test_centers_that_have_rows_are_looked_at_only_now_and_then():
    state = MiniBatchState(np.array([[0.0], [9.0]]), np.array([5000.0, 1.0]), 19)
    assert state.reseeded(np.ones((4, 1)), 0.01, np.random.default_rng(0)) is state
    later = MiniBatchState(state.centers, state.counts, 20)
    assert later.reseeded(np.ones((4, 1)), 0.01, np.random.default_rng(0)).centers[1] == 1.0


def test_the_smoothed_inertia_counts_batches_without_gain():
    smoothed = Smoothed()
    for value in (4.0, 2.0, 5.0, 3.0):
        smoothed += (value, 0.5)
    assert smoothed == Smoothed(3.5, 3.0, 2)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_init", [1, 3])
def test_the_last_iteration_is_exact(n_init, weighted):
    X, weights = groups(3000, 5), np.random.default_rng(3).uniform(size=3000) if weighted else None
    fit = minibatch(5, batch_size=200, n_init=n_init, init="random").fit(X, sample_weight=weights)
    squares = ((X - fit.cluster_centers_[fit.labels_]) ** 2) * (1.0 if weights is None else weights[:, None])
    exact = math.fsum(squares.ravel())
    assert abs(fit.inertia_ - exact) <= 2e-15 * exact
    assert fit.trace_[-1] == fit.inertia_ == -fit.score(X, sample_weight=weights)
    np.testing.assert_array_equal(fit.labels_, fit.predict(X))
    assert len(fit.trace_) == fit.n_iter_


def test_before_the_last_iteration_the_inertia_is_an_estimate_of_that_of_all_rows():
    X = np.random.default_rng(0).uniform(size=(20_000, 3))
    weights = np.random.default_rng(1).uniform(size=20_000)
    options = {"batch_size": 500, "max_no_improvement": None, "max_iter": 2}
    fit = minibatch(6, **options).fit(X, sample_weight=weights)
    assert fit.n_iter_ == 80
    assert np.mean(fit.trace_[40:-1]) == pytest.approx(fit.inertia_, rel=0.02)


def test_engines_files_and_layouts_of_rows_change_no_bit(tmp_path):
    X, weights = groups(9000, 7), np.random.default_rng(3).uniform(size=9000)
    np.save(tmp_path / "rows.npy", X)
    fits = [
        minibatch(7, batch_size=300).fit(rows)
        for rows in (
            gradmix.Rows(X, weights),
            gradmix.Rows(tmp_path / "rows.npy", weights),
            gradmix.Rows(np.asfortranarray(X), weights),
            gradmix.rows(X, weights=weights, engine="threads"),
        )
    ]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.cluster_centers_, fits[0].cluster_centers_)
        np.testing.assert_array_equal(fit.labels_, fits[0].labels_)
        np.testing.assert_array_equal(fit.trace_, fits[0].trace_)
    assert (minibatch(7, batch_size=300, random_state=1).fit(X).cluster_centers_ != fits[0].cluster_centers_).any()


def test_rows_in_a_file_are_not_held_in_memory(tmp_path):
    X = groups(200_000, 8)
    np.save(tmp_path / "rows.npy", X)
    rows, clusterer = gradmix.Rows(tmp_path / "rows.npy"), minibatch(8)
    clusterer.exhaust(gradmix.Rows(X[:20_000]))
    tracemalloc.start()
    clusterer.exhaust(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * len(X)
    assert peak < X.nbytes


def test_it_stops_when_the_smoothed_inertia_no_longer_falls_or_centers_hardly_move():
    X = groups(5000, 4)
    early = minibatch(4, batch_size=100).fit(X)
    assert early.converged_
    assert early.n_iter_ < 5000
    patient = minibatch(4, batch_size=100, max_no_improvement=40).fit(X)
    assert patient.n_iter_ > early.n_iter_
    by_moves = minibatch(4, batch_size=100, max_no_improvement=None, tol=1e-4).fit(X)
    assert by_moves.converged_
    assert 2 <= by_moves.n_iter_ < 5000
    never = minibatch(4, batch_size=100, max_no_improvement=None, max_iter=3).fit(X)
    assert not never.converged_
    assert never.n_iter_ == 150


def test_centers_without_rows_are_moved_to_some():
    X = groups(4000, 6)
    start = X[:6] + 1e6
    start[0] = X[0]
    fit = minibatch(6, init=start, batch_size=100, max_no_improvement=None, max_iter=20).fit(X)
    assert fit.converged_ is False
    assert np.bincount(fit.labels_, minlength=6).min() > 0
    with pytest.warns(ConvergenceWarning, match=r"5 cluster\(s\)"):
        alone = minibatch(6, init=start, batch_size=100, reassignment_ratio=0.0).fit(X)
    assert np.bincount(alone.labels_, minlength=6).tolist() == [4000, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("batch_size", [10, 200])
@pytest.mark.parametrize("seed", range(3))
def test_centers_that_begin_at_equal_rows_spread(batch_size, seed):
    """scikit-learn's test_minibatch_sensible_reassign, without partial_fit."""
    X, _ = make_blobs(n_samples=100, centers=5, random_state=seed)
    X[::2] = 0
    fit = gradmix.clusterer(
        "minibatch_kmeans", n_clusters=20, batch_size=batch_size, init="random", random_state=seed
    ).fit(X)
    assert fit.cluster_centers_.any(axis=1).sum() > 9


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_center_far_from_all_rows_overflows_nothing():
    X = groups(300, 2, d=2)
    fit = minibatch(3, init=[[1e300, 0.0], *X[:2].tolist()], batch_size=30, tol=1e-3).fit(X)
    assert np.isfinite(fit.inertia_)
    assert np.bincount(fit.labels_).min() > 0


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", ["kmeans", "minibatch_kmeans"])
def test_a_center_so_far_that_sums_overflow_is_refused(name):
    X = groups(300, 2, d=2)
    with pytest.raises(gradmix.DataError, match="init must give centers nearer to the rows"):
        gradmix.clusterer(name, init=[[1e307, 1e307], [0.0, 0.0]]).fit(X)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_distance_beyond_the_largest_number_is_infinite():
    fitted = gradmix.clusterer("kmeans", init=[[0.0, 0.0], [5.0, 5.0]]).fit(groups(300, 2, d=2))
    assert np.isposinf(fitted.transform([[1.7e308, 1.7e308]])).all()


def test_fewer_different_rows_than_clusters_are_reported():
    with pytest.warns(
        ConvergenceWarning, match=r"1 cluster\(s\) have collapsed.*Lower n_clusters, or try more starts \(n_init\)\.$"
    ):
        fit = minibatch(3).fit(np.repeat([[0.0], [1.0]], 20, axis=0))
    assert not fit.converged_
    assert fit.inertia_ == 0.0


def test_inertias_are_as_scikit_learns():
    X = load_digits().data
    ours = [minibatch(10, random_state=seed).fit(X).inertia_ for seed in range(20)]
    theirs = [MiniBatchKMeans(10, random_state=seed, n_init=1).fit(X).inertia_ for seed in range(20)]
    best = gradmix.clusterer("kmeans", n_clusters=10, n_init=10, random_state=0).fit(X).inertia_
    assert np.mean(ours) <= 1.01 * np.mean(theirs)
    assert np.mean(ours) <= 1.05 * best


@pytest.mark.parametrize("power", [-600, 600])
def test_a_power_of_two_changes_no_digit(power):
    X = groups(500, 3)
    plain, scaled = minibatch(3, batch_size=50).fit(X), minibatch(3, batch_size=50)
    if power > 0:
        with pytest.raises(gradmix.DataError, match="overflows"):
            scaled.fit(np.ldexp(X, power))
        return
    scaled.fit(np.ldexp(X, power))
    np.testing.assert_array_equal(scaled.cluster_centers_, np.ldexp(plain.cluster_centers_, power))
    np.testing.assert_array_equal(scaled.labels_, plain.labels_)


def test_a_batch_is_never_larger_than_the_data_and_a_sample_never_smaller_than_k():
    X = groups(30, 3)
    fit = minibatch(3, max_iter=5, max_no_improvement=None).fit(X)
    assert fit.n_iter_ == 5
    assert minibatch(8, batch_size=2, init_size=1).fit(groups(100, 8)).cluster_centers_.shape == (8, 4)
    with pytest.raises(gradmix.DataError, match="2 rows are fewer than n_clusters=3"):
        minibatch(3).fit(X[:2])


def test_numbers_of_starts():
    assert minibatch(3).n_starts() == 1
    assert minibatch(3, init="random").n_starts() == 3
    assert minibatch(3, init=[[0.0], [1.0], [2.0]], n_init=5).n_starts() == 1
