"""Series by code that is transformed again: against mpmath's, and against differences along a direction."""

import mpmath
import numpy as np
import pytest
from tests.capabilities import third_coefficient
from tests.plugins.gradmix_autodiff import test_functions, test_rules
from tests.plugins.gradmix_autodiff.source.programs import PROGRAMS

import gradmix
from gradmix import DifferentiationError

SOURCE = gradmix.differentiator("source")


def curve(x):
    return np.exp(np.sin(x)) / (1 + x * x)


def test_coefficients_are_those_of_mpmath():
    with mpmath.workdps(40):
        exact = mpmath.taylor(lambda x: mpmath.exp(mpmath.sin(x)) / (1 + x * x), 0.5, 6)
    for order in (0, 1, 3, 6):
        found = SOURCE.taylor(curve, 0.5, order=order)
        np.testing.assert_allclose(found, [float(each) for each in exact[: order + 1]], rtol=1e-14)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_along_a_direction(name):
    f, x, v = PROGRAMS[name], np.array([0.7, 0.4, 1.1]), np.array([1.0, -0.5, 0.25])
    found = SOURCE.taylor(f, x, v, order=3)
    np.testing.assert_allclose(found[0], f(x.copy()), rtol=1e-14)
    np.testing.assert_allclose(found[1], SOURCE.jvp(f, x, v), rtol=1e-12)
    np.testing.assert_allclose(found[2], SOURCE.hvp(f, x, v) @ v / 2, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found[3], third_coefficient(lambda t: f(x + t * v)), rtol=1e-3, atol=1e-4)


CALLS = ["sort", "inv", "solve", "where", "norm", "cumsum", "prod", "einsum of matrices", "eigh", "svd", "quantiles"]
KNOWN = {**test_rules.STRUCTURE, **test_functions.FUNCTIONS}


@pytest.mark.parametrize("name", CALLS)
def test_functions_with_a_form_and_by_rule(name):
    f, x = KNOWN[name], test_functions.X
    v = np.cos(np.arange(float(x.size))).reshape(x.shape)
    exact = third_coefficient(lambda t: np.asarray(f(x + t * v)))
    np.testing.assert_allclose(SOURCE.taylor(f, x, v, order=3)[3], exact, rtol=1e-3, atol=1e-2)


def test_containers_and_constant_arguments():
    def model(parts, weights):
        filled = np.zeros(3)
        filled[:2] = parts["w"] ** 2
        filled[2] = parts["b"] * np.sum(parts["w"])
        return {"loss": np.sum(np.exp(filled * weights)), "filled": filled}

    x, v = {"w": np.array([1.0, 2.0]), "b": 0.5}, {"w": np.array([0.3, -0.2]), "b": 0.7}
    weights = np.array([0.1, 0.2, 0.3])
    found = SOURCE.taylor(model, x, v, (weights,), order=4)

    def along(t):
        w, b = [x["w"][i] + t * v["w"][i] for i in range(2)], x["b"] + t * v["b"]
        filled = [w[0] ** 2, w[1] ** 2, b * (w[0] + w[1])]
        return sum(mpmath.exp(each * weight) for each, weight in zip(filled, weights, strict=True))

    with mpmath.workdps(40):
        exact = [float(each) for each in mpmath.taylor(along, 0, 4)]
    np.testing.assert_allclose(found["loss"], exact, rtol=1e-13)
    assert found["filled"].shape == (5, 3)
    np.testing.assert_allclose(found["filled"][2], [0.09, 0.04, 0.07], rtol=1e-14)
    assert not found["filled"][3:].any()


def test_modes_and_compiled_code_give_the_same():
    expected = SOURCE.taylor(curve, 0.5, order=3)
    for options in ({"mode": "reverse"}, {"mode": "forward"}, {"compiled": True}):
        found = gradmix.differentiator("source", **options).taylor(curve, 0.5, order=3)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_an_order_whose_code_would_be_too_long_is_refused():
    with pytest.raises(DifferentiationError, match=r"up to order 8.*differentiator=taylor"):
        SOURCE.taylor(curve, 0.5, order=9)
    with pytest.raises(DifferentiationError, match="up to order 8"):
        SOURCE.derivative(curve, 0.5, order=9)
