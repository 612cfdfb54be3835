"""SciPy's functions in plain NumPy: the values are SciPy's, the derivatives are right."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import gradmix
from gradmix import functions

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
SQUARE = RNG.normal(size=(4, 4))
DEFINITE = SQUARE @ SQUARE.T + np.eye(4)
FACTOR = np.linalg.cholesky(DEFINITE)

SAME = {
    "logsumexp": (lambda m: m.logsumexp(X, axis=1), scipy.special),
    "logsumexp of all": (lambda m: m.logsumexp(X), scipy.special),
    "logsumexp weighted, kept": (lambda m: m.logsumexp(X, axis=0, b=np.abs(X), keepdims=True), scipy.special),
    "logsumexp of large numbers": (lambda m: m.logsumexp(np.array([1000.0, 1000.0, -np.inf])), scipy.special),
    "softmax": (lambda m: m.softmax(X * 400.0, axis=1), scipy.special),
    "log_softmax": (lambda m: m.log_softmax(X * 400.0, axis=0), scipy.special),
    "solve_triangular": (lambda m: m.solve_triangular(SQUARE, X.T), scipy.linalg),
    "solve_triangular lower": (lambda m: m.solve_triangular(SQUARE, X.T, lower=True), scipy.linalg),
    "solve_triangular transposed": (lambda m: m.solve_triangular(SQUARE, X[0], trans="T"), scipy.linalg),
    "solve_triangular unit": (lambda m: m.solve_triangular(SQUARE, X[0], unit_diagonal=True), scipy.linalg),
    "cho_solve": (lambda m: m.cho_solve((FACTOR, True), X.T), scipy.linalg),
    "cho_solve upper": (lambda m: m.cho_solve((FACTOR.T, False), X[0]), scipy.linalg),
    "cholesky": (lambda m: m.cholesky(DEFINITE), scipy.linalg),
    "cholesky lower": (lambda m: m.cholesky(DEFINITE, lower=True), scipy.linalg),
    "expm": (lambda m: m.expm(SQUARE), scipy.linalg),
    "expm of zeros": (lambda m: m.expm(np.zeros((3, 3))), scipy.linalg),
}


@pytest.mark.parametrize("name", SAME)
def test_values_are_scipys(name):
    call, module = SAME[name]
    np.testing.assert_allclose(call(functions), call(module), rtol=1e-12, atol=1e-14)


@given(st.floats(-6.0, 6.0))
def test_the_exponential_of_small_and_large_matrices(exponent):
    matrix = SQUARE * 10.0**exponent if exponent < 1 else SQUARE * exponent
    exact = scipy.linalg.expm(matrix)
    np.testing.assert_allclose(functions.expm(matrix), exact, rtol=1e-10, atol=1e-13 * np.abs(exact).max())


@pytest.mark.parametrize("name", ["dual", "tape"])
def test_derivatives(name):
    made = gradmix.differentiator(name)
    np.testing.assert_allclose(
        made.jvp(functions.expm, SQUARE, X[:, :, None][0] * np.ones(4)),
        scipy.linalg.expm_frechet(SQUARE, X[0][:, None] * np.ones(4))[1],
        rtol=1e-11,
    )
    p = scipy.special.softmax(X[0])
    np.testing.assert_allclose(made.gradient(functions.logsumexp, X[0]), p, rtol=1e-14)
    np.testing.assert_allclose(made.hessian(functions.logsumexp, X[0]), np.diag(p) - np.outer(p, p), atol=1e-15)
    np.testing.assert_array_equal(made.gradient(functions.logsumexp, [800.0, 0.0]), [1.0, 0.0])
    np.testing.assert_allclose(
        made.jacobian(lambda b: functions.cho_solve((FACTOR, True), b), X[0]), np.linalg.inv(DEFINITE), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("f", "names"),
    [
        (
            scipy.special.logsumexp,
            "scipy.special.logsumexp does not accept traced numbers. Use gradmix.functions.logsumexp",
        ),
        (lambda x: np.sum(scipy.linalg.expm(np.outer(x, x))), "scipy.linalg.expm .* Use gradmix.functions.expm"),
        (lambda x: np.sum(scipy.linalg.solve(DEFINITE, x)), "scipy.linalg.solve .* Use np.linalg.solve"),
    ],
)
@pytest.mark.filterwarnings("ignore:the function compares traced numbers")
def test_what_cannot_be_followed_is_named_with_what_can(f, names):
    with pytest.raises(gradmix.DifferentiationError, match=names):
        gradmix.differentiator("tape").gradient(f, X[0])


def test_an_error_of_ones_own_within_scipy_is_let_through():
    def g(t):
        raise ValueError("mine")

    import scipy.optimize

    with pytest.raises(ValueError, match="mine"):
        gradmix.differentiator("tape").gradient(lambda x: x[0] * scipy.optimize.brentq(g, 0.0, 1.0), X[0])


def test_they_are_found_by_the_name_that_errors_give():
    code = "import gradmix; print(gradmix.functions.logsumexp([0.0, 0.0]))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(np.log(2.0))
