"""Whole starts on small data, compiled, against EM iteration by iteration and against forty digits."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

import gradmix
from exact_em import CHANGES, em_in_forty_digits, mixture
from gradmix.contracts.iteration import last_of_each_start
from gradmix_clustering.em import em, start_model
from gradmix_clustering.estep import EStep
from gradmix_clustering.small import is_small
from gradmix_clustering.starts import find_start
from gradmix_clustering.stream_kernels import uniforms, words_of
from gradmix_datasets.old_faithful import OldFaithful

TYPES = ["full", "tied", "diag", "spherical"]
OLD_FAITHFUL = OldFaithful().load().X
NEAR = {name: change for name, change in CHANGES.items() if "offset" not in name}
"""Rows at an offset are fitted iteration by iteration, in a frame of their own."""


def small(k=2, **options):
    return gradmix.clusterer("gmm", n_components=k, reg_covar=0.0, tol=0.0, random_state=0, **options)


def begun(rows, clusterer, seed=0):
    """The model that a start begins with."""
    belongs = find_start("kmeans", rows, clusterer.n_components, np.random.default_rng(seed))
    return start_model(rows, belongs, clusterer.covariance_type, 0.0)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_each_step_is_that_of_em_with_numpy(covariance_type, is_weighted):
    X, _ = mixture(200, 3, 3)
    rows = gradmix.rows(X, weights=np.random.default_rng(0).integers(0, 4, 200) if is_weighted else None)
    clusterer = small(3, covariance_type=covariance_type, max_iter=12)
    (ours,) = clusterer.batch_of_starts(rows)([np.random.default_rng(0)])
    theirs = list(islice(em(EStep(rows, "numpy"), begun(rows, clusterer), 0.0), 12))
    np.testing.assert_allclose(ours.values, [step.log_likelihood for step in theirs], rtol=1e-12)
    for name in ("weights", "means", "covariances"):
        found, expected = getattr(ours.last().estimate, name), getattr(theirs[-1].model, name)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])  # the same in one feature
@pytest.mark.parametrize("change", NEAR.values(), ids=NEAR)
def test_six_iterations_are_those_of_forty_digits(change, covariance_type):
    rows = gradmix.Rows(change(mixture(60, 1, 2)[0]))
    clusterer = small(covariance_type=covariance_type, max_iter=6)
    exact = em_in_forty_digits(rows.array, begun(rows, clusterer), 6)
    (found,) = clusterer.batch_of_starts(rows)([np.random.default_rng(0)])
    assert len(found.values) == 6 or found.last().converged
    for value, expected in zip(found.values.tolist(), exact, strict=False):
        assert float(abs((value - expected) / expected)) < 1e-10


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_clusters_of_a_start_are_those_of_kmeans(k, is_weighted):
    weights = np.random.default_rng(1).integers(0, 3, 272).astype(float) if is_weighted else None
    rows = gradmix.rows(OLD_FAITHFUL, weights=weights)
    problem = small(k).batch_of_starts(rows).__self__
    means = np.empty((20, k, problem.rows.shape[1]))
    found, spread = problem.clusters([*map(np.random.default_rng, range(20))], means)
    for seed, labels in enumerate(found):
        start = find_start("kmeans", rows, k, np.random.default_rng(seed))
        np.testing.assert_array_equal(labels, start.labels)
    mean = np.average(OLD_FAITHFUL, axis=0, weights=weights)
    np.testing.assert_allclose(means, np.broadcast_to(mean, means.shape), rtol=1e-14)
    assert spread == pytest.approx(np.average((OLD_FAITHFUL - mean) ** 2, axis=0, weights=weights).mean(), rel=1e-14)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_fit_keeps_the_best_of_all_starts(covariance_type):
    clusterer = gradmix.clusterer("gmm", n_components=4, covariance_type=covariance_type, n_init=12, random_state=0)
    lasts = list(last_of_each_start(clusterer.iterations(OLD_FAITHFUL)))
    best = gradmix.LOG_LIKELIHOOD.best(lasts)
    fitted = clusterer.fit(OLD_FAITHFUL)
    assert len({last.metrics["log_likelihood"] for last in lasts}) > 1
    assert fitted.log_likelihood_ == pytest.approx(best.metrics["log_likelihood"], rel=1e-12)
    assert (fitted.n_iter_, fitted.converged_, len(fitted.trace_)) == (best.step, best.converged, best.step)
    np.testing.assert_allclose(fitted.means_, best.estimate.means, rtol=1e-9)
    np.testing.assert_array_equal(fitted.labels_, best.estimate.predict(OLD_FAITHFUL))


def test_starts_that_break_down_leave_the_others():
    X = np.array([[0.0], [2.0], [4.0], [7.0], [7.0], [7.0], [10.0], [12.5], [15.0]])
    clusterer = gradmix.clusterer("gmm", n_components=3, reg_covar=0.0, n_init=30, random_state=0)
    with pytest.warns(RuntimeWarning, match=r"start \d+ failed: the covariance of component \d became singular"):
        fitted = clusterer.fit(X)
    assert fitted.converged_
    assert np.isfinite(fitted.log_likelihood_)


@pytest.mark.filterwarnings("ignore:start")
def test_starts_that_all_break_down_are_an_error():
    clusterer = gradmix.clusterer("gmm", n_components=3, reg_covar=0.0, n_init=3, random_state=0)
    with pytest.raises(gradmix.NumericalError, match="became singular"):
        clusterer.fit([[5.0], [5.0], [5.0], [9.0], [9.4]])


def test_more_iterations_than_are_kept_at_once_are_one_trace():
    X, _ = mixture(500, 2, 4)
    whole = small(4, max_iter=3000).fit(X).trace_
    assert len(whole) > 40
    assert np.diff(whole).min() > -1e-10 * abs(whole[0])
    np.testing.assert_array_equal(small(4, max_iter=40).fit(X).trace_, whole[:40])


def test_large_data_and_other_types_are_not_small():
    full, other = gradmix.covariance("full"), gradmix.covariance("VEV")
    assert is_small(full, 272, 2, 2)
    assert not any([is_small(full, 10_000, 2, 2), is_small(full, 1000, 30, 4), is_small(other, 272, 2, 2)])


def test_rows_far_from_zero_are_iterated_in_a_frame_of_their_own():
    rngs = [np.random.default_rng(0)]
    assert small().batch_of_starts(gradmix.Rows(OLD_FAITHFUL))(rngs) is not None
    assert small().batch_of_starts(gradmix.Rows(OLD_FAITHFUL + 1e8))(rngs) is None
    assert small().batch_of_starts(gradmix.Rows(OLD_FAITHFUL + np.array([0.0, -1e8])))(rngs) is None


def test_a_derived_class_with_iterations_of_its_own_is_fitted_by_them():
    @dataclass
    class Slow(type(small())):
        def iterate_rows(self, rows, rng, state=None):
            yield next(iter(super().iterate_rows(rows, rng, state)))

    assert (
        Slow(random_state=0).fit(OLD_FAITHFUL).n_iter_ == len(list(Slow(random_state=0).iterations(OLD_FAITHFUL))) == 1
    )


@pytest.mark.parametrize(
    "entropy", [0, 1, 42, 2**32 - 1, 2**32, 2**64 + 3, 2**128 - 1, 2**200 + 7, [0, 0, 0, 0], [3, 2**31, 0, 2**32 - 1]]
)
def test_compiled_streams_are_those_of_numpy(entropy):
    expected = [np.random.default_rng(seed).random(9) for seed in np.random.SeedSequence(entropy).spawn(40)]
    np.testing.assert_array_equal([rng.random(9) for rng in gradmix.Streams(entropy, 40)], expected)
    found = np.empty((40, 9))
    uniforms(words_of(entropy), found)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", [7, np.int64(7), 0x84B3_0F5C_9E21_77D6_1A90_C3E8_5B2D_64F1])
def test_streams_draw_the_same_starts_as_generators(seed):
    clusterer = gradmix.clusterer("gmm", n_components=3, n_init=4, random_state=seed)
    generators = [*map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))]
    whole = clusterer.batch_of_starts(gradmix.Rows(OLD_FAITHFUL))(generators)
    best = max(whole, key=lambda trace: trace.values[-1])
    np.testing.assert_array_equal(clusterer.fit(OLD_FAITHFUL).trace_, best.values)
    again = gradmix.clusterer("gmm", n_components=3, n_init=4).set_params(random_state=seed)
    np.testing.assert_array_equal(again.fit(OLD_FAITHFUL).trace_, best.values)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("change", ["none", "mirrored", "constant", "thin", "weighted"])
def test_labels_and_collapsed_components_are_those_of_the_model(covariance_type, change):
    X, weights, rng = OLD_FAITHFUL, None, np.random.default_rng(0)
    if change == "mirrored":  # rows of the middle are of both components, up to rounding
        half = rng.normal(3.0, 1.0, (30, 2))
        X = np.concatenate([half, -half, np.c_[np.zeros(9), np.zeros(9)]])
    if change == "constant":
        X = np.c_[X, np.zeros(len(X))]
    if change == "thin":
        X = np.concatenate([X, np.full((40, 2), 60.0)])
    if change == "weighted":
        weights = rng.integers(0, 3, len(X)) * 0.01
    clusterer = gradmix.clusterer("gmm", covariance_type=covariance_type, n_components=3, n_init=5, random_state=0)
    rows = gradmix.rows(X, weights=weights)
    spread = EStep(rows, "numpy").spread
    varying = [column for column in range(X.shape[1]) if np.ptp(X[:, column])]
    for trace in clusterer.batch_of_starts(rows)(gradmix.Streams(0, 5)):
        last = trace.last()
        expected = last.estimate.n_collapsed(clusterer.floor_of(spread), rows.total_weight, np.array(varying))
        assert last.collapsed == expected
        assert last.labels is not None or change != "none"
        if last.labels is not None:
            np.testing.assert_array_equal(last.labels, last.estimate.predict(X))
