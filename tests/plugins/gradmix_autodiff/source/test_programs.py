"""Programs with loops, branches, jumps and writes: both modes against each other and against a complex step."""

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.gradmix_autodiff.source.programs import PROGRAMS

import gradmix

FORWARD = gradmix.differentiator("source", mode="forward")
REVERSE = gradmix.differentiator("source", mode="reverse")
POINTS = st.lists(st.integers(-40, 40).map(lambda n: n / 17 + 0.013), min_size=3, max_size=3)


def differences(f, x):
    """Richardson's central differences, and how far they may be trusted."""
    found = []
    for h in (1e-4, 5e-5):
        steps = h * np.eye(len(x))
        found.append(np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]))
    return (4 * found[1] - found[0]) / 3, np.abs(found[1] - found[0])


@pytest.mark.parametrize("name", PROGRAMS)
@given(point=POINTS)
@settings(max_examples=12, deadline=None)
def test_both_modes_give_the_derivative_at_any_point(name, point):
    f, x = PROGRAMS[name], np.array(point)
    value, reverse = REVERSE.value_and_gradient(f, x)
    forward = FORWARD.gradient(f, x)
    assert value == f(x.copy()) or math.isnan(value)
    scale = 1.0 + np.max(np.abs(reverse))
    np.testing.assert_allclose(reverse / scale, forward / scale, atol=1e-12)
    with np.errstate(all="ignore"):
        estimated, spread = differences(f, x)
    is_smooth = spread < 1e-5 * scale  # not where a step goes another way
    np.testing.assert_allclose(reverse[is_smooth] / scale, estimated[is_smooth] / scale, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        *("newton", "integers", "updates_of_a_matrix", "writes_into_slices", "linear_algebra", "a_loop_in_a_branch"),
        *("branches_in_nested_loops", "strided_writes"),  # whose reverse code cannot be transformed again
    ],
)
def test_second_derivatives_are_those_of_the_gradient(name):
    f, x, v = PROGRAMS[name], np.array([0.7, 0.4, 1.1]), np.array([1.0, -0.5, 0.25])
    product, hessian = REVERSE.hvp(f, x, v), REVERSE.hessian(f, x)
    h = 1e-5
    estimated = (REVERSE.gradient(f, x + h * v) - REVERSE.gradient(f, x - h * v)) / (2 * h)
    np.testing.assert_allclose(product, estimated, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(hessian @ v, product, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-11, atol=1e-11)


def test_floats_that_raise_are_followed_as_numpy_numbers():
    def f(x):
        return x[0] / (x[1] - x[1]) if x[2] < 0 else 1.0 / x[0]

    with np.errstate(all="ignore"):
        assert REVERSE.value_and_gradient(f, [1.0, 2.0, -1.0])[0] == np.inf
        assert REVERSE.gradient(f, [0.0, 2.0, 1.0])[0] == -np.inf


def test_a_root_of_a_negative_number_is_not_a_complex_one():
    def f(x):
        return abs((x[0] - 3.0) ** (1.0 / 3.0)) * x[1]

    assert isinstance((-2.0) ** (1.0 / 3.0), complex)
    assert cmath.isfinite((-2.0) ** (1.0 / 3.0))
    assert np.isnan(REVERSE.value_and_gradient(f, [1.0, 2.0])[0])


def test_a_write_into_a_sum_leaves_the_tangent_of_its_terms():
    def f(x):
        y = x + 1.0
        y[0] = 5.0
        z = y - 2.0
        y[2] = 1.5
        z[1:] = x[:2]
        return np.sum(y * x) + np.sum(z * y)

    x = np.array([0.7, 0.4, 1.1])
    np.testing.assert_allclose(FORWARD.gradient(f, x), REVERSE.gradient(f, x), rtol=1e-14)
    np.testing.assert_allclose(FORWARD.gradient(f, x), differences(f, x)[0], rtol=1e-8)
