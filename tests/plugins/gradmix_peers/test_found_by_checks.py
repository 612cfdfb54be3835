"""What the conformance kit has found in peers, and is to stay mended."""

import shutil

import numpy as np
import pytest

import gradmix

NAMES = ["autograd", "casadi", "jax", "mygrad", "numdifftools", "pytensor", "scipy", "symbolic"]
NAMES += ["sympy", "tangent", "tensorflow", "torch"]


@pytest.fixture(params=NAMES)
def peer(request):
    try:
        return gradmix.differentiator(request.param)
    except gradmix.PluginError as missing:
        pytest.skip(str(missing))


def test_derivatives_by_no_variables_are_empty(peer):
    x = np.zeros(0)
    assert np.shape(peer.gradient(lambda x: np.sum(x**2), x)) == (0,)
    if "hessian" not in peer.lacks:
        assert np.shape(peer.hessian(lambda x: np.sum(x**2), x)) == (0, 0)
        assert np.shape(peer.hvp(lambda x: np.sum(x**2), x, x)) == (0,)
    assert peer.jvp(lambda x: np.sum(x**2), x, x) == 0.0


def test_a_function_without_numbers_is_no_constant(peer):
    with pytest.raises(gradmix.DifferentiationError, match=r"must return real numbers|Tangent cannot transform"):
        peer.derivative(lambda x: None, 1.0)


def test_formulas_do_not_confuse_one_another():
    pytest.importorskip("sympy")
    sympy = gradmix.differentiator("sympy")
    for inner in (lambda x, y: x + y, lambda x, y: x * y):
        with pytest.raises(gradmix.DifferentiationError, match="in another"):
            sympy.derivative(lambda x: x * sympy.derivative(lambda y: inner(x, y), 1.0), 1.0)  # noqa: B023


@pytest.mark.parametrize("name", ["sklearn_kmeans", "sklearn_minibatch_kmeans", "sklearn_bisecting_kmeans"])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
def test_rows_that_overflow_an_estimator_are_refused(name):
    with pytest.raises(gradmix.GradmixError):
        gradmix.clusterer(name, random_state=0).fit(np.array([[0.0], [1.0], [2.0], [3.0]]) * 1e300)


@pytest.mark.processes
@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler")
def test_what_is_no_number_and_what_has_no_values_do_not_end_the_process():
    pytest.importorskip("cmeel")
    cppad = gradmix.differentiator("cppad")
    with np.errstate(all="ignore"):
        assert not np.isfinite(cppad.derivative(lambda x: np.log(x) * np.inf, 0.0))
    assert np.shape(cppad.jvp(lambda x: x[:0], np.ones(2), np.ones(2))) == (0,)
    assert cppad.jacobian(lambda x: x**3, 2.0) == 12.0
