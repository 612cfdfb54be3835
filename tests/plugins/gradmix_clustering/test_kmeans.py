"""k-means against scikit-learn's own test case, scikit-learn and its own laws."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans as Peer
from sklearn.cluster import kmeans_plusplus

import gradmix
from gradmix import Rows
from gradmix_clustering.assignment import DirectAssignment, nearest_centers
from gradmix_clustering.bounded import BoundedAssignment
from gradmix_clustering.compiled import pays
from gradmix_clustering.lloyd import lloyd
from gradmix_clustering.nearest import nearest, squared_distances, squared_distances_to_own
from gradmix_clustering.plus_plus import choose_centers
from gradmix_clustering.scaling import unit_exponent
from gradmix_clustering.starts import find_start
from gradmix_datasets.old_faithful import OldFaithful

OLD_FAITHFUL = OldFaithful().load().X


@pytest.fixture(autouse=True, params=[True, False], ids=["compiled", "as it pays"])
def compiled_whatever_the_size(request, monkeypatch):
    """Small problems are not compiled; they are computed here in both ways."""
    if request.param:
        monkeypatch.setattr("gradmix_clustering.compiled.SMALL", 0)


def test_scikit_learns_small_case_rows_repeated_by_their_weights():
    X = np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]]).repeat([3, 1, 1, 3], axis=0)
    step = next(step for step in lloyd(Rows(X), np.array([[0.0, 0.0], [1.0, 1.0]])) if step.is_fixed)
    np.testing.assert_array_equal(step.assignment.labels, np.repeat([0, 0, 1, 1], [3, 1, 1, 3]))
    assert step.inertia == pytest.approx(0.375, rel=1e-14)
    np.testing.assert_allclose(step.centers, [[0.125, 0], [0.875, 1]], rtol=1e-14)


def test_from_the_same_start_it_goes_where_scikit_learn_goes():
    start = OLD_FAITHFUL[[3, 40, 77]]
    step = next(step for step in lloyd(Rows(OLD_FAITHFUL), start) if step.is_fixed)
    peer = Peer(3, init=start, n_init=1, tol=0, algorithm="lloyd").fit(OLD_FAITHFUL)
    np.testing.assert_allclose(step.centers, peer.cluster_centers_, rtol=1e-12)
    assert step.inertia == pytest.approx(peer.inertia_, rel=1e-12)


@pytest.mark.parametrize("max_iter", [1, 3, 300])
@pytest.mark.parametrize("far", [0.0, 1e70, 1e95])
def test_labels_of_the_last_iteration_are_those_predicted(max_iter, far):
    """They are not computed twice, unless a far center makes the unit another one."""
    start = [[far, far], *OLD_FAITHFUL[[3, 40, 77]]]
    clusterer = gradmix.clusterer("kmeans", n_clusters=4, init=start, tol=0.0, max_iter=max_iter)
    iterations = [*clusterer.iterations(OLD_FAITHFUL)]
    assert [each.labels is None for each in iterations] == [True] * (len(iterations) - 1) + [False]
    np.testing.assert_array_equal(iterations[-1].labels, iterations[-1].estimate.predict(OLD_FAITHFUL))
    labels = clusterer.fit(OLD_FAITHFUL).labels_
    assert labels.dtype == np.intp
    np.testing.assert_array_equal(labels, clusterer.predict(OLD_FAITHFUL))


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


@pytest.mark.slow
def test_enough_starts_are_as_good_as_scikit_learns():
    ours = gradmix.clusterer("kmeans", n_clusters=6, n_init=200, tol=0.0, random_state=0).fit(OLD_FAITHFUL)
    peer = Peer(6, n_init=100, tol=0, random_state=0).fit(OLD_FAITHFUL)
    assert ours.inertia_ <= peer.inertia_ * (1 + 1e-9)


def inertia_of(X, centers):
    return squared_distances_to_own(X, centers, nearest(X, centers)).sum()


def exact_inertia(X, centers, labels):
    return math.fsum(((X - centers[labels]) ** 2).ravel())


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.sampled_from([0.0, 1e8]),
    st.sampled_from([0.0, 1e9, 1e60]),
    st.booleans(),
)
def test_each_row_has_the_label_of_its_nearest_center_to_the_last_bit(seed, k, offset, far, on_a_grid):
    rng = np.random.default_rng(seed)
    X, centers = rng.normal(size=(50, 3)) + offset, rng.normal(size=(k, 3)) + offset
    if on_a_grid:  # ties
        X, centers = np.round(X), np.round(centers)
    X[7] += far
    centers[k // 2] += far
    exact = squared_distances(X, centers).argmin(axis=1)
    np.testing.assert_array_equal(nearest(X, centers), exact)
    np.testing.assert_array_equal(nearest_centers(Rows(X), centers), exact)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.0, 1e8]), st.sampled_from([1, 3, 70]))
def test_the_inertia_is_right_to_2e_15(seed, k, offset, d):
    X = np.random.default_rng(seed).standard_t(2, size=(300, d)) + offset
    fit = gradmix.clusterer("kmeans", n_clusters=k, random_state=seed).fit(X)
    assert fit.inertia_ == pytest.approx(exact_inertia(X, fit.cluster_centers_, fit.labels_), rel=2e-15)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("far", [1e9, -1e15, 1e100])
def test_a_far_row_takes_no_digits_from_the_others(seed, far):
    fit = gradmix.clusterer("kmeans", n_clusters=3, random_state=seed).fit([[0.0], [0.1], [1.0], [1.1], [far]])
    assert fit.labels_[0] == fit.labels_[1] != fit.labels_[2] == fit.labels_[3]
    assert sorted(np.abs(fit.cluster_centers_.ravel())) == pytest.approx([0.05, 1.05, abs(far)], rel=1e-14)
    assert fit.inertia_ == pytest.approx(0.01, rel=1e-14)


@pytest.mark.parametrize("way", ["kmeans", "k-means++", "projections"])
def test_nor_does_it_spoil_a_start_of_gmm(way):
    X = np.array([[0.0], [0.1], [1.0], [1.1], [1e9]])
    for seed in range(8):
        counts = gradmix.Rows(X).fold(find_start(way, gradmix.Rows(X), 3, np.random.default_rng(seed))).sum(axis=1)
        assert (counts > 0).all()
        if way != "k-means++":
            assert sorted(counts) == [1, 2, 2]


THREE = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([0.0, 20.0, 50.0], 20)[:, None]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("power", [-1030, -660, -500, -40, 40, 450])
def test_a_power_of_two_changes_no_digit(power):
    clusterer = gradmix.clusterer("kmeans", n_clusters=3, random_state=0)
    plain, scaled = clusterer.fit(THREE).model_, clusterer.fit(np.ldexp(THREE, power))
    np.testing.assert_array_equal(scaled.labels_, plain.predict(THREE))
    np.testing.assert_allclose(
        scaled.cluster_centers_, np.ldexp(plain.centers, power), rtol=2e-15 if power > -990 else 1e-9
    )


@pytest.mark.filterwarnings("error")
def test_an_inertia_that_cannot_be_written_is_refused_in_true_words():
    with pytest.raises(gradmix.DataError, match="so large that the inertia"):
        gradmix.clusterer("kmeans", n_clusters=3, random_state=0).fit(THREE * 1e200)
    assert gradmix.clusterer("kmeans", n_clusters=3, random_state=0).fit(THREE * 1e-200).inertia_ == 0.0
    with pytest.raises(gradmix.DataError, match="so small that the inertia"):
        gradmix.clusterer("kmeans", n_clusters=3, n_init=2, random_state=0).fit(THREE * 1e-200)


def test_the_unit_is_a_power_of_two_only_where_squares_need_it():
    assert unit_exponent(THREE) == unit_exponent(THREE * 1e60 + 1e70) == unit_exponent(np.ones((3, 2))) == 0
    assert unit_exponent(np.array([[-1.7e308], [1.7e308]])) == 1024
    assert unit_exponent(np.array([[0.0], [5e-324]])) == -1073


def test_chosen_centers_are_rows_and_far_apart():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(center, 0.1, (30, 2)) for center in ((0, 0), (9, 0), (0, 9))])
    for seed in range(20):
        centers = choose_centers(Rows(X), 3, np.random.default_rng(seed))
        assert all((center == X).all(axis=1).any() for center in centers)
        assert len({tuple(np.round(center / 9)) for center in centers}) == 3


def test_a_cluster_that_loses_its_rows_takes_the_farthest():
    X = np.array([[0.0], [0.1], [10.0], [10.2]])
    steps = lloyd(Rows(X), np.array([[0.0], [5.0], [500.0]]))
    step = next(step for step in steps if step.is_fixed)
    assert len(set(step.assignment.labels)) == 3


def test_empty_clusters_take_the_farthest_rows_and_ties_go_by_row_number():
    X = np.array([[0.0], [9.0], [-9.0], [9.0], [1.0], [500.0]])
    step = next(lloyd(Rows(X), np.array([[0.0], [500.0], [900.0], [901.0]])))
    np.testing.assert_allclose(step.centers.ravel(), [10 / 3, 500.0, 9.0, -9.0], rtol=1e-15)


def test_a_cluster_of_one_far_row_does_not_lose_it():
    X = np.array([[0.0], [1.0], [100.0]])
    step = next(lloyd(Rows(X), np.array([[0.0], [60.0], [900.0]])))
    np.testing.assert_array_equal(step.centers.ravel(), [0.0, 100.0, 1.0])


def test_fewer_different_rows_than_clusters_are_refused():
    with pytest.raises(gradmix.DataError, match="fewer different rows"):
        gradmix.clusterer("kmeans", n_clusters=3, random_state=0).fit([[0.0], [1.0]] * 5)


def test_fewer_rows_than_clusters_are_refused():
    with pytest.raises(gradmix.DataError, match="2 rows are fewer than n_clusters=3"):
        gradmix.clusterer("kmeans", n_clusters=3).fit([[0.0], [1.0]])


def mean_inertia_of_starts(choose):
    """Over 200 random starts of 8 centers."""
    chosen = [choose(np.random.default_rng(seed)) for seed in range(200)]
    return np.mean([inertia_of(OLD_FAITHFUL, centers) for centers in chosen])


def test_the_start_is_as_greedy_as_scikit_learns():
    def peers(n_local_trials):
        return lambda rng: kmeans_plusplus(
            OLD_FAITHFUL, 8, random_state=int(rng.integers(2**31)), n_local_trials=n_local_trials
        )[0]

    plain, greedy = mean_inertia_of_starts(peers(1)), mean_inertia_of_starts(peers(None))
    ours = mean_inertia_of_starts(lambda rng: choose_centers(Rows(OLD_FAITHFUL), 8, rng))
    assert greedy < 0.9 * plain  # so that the two can be told apart
    assert ours == pytest.approx(greedy, rel=0.04)


def mixed_rows(seed, n, d):
    """Clusters of different widths and a uniform part: bounds decide some rows only."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(7, d)) * 6
    X = centers[rng.integers(7, size=n)] + rng.normal(size=(n, d)) * rng.choice([0.1, 1.0, 3.0], size=(n, 1))
    X[::3] = rng.uniform(-9, 9, size=X[::3].shape)
    return X


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 5, 16, 21]), st.integers(1, 9), st.booleans(), st.booleans()
)
def test_bounds_change_nothing(seed, d, k, weighted, on_a_grid):
    rng = np.random.default_rng(seed)
    X = mixed_rows(seed, 700, d)
    X = np.round(X) if on_a_grid else X
    rows = Rows(X, rng.choice([0.0, 0.3, 1.0, 2.0], size=len(X)) if weighted else None)
    start = X[rng.choice(len(X), size=k, replace=False)]
    direct, bounded = DirectAssignment(rows, start), BoundedAssignment(rows, start)
    for _ in range(12):
        np.testing.assert_array_equal(bounded.labels, direct.labels)
        assert bounded.inertia() == pytest.approx(direct.inertia(), rel=1e-14, abs=1e-11)
        means = direct.means()
        np.testing.assert_allclose(bounded.means(), means, rtol=1e-13, atol=1e-13)
        assert direct.move(means) == bounded.move(means)


@pytest.mark.parametrize("d", [2, 16])
def test_engines_and_read_only_rows_change_no_bit(d):
    X = mixed_rows(0, 70_000, d)
    fixed = np.asfortranarray(X)
    fixed.flags.writeable = False
    options = {"n_clusters": 6, "random_state": 3, "tol": 0.0, "max_iter": 12}
    plain = gradmix.clusterer("kmeans", **options).fit(X)
    for other in (gradmix.rows(X, engine="threads"), fixed):
        again = gradmix.clusterer("kmeans", **options).fit(other)
        np.testing.assert_array_equal(again.labels_, plain.labels_)
        np.testing.assert_array_equal(again.cluster_centers_, plain.cluster_centers_)
        assert again.inertia_ == plain.inertia_


def test_an_inertia_keeps_its_digits_where_the_squares_are_1e14_times_as_large():
    rng = np.random.default_rng([3, 20000])
    X = rng.normal(size=(20000, 3)) + (2 * rng.normal(size=(50, 3)))[rng.integers(50, size=20000)] + 1e7
    weights = rng.uniform(0, 3, len(X)) * (np.arange(len(X)) % 7 > 0)
    fitted = gradmix.clusterer("kmeans", n_clusters=50, random_state=3).fit(X, sample_weight=weights)
    exact = math.fsum((weights[:, None] * (X - fitted.cluster_centers_[fitted.labels_]) ** 2).ravel())
    assert fitted.inertia_ == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_inertia_of_long_runs_is_right(offset, weighted):
    X = mixed_rows(5, 3000, 4) + offset
    weights = np.random.default_rng(1).uniform(0, 3, len(X)) if weighted else np.ones(len(X))
    clusterer = gradmix.clusterer("kmeans", n_clusters=9, tol=0.0, random_state=0)
    steps = list(clusterer.iterations(X, weights if weighted else None))
    assert steps[-1].converged
    assert len(steps) > 10
    for step in steps:
        labels = step.estimate.predict(X)
        exact = math.fsum((weights[:, None] * (X - step.estimate.centers[labels]) ** 2).ravel())
        assert step.metrics["inertia"] == pytest.approx(exact, rel=2e-15)
    values = [step.metrics["inertia"] for step in steps]
    assert np.diff(values).max() <= 1e-14 * values[0]


@pytest.mark.parametrize(("d", "k"), [(2, 3), (16, 16), (5, 40), (4, 300)])
@pytest.mark.parametrize("seed", [0, 1])
def test_from_a_given_start_the_labels_are_scikit_learns(d, k, seed):
    X = mixed_rows(seed, 4000, d)
    start = X[np.random.default_rng(seed).choice(len(X), k, replace=False)]
    weights = np.random.default_rng(seed).integers(1, 4, len(X)).astype(float)
    ours = gradmix.clusterer("kmeans", n_clusters=k, init=start, tol=0.0).fit(X, sample_weight=weights)
    peer = Peer(k, init=start, n_init=1, tol=0, algorithm="lloyd").fit(X, sample_weight=weights)
    np.testing.assert_array_equal(ours.labels_, peer.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, peer.cluster_centers_, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours.transform(X), peer.transform(X), rtol=1e-7)
    assert ours.score(X, sample_weight=weights) == pytest.approx(peer.score(X, sample_weight=weights), rel=1e-12)


def test_a_weight_of_two_is_a_row_twice():
    X = mixed_rows(2, 400, 3)
    weights = np.arange(len(X)) % 3
    start = X[1:8]
    weighted = gradmix.clusterer("kmeans", n_clusters=7, init=start, tol=0.0).fit(X, sample_weight=weights)
    twice = gradmix.clusterer("kmeans", n_clusters=7, init=start, tol=0.0).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_array_equal(twice.predict(X), weighted.labels_)
    assert twice.inertia_ == pytest.approx(weighted.inertia_, rel=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(-200, 200))
def test_from_a_given_start_order_shift_and_scale_make_no_difference(seed, k, power):
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(60, 2)) * 64) / 64  # so that shifts are exact
    start = X[:k]

    def fit(X, start):
        try:
            return gradmix.clusterer("kmeans", n_clusters=k, init=start, tol=0.0).fit(X)
        except gradmix.DataError as error:
            assert "fewer different rows" in str(error)  # noqa: PT017 - the other way is no error
            return None

    plain = fit(X, start)
    order = rng.permutation(60)
    for labels, other in (
        (lambda found: found[np.argsort(order)], fit(X[order], start)),
        (lambda found: found, fit(X + 1024.0, start + 1024.0)),
        (lambda found: found, fit(np.ldexp(X, power), np.ldexp(start, power))),
    ):
        assert (plain is None) == (other is None)
        if plain is not None:
            np.testing.assert_array_equal(labels(other.labels_), plain.labels_)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("unit", "far"),
    [
        (1, 1e100),
        (1, 1e155),
        (1, 1e300),
        (1e-200, 1e-50),
        (1e-200, 1e100),
        (1e-200, 1e200),
    ],
)
def test_a_given_center_may_be_far_from_all_rows(unit, far):
    """It has no rows at first, and then takes one; where its distance is infinite, that is said."""
    X = np.random.default_rng(0).normal(size=(300, 2)) * unit
    clusterer = gradmix.clusterer("kmeans", n_clusters=3, init=[[far, 0.0], [0.0, 0.0], [unit, unit]])
    if far / unit > 1e308:
        with pytest.raises(gradmix.DataError, match="nearer to the rows"):
            clusterer.fit(X)
    else:
        labels = clusterer.fit(X).labels_
        near = gradmix.clusterer("kmeans", n_clusters=3, init=[[50 * unit, 0.0], [0.0, 0.0], [unit, unit]])
        np.testing.assert_array_equal(labels, near.fit(X).labels_)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_start_draws_rows_by_weight_times_squared_distance(weighted):
    X = np.array([[0.0], [1.0], [3.0]]).repeat([1, 1, 1], axis=0)
    weights = np.array([1.0, 2.0, 1.0]) if weighted else None
    drawn = [tuple(choose_centers(Rows(X, weights), 1, np.random.default_rng(seed))[0]) for seed in range(2000)]
    expected = np.array([1, 2, 1]) / 4 if weighted else np.ones(3) / 3
    shares = [drawn.count((value,)) / 2000 for value in (0.0, 1.0, 3.0)]
    np.testing.assert_allclose(shares, expected, atol=0.04)


def test_a_compiled_start_is_the_plain_one(monkeypatch):
    X = mixed_rows(3, 9000, 5)
    weights = np.random.default_rng(0).uniform(size=len(X))
    for given_weights in (None, weights):
        fast = choose_centers(Rows(X, given_weights), 12, np.random.default_rng(4))
        with monkeypatch.context() as patch:
            patch.setattr("gradmix_clustering.plus_plus.pays", lambda n, d, k: False)
            np.testing.assert_array_equal(choose_centers(Rows(X, given_weights), 12, np.random.default_rng(4)), fast)


def test_what_is_compiled_follows_from_the_problem_alone(monkeypatch):
    assert pays(10_000, 4, 3)
    monkeypatch.undo()
    assert not pays(272, 2, 2)


@pytest.mark.processes
@pytest.mark.parametrize("k", [3, 300])
def test_a_fit_compiles_nothing_that_compiling_for_its_rows_has_not(k):
    code = f"""
import numpy as np, gradmix
from gradmix_clustering import lloyd_kernels, plus_plus_kernels, screened_centers
kernels = [each for module in (lloyd_kernels, plus_plus_kernels, screened_centers) for each in vars(module).values()]
compiled = lambda: [len(kernel.signatures) for kernel in kernels if hasattr(kernel, "signatures")]
X = np.random.default_rng(0).normal(size=(5000, 3))
kmeans = gradmix.clusterer("kmeans", n_clusters={k}, random_state=0)
kmeans.compile_for(gradmix.Rows(X[: 1000 // {k}]))
assert sum(compiled()) == 0
kmeans.compile_for(gradmix.Rows(X))
before = compiled()
kmeans.fit(X).predict(X)
assert sum(before) > 0 and compiled() == before, (before, compiled())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_starts_by_name_array_and_function():
    fit = gradmix.clusterer("kmeans", n_clusters=2, init="random", random_state=0).fit(OLD_FAITHFUL)
    assert gradmix.clusterer("kmeans", init="random").n_starts() == 10
    assert gradmix.clusterer("kmeans").set_params(init=lambda X, k, rng: X[:k]).n_starts() == 10
    assert gradmix.clusterer("kmeans").n_starts() == 1
    start = OLD_FAITHFUL[:2]
    for init in (start, start.tolist(), lambda X, k, rng: X[:k]):
        again = gradmix.clusterer("kmeans", n_clusters=2, tol=0.0).set_params(init=init).fit(OLD_FAITHFUL)
        assert again.inertia_ == pytest.approx(fit.inertia_, rel=1e-3)
    for wrong in (start, OLD_FAITHFUL[:3, :1], lambda X, k, rng: X[: k + 1]):
        with pytest.raises(gradmix.DataError, match=r"centers of the shape \(n_clusters, n_features\) = \(3, 2\)"):
            gradmix.clusterer("kmeans", n_clusters=3).set_params(init=wrong).fit(OLD_FAITHFUL)
    with pytest.raises(gradmix.ConfigError, match="init must be"):
        gradmix.clusterer("kmeans", init="elkan").fit(OLD_FAITHFUL)


def test_more_than_one_start_from_given_centers_is_warned_of():
    clusterer = gradmix.clusterer("kmeans", init=OLD_FAITHFUL[:2], n_init=10)
    with pytest.warns(RuntimeWarning, match="performing only one init in KMeans instead of n_init=10") as warned:
        fit = clusterer.fit(OLD_FAITHFUL)
    assert {each.filename for each in warned} == {__file__}
    assert fit.inertia_ == gradmix.clusterer("kmeans", init=OLD_FAITHFUL[:2]).fit(OLD_FAITHFUL).inertia_


def test_the_cluster_that_scikit_learn_relocates():
    X = np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]])
    fit = gradmix.clusterer("kmeans", init=[[0.5, 0.5], [3.0, 3.0]]).fit(X)
    assert fit.inertia_ == 0.25
    assert sorted(map(tuple, fit.cluster_centers_)) == [(0.25, 0.0), (0.75, 1.0)]
    assert fit.labels_[0] == fit.labels_[1] != fit.labels_[2] == fit.labels_[3]


def test_rows_of_weight_zero_found_no_cluster():
    X = np.array([[0.0], [1.0], [2.0], [50.0]])
    fit = gradmix.clusterer("kmeans", n_clusters=2, random_state=0).fit(X, sample_weight=[1, 1, 1, 0])
    assert sorted(fit.cluster_centers_.ravel()) in ([0.0, 1.5], [0.5, 2.0])
    with pytest.raises(gradmix.DataError, match="3 rows of positive weight, fewer than n_clusters=4"):
        gradmix.clusterer("kmeans", n_clusters=4, random_state=0).fit(X, sample_weight=[1, 1, 1, 0])
    with pytest.raises(gradmix.DataError, match="not negative"):
        gradmix.clusterer("kmeans", n_clusters=2).fit(X, sample_weight=[1, 1, -1, 1])


def test_no_rows_have_no_labels_and_no_inertia():
    fitted = gradmix.clusterer("kmeans", random_state=0).fit([[0.0], [1.0], [5.0]])
    none = np.empty((0, 1))
    assert fitted.predict(none).shape == (0,)
    assert fitted.transform(none).shape == (0, 2)
    assert fitted.score(none) == 0.0


@pytest.mark.parametrize("d", [1, 3, 4, 7, 8, 17])
def test_rows_in_a_tile_are_rounded_and_transposed_as_numpy_does_it(d):
    import numba

    from gradmix_clustering import lloyd_kernels

    load, rng = lloyd_kernels._load, np.random.default_rng(d)
    X = rng.normal(size=(100, d)) * 10.0 ** rng.integers(-20, 20, size=(100, d))
    rows, shift = rng.integers(100, size=lloyd_kernels.TILE), rng.normal(size=d)
    tile = np.zeros((d + -d % 4, lloyd_kernels.TILE), np.float32)
    numba.njit(lambda *given: load(*given))(X, rows, shift, 2.0**-3, tile.reshape(-1))
    expected = ((X[rows] - shift) * 2.0**-3).astype(np.float32).T
    np.testing.assert_array_equal(tile[:d], expected)
    assert not tile[d:].any()
