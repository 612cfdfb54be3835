"""Any function jvp(f, x, v) or vjp(f, x, w) is a differentiator in five lines."""

import numpy as np
import pytest

import gradmix
from gradmix import ConfigError, DifferentiationError, PluginError, PositiveFloat
from gradmix.contracts.options import options_of

X = np.array([0.3, -1.2, 2.0])


@gradmix.from_jvp
def ComplexStep(f, x, v, step: PositiveFloat = 1e-20):  # noqa: N802 -- the class's name
    """The complex step.

    Parameters
    ----------
    step
        How far.
    """
    return f(x + 1j * step * v).imag / step


def pull(f, x, w):
    return gradmix.differentiator("tape").vjp(f, x, w)


Pulling = gradmix.from_vjp(pull, name="Pulling", accuracy=1e-13, lacks={"hvp": "it is for first derivatives"})
MADE = pytest.mark.parametrize("made", [ComplexStep(), Pulling()], ids=["jvp", "vjp"])


def f(x):
    return np.exp(x) * x[::-1]


@MADE
def test_every_first_operator_follows(made):
    exact = np.diag(np.exp(X) * X[::-1])
    exact[np.arange(3), np.arange(3)[::-1]] += np.exp(X)
    np.testing.assert_allclose(made.jacobian(f, X), exact, rtol=1e-14)
    np.testing.assert_allclose(made.jvp(f, X, X), exact @ X, rtol=1e-14)
    np.testing.assert_allclose(made.vjp(f, X, X), X @ exact, rtol=1e-14)
    np.testing.assert_allclose(made.gradient(lambda x: np.sum(f(x)), X), exact.sum(axis=0), rtol=1e-14)
    assert made.derivative(lambda x: x**3, 2) == pytest.approx(12.0, rel=1e-15)


def test_further_parameters_are_options():
    (option,) = options_of(ComplexStep)
    assert (option.name, option.default, option.doc, option.allowed) == ("step", 1e-20, "How far.", "a number > 0")
    assert ComplexStep(step=1e-30).derivative(np.exp, 1.0) == pytest.approx(np.e, rel=1e-15)
    with pytest.raises(ConfigError, match="step must be a number > 0"):
        ComplexStep(step=-1.0).check()


def test_what_is_said_of_it_is_what_it_says():
    assert (ComplexStep.__name__, ComplexStep.__module__) == ("ComplexStep", __name__)
    assert Pulling().accuracy == 1e-13
    with pytest.raises(DifferentiationError, match="Pulling has no hvp: it is for first derivatives"):
        Pulling().check_operator("hvp")


def test_wrong_functions_and_results_are_told():
    with pytest.raises(TypeError, match=r"must take a function, a point and a direction"):
        gradmix.from_jvp(lambda f, x: x)
    with pytest.raises(PluginError, match=r"w·J\(x\), shape \(3,\); it returned an array of float64, shape \(2,\)"):
        gradmix.from_vjp(lambda f, x, w: np.ones(2), name="Wrong")().vjp(f, X, X)
    with pytest.raises(DifferentiationError, match="v has the shape"):
        ComplexStep().jvp(f, X, np.ones(2))
