"""Every operator follows from one primitive: tried with differentiators that define just that, exactly."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import gradmix
from gradmix import DifferentiationError, Differentiator, from_jvp
from gradmix.arrays import is_traced

A = np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])


def quadratic(x):
    """Maps ℝ³ to ℝ: its gradient and Hessian are known."""
    return x[0] ** 2 * x[1] + 3.0 * x[1] * x[2]


def gradient(x):
    return np.array([2 * x[0] * x[1], x[0] ** 2 + 3 * x[2], 3 * x[1]])


HESSIAN = np.array([[4.0, 2.0, 0.0], [2.0, 0.0, 3.0], [0.0, 3.0, 0.0]])
POINT = np.array([1.0, 2.0, -1.0])


def slope(f, x, v, h=1e-4):
    """Central differences of third order: exact for the cubic functions here, but for rounding."""
    fine = (f(x + h * v) - f(x - h * v)) / (2 * h)
    coarse = (f(x + 2 * h * v) - f(x - 2 * h * v)) / (4 * h)
    return (4 * fine - coarse) / 3


@dataclass
class OnlyJvp(Differentiator):
    """Forward only."""

    def jvp(self, f, x, v):
        return slope(f, x, v)


@dataclass
class OnlyVjp(Differentiator):
    """Reverse only."""

    def vjp(self, f, x, w):
        units = np.eye(np.size(x)).reshape(-1, *np.shape(x))
        return np.reshape([np.sum(w * slope(f, x, v[()])) for v in units], np.shape(x))[()]


@pytest.fixture(params=[OnlyJvp, OnlyVjp])
def differentiator(request):
    return request.param()


CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def test_operators_of_a_scalar_function(differentiator):
    v, w = np.array([1.0, -2.0, 0.5]), 3.0
    np.testing.assert_allclose(differentiator.gradient(quadratic, POINT), gradient(POINT), **CLOSE)
    np.testing.assert_allclose(differentiator.jvp(quadratic, POINT, v), gradient(POINT) @ v, **CLOSE)
    np.testing.assert_allclose(differentiator.vjp(quadratic, POINT, w), w * gradient(POINT), **CLOSE)
    np.testing.assert_allclose(differentiator.hessian(quadratic, POINT), HESSIAN, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(differentiator.hvp(quadratic, POINT, v), HESSIAN @ v, rtol=1e-3, atol=1e-3)
    value, found = differentiator.value_and_gradient(quadratic, POINT)
    assert value == quadratic(POINT)
    np.testing.assert_allclose(found, gradient(POINT), **CLOSE)


def test_operators_of_a_vector_function(differentiator):
    f, v, w = (lambda x: A @ x), np.array([1.0, -2.0, 0.5]), np.array([2.0, 1.0])
    np.testing.assert_allclose(differentiator.jacobian(f, POINT), A, **CLOSE)
    np.testing.assert_allclose(differentiator.jvp(f, POINT, v), A @ v, **CLOSE)
    np.testing.assert_allclose(differentiator.vjp(f, POINT, w), w @ A, **CLOSE)


def test_operators_of_one_variable(differentiator):
    assert differentiator.derivative(lambda x: x**3, 2.0) == pytest.approx(12.0)
    np.testing.assert_allclose(differentiator.derivative(lambda x: np.stack([x, x**2]), 2.0), [1.0, 4.0], **CLOSE)


def test_shapes_are_those_of_value_and_point(differentiator):
    X = np.arange(6.0).reshape(2, 3)
    found = differentiator.jacobian(lambda x: x.T[:, :, None] * np.ones(4), X)
    assert found.shape == (3, 2, 4, 2, 3)
    assert found[2, 1, 0, 1, 2] == pytest.approx(1.0)
    assert found.sum() == pytest.approx(24.0)


def test_a_differentiator_without_a_primitive_is_refused():
    with pytest.raises(TypeError, match=r"must define jvp\(self, f, x, v\) or vjp"):

        class Nothing(Differentiator):
            """Defines neither."""


def test_an_operator_that_is_lacking_is_refused_with_its_reason():
    @dataclass
    class FirstOrderOnly(Differentiator):
        lacks: ClassVar = {"hvp": "its steps are not differentiable"}

        def jvp(self, f, x, v):
            return v

    @dataclass
    class HasItsOwn(FirstOrderOnly):
        def hvp(self, f, x, v):
            return v

    @dataclass
    class HasAll(HasItsOwn):
        lacks: ClassVar = {}

    FirstOrderOnly().check_operator("gradient")
    for made in (
        FirstOrderOnly(),
        HasItsOwn(),
        from_jvp(lambda f, x, v: v, name="Made", lacks=HasItsOwn.lacks)(),
    ):
        with pytest.raises(DifferentiationError, match=r"has no hvp: its steps are not differentiable\."):
            made.check_operator("hvp")
        with pytest.raises(DifferentiationError, match=r"has no hvp: its steps are not differentiable\."):
            made.hvp(np.sum, np.ones(2), np.ones(2))
    assert HasAll().hvp(np.sum, np.ones(2), 3.0) == 3.0


def test_a_primitive_that_is_only_derived_is_refused_if_it_is_lacking():
    @dataclass
    class Pulling(Differentiator):
        lacks: ClassVar = {"jvp": "it is not worth it"}

        def vjp(self, f, x, w):
            return 2 * w * x

    assert Pulling().gradient(lambda x: x * x, 3.0) == 6.0
    with pytest.raises(DifferentiationError, match="has no jvp"):
        Pulling().jvp(lambda x: x * x, 3.0, 1.0)


def test_a_series_is_data_and_not_traced():
    series = pd.Series([1.0, 2.0])
    assert not is_traced(series)
    for name in ("dual", "tape", "finite_difference"):
        found = gradmix.differentiator(name).gradient(lambda x: np.sum(x**2), series)
        np.testing.assert_allclose(found, [2.0, 4.0], rtol=1e-8)
