"""`precision=float32`: nearly the same as float64, its last figures exactly, and refused where it would not be."""

import numpy as np
import pytest

import gradmix
from exact_em import em_in_forty_digits, mixture
from gradmix.config.spec import read_spec
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep

FREE = ["full", "tied", "diag", "spherical"]
TYPES = ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"]
BACKENDS = ["numba", "numpy"]
ROUNDOFF = 2.0**-24


def by(precision, **options):
    return gradmix.clusterer("gmm", **{"precision": precision, "random_state": 0, "backend": "numba", **options})


def start(X, responsibilities, covariance_type="full", floor=1e-3):
    return start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, floor)


def check_an_iteration(X, responsibilities, weights, covariance_type, backend):
    rows = gradmix.rows(X, weights=weights)
    model = start(X, responsibilities, covariance_type)
    single, double = (EStep(rows, backend, None, precision)(model) for precision in ("float32", "float64"))
    assert single.log_likelihood != double.log_likelihood
    assert single.log_likelihood == pytest.approx(double.log_likelihood, rel=1e-7)
    ours, theirs = (maximisation(each, model, 1e-3) for each in (single, double))
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.means, theirs.means, atol=1e-6 * np.abs(X - X.mean(axis=0)).max())
    np.testing.assert_allclose(ours.covariances, theirs.covariances, atol=2e-6 * theirs.covariances.max())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", FREE)
@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("shape", [(272, 2, 2), (5003, 7, 3), (777, 1, 3), (3000, 64, 10), (257, 5, 1), (31, 3, 2)])
def test_an_iteration_is_that_of_float64_to_six_digits(shape, is_weighted, offset, covariance_type, backend):
    X, responsibilities = mixture(*shape)
    X += offset
    weights = np.random.default_rng(1).integers(0, 4, size=len(X)).astype(float) if is_weighted else None
    check_an_iteration(X, responsibilities, weights, covariance_type, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", FREE)
@pytest.mark.parametrize("apart", [1.0, 30.0, 1e3])
def test_a_log_likelihood_is_as_wrong_as_roundings_can_make_it_at_most(apart, covariance_type, backend):
    """|z|² of a row is off by 2 |z| δ + δ² + (d + 2) u |z|², where δ bounds what roundings move whitened rows by.

    A row, a mean and their difference are each rounded once, by parts of u times twice the reach of a column; d + 1
    more roundings are in whitening. The whitener takes the signs that are worst.
    """
    X, responsibilities = mixture(2000, 5, 3, apart=apart)
    X += 1e4
    d, center = X.shape[1], X.mean(axis=0)
    model = start(X, responsibilities, covariance_type)
    reach = np.abs(X - center).max(axis=0)
    worst = [np.linalg.norm(reach @ np.abs(matrix)) for matrix in np.linalg.cholesky(np.linalg.inv(model.matrices))]
    moved = 2 * (d + 4) * ROUNDOFF * np.array(worst)[:, None]
    joint = model.log_joint(model.center(X))
    lengths = np.sqrt(2 * (model.log_constants[:, None] - joint))
    most = lengths * moved + moved**2 / 2 + (d + 2) * ROUNDOFF * lengths**2 / 2
    bound = (np.logaddexp.reduce(joint + most) - np.logaddexp.reduce(joint)).sum()
    single, double = (EStep(gradmix.Rows(X), backend, None, each)(model) for each in ("float32", "float64"))
    assert 0 < abs(single.log_likelihood - double.log_likelihood) < bound < 1e-2 * abs(double.log_likelihood)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])  # the same in one feature
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_six_iterations_are_those_of_forty_digits(offset, covariance_type, backend):
    X, responsibilities = mixture(60, 1, 2)
    X += offset
    model = start(X, responsibilities, covariance_type, 0.0)
    exact = em_in_forty_digits(X, model, 6)
    estep = EStep(gradmix.rows(X), backend, None, "float32")
    for expected in exact:
        model = maximisation(estep(model), model, 0.0)
        assert float(abs((estep(model).log_likelihood - expected) / expected)) < 1e-7


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_fit_ends_where_that_of_float64_does(covariance_type):
    X, _ = mixture(3000, 4, 3)
    options = {"n_components": 3, "covariance_type": covariance_type, "tol": 1e-8}
    single, double = (by(precision, **options).fit(X) for precision in ("float32", "float64"))
    assert single.converged_
    assert single.log_likelihood_ == pytest.approx(double.log_likelihood_, rel=1e-7)
    np.testing.assert_allclose(single.means_, double.means_, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", FREE)
@pytest.mark.parametrize("options", [{}, {"max_iter": 3, "tol": 0.0}])
def test_what_is_reported_last_is_in_float64(options, covariance_type, backend):
    X, _ = mixture(3000, 4, 3)
    fitted = by("float32", n_components=3, covariance_type=covariance_type, backend=backend, **options).fit(X)
    assert fitted.log_likelihood_ == pytest.approx(fitted.model_.log_likelihood(X), rel=1e-13)
    np.testing.assert_array_equal(fitted.labels_, fitted.predict(X))


@pytest.mark.parametrize("covariance_type", FREE)
def test_a_tolerance_of_zero_comes_to_an_end(covariance_type):
    X, _ = mixture(3000, 4, 3)
    assert by("float32", n_components=3, covariance_type=covariance_type, tol=0.0).fit(X).converged_


@pytest.mark.parametrize("covariance_type", FREE)
def test_threads_give_the_same_bits(covariance_type):
    X, _ = mixture(20_000, 4, 3)
    alone, together = (
        by("float32", n_components=3, max_iter=3, covariance_type=covariance_type).fit(gradmix.rows(X, engine=engine))
        for engine in ("serial", "threads")
    )
    np.testing.assert_array_equal(alone.covariances_, together.covariances_)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", FREE)
@pytest.mark.parametrize("apart", [1e5, 1e6])
def test_components_too_thin_for_it_are_refused(apart, covariance_type, backend):
    rows = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0.0], [apart]], 30, axis=0)
    options = {"reg_covar": 0.0, "covariance_type": covariance_type, "backend": backend}
    assert by("float64", **options).fit(rows).converged_
    with pytest.raises(
        gradmix.NumericalError, match=r"component \d is so narrow .* would move rows by .*precision=float64"
    ):
        by("float32", **options).fit(rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("covariance_type", FREE)
@pytest.mark.parametrize("scale", [1e-16, 1e16])
def test_what_float32_has_no_numbers_for_is_refused(scale, covariance_type, backend):
    X, _ = mixture(300, 3, 2)
    options = {"covariance_type": covariance_type, "backend": backend}
    assert by("float64", **options).fit(X * scale).converged_
    with pytest.raises(gradmix.NumericalError, match="range of precision=float32 is too small"):
        by("float32", **options).fit(X * scale)
    assert by("float32", **options).fit(X * scale**0.75).converged_


def test_it_tells_runs_apart():
    keys = {
        read_spec(
            {
                "name": "trial",
                "task": {"name": "cluster"},
                "clusterer": {"name": "gmm", "precision": precision},
                "dataset": {"name": "old_faithful"},
            }
        ).run_key
        for precision in ("float64", "float32")
    }
    assert len(keys) == 2
