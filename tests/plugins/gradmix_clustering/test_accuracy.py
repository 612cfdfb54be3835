"""EM against extended precision and published figures: every covariance type, every start, hard data."""

from itertools import islice
from pathlib import Path

import mpmath
import numpy as np
import pytest

import gradmix
from exact_em import mixture
from extended_em import IS_EXTENDED, em_in_extended_precision
from gradmix_clustering.em import em
from gradmix_clustering.estep import EStep
from gradmix_clustering.frame import IN_PLACE, best_frame
from gradmix_clustering.starts import STARTS, find_start
from gradmix_clustering.volumes import whiteners_along

TYPES = ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"]
K, D = 2, 3
X, RESPONSIBILITIES = mixture(45, D, K, seed=0)
APART = (RESPONSIBILITIES[:, :1] > 0.5) * 1e6
HARD = {
    "as it is": (X, 0.0),
    "an offset of 1e8": (X + 1e8, 0.0),
    "clusters 1e6 σ apart": (X + APART, 0.0),
    "clusters 1e6 σ apart, with a floor": (X + APART, 1e-9),
    "a scale of 1e-150": (X * 1e-150, 0.0),
    "a scale of 1e150": (X * 1e150, 0.0),
    "an outlier in one column": (np.vstack([X, [1e12, 0.0, 0.0]]), 1e-9),
    "an outlier in all columns": (np.vstack([X, np.full(D, 1e12)]), 1e-9),
}
"""Name → rows and `reg_covar`: without it, a component that is left with the outlier has no likelihood."""
ITERATIONS = 6


@pytest.mark.skipif(not IS_EXTENDED, reason="longdouble is double precision on this machine")
@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("name", TYPES)
def test_six_iterations_from_every_start_are_those_of_extended_precision(name, hard):
    data, reg_covar = HARD[hard]
    rows, covariance = gradmix.Rows(data), gradmix.covariance(name)
    (block,) = rows.blocks()
    for start in STARTS:
        responsibilities = find_start(start, rows, K, np.random.default_rng(0))(block)
        floor = reg_covar * EStep(rows, "numpy").spread
        exact = em_in_extended_precision(data, responsibilities, covariance, floor, ITERATIONS)
        assert np.isfinite(exact).all()
        for backend in ("numba", "numpy"):
            options = {"covariance_type": name, "reg_covar": reg_covar, "init_params": start, "backend": backend}
            clusterer = gradmix.clusterer("gmm", n_components=K, tol=0.0, max_iter=ITERATIONS, **options)
            steps = clusterer.iterate_rows(rows, np.random.default_rng(0))
            traces = [[step.metrics["log_likelihood"] for step in steps]]
            batch = clusterer.batch_of_starts(rows)
            started = batch([np.random.default_rng(0)]) if batch else None  # None for rows that are far from 0
            for found in [*traces, started[0].values] if started else traces:
                worst = max(float(abs((f - e) / e)) for f, e in zip(found, exact, strict=False))
                assert worst < 1e-10, (start, backend)


@pytest.mark.skipif(not IS_EXTENDED, reason="longdouble is double precision on this machine")
@pytest.mark.parametrize("name", ["EEV", "VEV"])
def test_round_components_keep_their_digits_in_the_shape_of_a_long_one(name):
    """They have axes of their own, in no frame; two of three groups in a row are one component at first."""
    groups, given = mixture(40, 2, 3, seed=1)
    rows, covariance = gradmix.Rows(groups + given.argmax(axis=1)[:, None] * 1e6), gradmix.covariance(name)
    (block,) = rows.blocks()
    responsibilities = find_start("random_from_data", rows, 3, np.random.default_rng(3))(block)
    exact = em_in_extended_precision(rows.array, responsibilities, covariance, 0.0, ITERATIONS)
    options = {"covariance_type": name, "reg_covar": 0.0, "init_params": "random_from_data"}
    for backend in ("numba", "numpy"):
        clusterer = gradmix.clusterer("gmm", n_components=3, tol=0.0, max_iter=ITERATIONS, backend=backend, **options)
        steps = clusterer.iterate_rows(rows, np.random.default_rng(3))
        found = [step.metrics["log_likelihood"] for step in steps]
        worst = max(float(abs(f / e - 1)) for f, e in zip(found, exact, strict=False))
        assert worst < 1e-8, backend  # of which most is the extended precision's, as it keeps matrices


@pytest.mark.parametrize("d", [2, 3, 6])
def test_whiteners_along_axes_keep_the_digits_of_short_ones_beside_a_long_one(d):
    """In forty digits, V^½ D⁻¹ P is orthogonal, up to the rounding of a step along the long axis, 1e6."""
    rng = np.random.default_rng(d)
    variances = np.sort(rng.uniform(1, 2, (4, d)) * 10.0 ** np.r_[rng.uniform(0, 3, d - 1), 12], axis=1)
    axes = np.linalg.qr(rng.normal(size=(4, d, d)))[0]
    axes[0] = np.eye(d)
    axes[1] = np.linalg.qr(np.eye(d)[::-1] + 1e-9 * rng.normal(size=(d, d)))[0]
    for of_one, along, whitener in zip(variances, axes, whiteners_along(variances, axes), strict=True):
        assert (np.tril(whitener, -1) == 0).all()
        assert (np.diagonal(whitener) > 0).all()
        with mpmath.workdps(40):
            half = mpmath.diag([mpmath.sqrt(v) for v in of_one]) * mpmath.matrix(along.tolist()) ** -1
            product = half * mpmath.matrix(whitener.tolist())
            unit = np.array((product.T * product).tolist(), dtype=float)
        np.testing.assert_allclose(unit, np.eye(d), atol=1e-9)


def test_a_model_with_axes_of_its_own_is_the_one_that_its_file_holds(tmp_path):
    """EM has more digits of an elongated component than the covariances that are kept."""
    rng = np.random.default_rng(0)
    long = rng.normal(size=(300, 2)) * [1.0, 1e4]
    data = np.concatenate([long @ [[0.6, 0.8], [-0.8, 0.6]], long @ [[0.8, -0.6], [0.6, 0.8]]])
    fitted = gradmix.clusterer("gmm", covariance_type="EEV", random_state=0, reg_covar=0.0).fit(data)
    variances = np.linalg.eigvalsh(fitted.covariances_)
    assert (variances[:, 0] < 1e-6 * variances[:, 1]).all()
    fitted.model_.write_npz(tmp_path / "model.npz")
    again = type(fitted.model_).read_npz(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.score_samples(data), fitted.score_samples(data))


def test_rows_are_measured_from_where_they_are_and_along_their_axes():
    expectation = EStep(gradmix.Rows(X + np.array([0.0, 1e8, 0.0])), "numpy", "diagonal")
    np.testing.assert_array_equal(expectation.frame.origin != 0, [False, True, False])
    assert EStep(gradmix.Rows(X), "numpy", "full").frame is IN_PLACE
    apart = EStep(gradmix.Rows(X + APART), "numpy", "full")
    axes = apart.frame.axes
    np.testing.assert_allclose(axes.T @ axes, np.eye(D), atol=1e-14)
    np.testing.assert_allclose(abs(axes[:, -1]), 1 / np.sqrt(D), rtol=1e-4)
    assert EStep(gradmix.Rows(X + APART), "numpy", "diagonal").frame is IN_PLACE


@pytest.mark.parametrize("name", ["VVV", "EEE", "VVI", "VII"])
def test_a_model_of_a_frame_is_the_same_mixture_of_the_data(name):
    data = X + APART + 1e10
    clusterer = gradmix.clusterer("gmm", n_components=K, covariance_type=name, init_params="random", random_state=0)
    model = clusterer.fit(data).model_
    layout = gradmix.covariance(name).moments
    frame = EStep(gradmix.Rows(data), "numpy", layout).frame
    assert frame.origin is not None
    assert (frame.axes is not None) == (layout in ("full", "pooled"))
    again = frame.back(frame.here(model))
    np.testing.assert_allclose(again.means, model.means, rtol=1e-14)
    np.testing.assert_allclose(again.covariances, model.covariances, rtol=1e-9, atol=1e-12 * model.covariances.max())
    found = frame.here(model).score_samples(frame.coordinates(data))
    np.testing.assert_allclose(found, model.score_samples(data), rtol=1e-3)


def test_constant_columns_have_no_axes():
    assert best_frame("full", np.zeros(2), np.array([1.0, 0.0]), pytest.fail) is IN_PLACE


def test_moments_are_taken_again_where_means_move_far():
    """A component that covers both groups before the step, and one alone after it, loses its variance in its shift."""
    groups = np.concatenate([X, X + 1e9])
    given = {"means_init": [X[0], X[0] + 1e9], "precisions_init": np.full(2, 1e-18), "weights_init": [0.5, 0.5]}
    options = {"covariance_type": "spherical", "reg_covar": 0.0, "max_iter": 40, "tol": 0.0, "backend": "numpy"}
    start = gradmix.clusterer("gmm", n_components=2, **given, **options)
    last = [*start.iterate_rows(gradmix.Rows(groups), np.random.default_rng(0))][-1]
    np.testing.assert_allclose(last.estimate.covariances, X.var(axis=0).mean(), rtol=1e-6)


@pytest.mark.parametrize(("covariance_type", "k", "log_likelihood"), [("EII", 2, -185.9493), ("tied", 2, -185.9493)])
def test_acidity_of_lakes_has_the_published_likelihood(covariance_type, k, log_likelihood):
    """mclust's E,2 of 155 lakes in Wisconsin (Crawford, J. Am. Stat. Assoc. 89 (1994) 259-267)."""
    path = Path(__file__).parents[2] / "fixtures/acidity.csv"
    acidity = np.loadtxt(path, skiprows=1)[:, None]
    assert acidity.shape == (155, 1)
    options = {"n_components": k, "covariance_type": covariance_type, "n_init": 5, "tol": 1e-10}
    fitted = gradmix.clusterer("gmm", random_state=0, **options).fit(acidity)
    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=5e-5)


def test_a_fit_at_an_offset_has_the_bits_of_the_shifts():
    """1e8 is in the data's own numbers; what is left of them after it is what is fitted."""
    data = X + 1e8
    clusterer = gradmix.clusterer("gmm", n_components=K, covariance_type="diag", init_params="random", backend="numpy")
    expectation = EStep(gradmix.Rows(data), "numpy", "diagonal")
    start = clusterer._start(gradmix.Rows(data), np.random.default_rng(0), 0.0, expectation.frame)
    shifted = EStep(gradmix.Rows(data - expectation.frame.origin), "numpy")
    steps = [islice(em(each, start, 0.0), 5) for each in (expectation, shifted)]
    for one, other in zip(*steps, strict=True):
        assert one.log_likelihood == other.log_likelihood
