"""`precision=float32`: nearly the same as float64, its last figures exactly, and refused where it would not be."""

import numpy as np
import pytest

import gradmix
from exact_em import mixture
from gradmix.config.spec import read_spec
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep

WITH_MATRICES = ["full", "VVV", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"]


def by(precision, **options):
    return gradmix.clusterer("gmm", **{"precision": precision, "random_state": 0, "backend": "numba", **options})


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("shape", [(272, 2, 2), (5003, 7, 3), (777, 1, 3), (3000, 64, 10), (257, 5, 1), (31, 3, 2)])
def test_an_iteration_is_that_of_float64_to_seven_digits(shape, is_weighted, offset):
    X, responsibilities = mixture(*shape)
    X += offset
    weights = np.random.default_rng(1).integers(0, 4, size=len(X)).astype(float) if is_weighted else None
    rows = gradmix.rows(X, weights=weights)
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, "full", 1e-3)
    single, double = (EStep(rows, "numba", None, precision)(model) for precision in ("float32", "float64"))
    assert single.log_likelihood != double.log_likelihood
    assert single.log_likelihood == pytest.approx(double.log_likelihood, rel=1e-8)
    ours, theirs = (maximisation(each, model, 1e-3) for each in (single, double))
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.means, theirs.means, atol=1e-6 * np.abs(X - X.mean(axis=0)).max())
    np.testing.assert_allclose(ours.covariances, theirs.covariances, atol=1e-6 * theirs.covariances.max())


@pytest.mark.parametrize("covariance_type", WITH_MATRICES)
def test_a_fit_ends_where_that_of_float64_does(covariance_type):
    X, _ = mixture(3000, 4, 3)
    options = {"n_components": 3, "covariance_type": covariance_type, "tol": 1e-8}
    single, double = (by(precision, **options).fit(X) for precision in ("float32", "float64"))
    assert single.converged_
    assert single.log_likelihood_ == pytest.approx(double.log_likelihood_, rel=1e-7)
    np.testing.assert_allclose(single.means_, double.means_, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("options", [{}, {"max_iter": 3, "tol": 0.0}])
def test_what_is_reported_last_is_in_float64(options):
    X, _ = mixture(3000, 4, 3)
    fitted = by("float32", n_components=3, **options).fit(X)
    assert fitted.log_likelihood_ == pytest.approx(fitted.model_.log_likelihood(X), rel=1e-13)
    np.testing.assert_array_equal(fitted.labels_, fitted.predict(X))


def test_a_tolerance_of_zero_comes_to_an_end():
    X, _ = mixture(3000, 4, 3)
    assert by("float32", n_components=3, tol=0.0).fit(X).converged_


def test_threads_give_the_same_bits():
    X, _ = mixture(20_000, 4, 3)
    alone, together = (
        by("float32", n_components=3, max_iter=3).fit(gradmix.rows(X, engine=engine))
        for engine in ("serial", "threads")
    )
    np.testing.assert_array_equal(alone.covariances_, together.covariances_)


def test_components_too_thin_for_it_are_refused():
    rows = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0.0], [1e5]], 30, axis=0)
    assert by("float64", reg_covar=0.0).fit(rows).converged_
    with pytest.raises(gradmix.NumericalError, match=r"would move rows by .* of component \d.*precision=float64"):
        by("float32", reg_covar=0.0).fit(rows)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"covariance_type": "tied"}, "covariance_type=tied"),
        ({"covariance_type": "diag"}, "covariance_type=diag"),
        ({"backend": "numpy"}, "backend=numpy"),
    ],
)
def test_it_is_refused_where_nothing_would_use_it(options, given):
    with pytest.raises(gradmix.ConfigError, match=f"precision=float32 is for backend=numba .* given: .*{given}"):
        by("float32", **options).fit(np.eye(4))


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
