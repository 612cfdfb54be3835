import numpy as np
import pytest

import gradmix


def error(f, exact, x, **options):
    found = gradmix.differentiator("finite_difference", **options).derivative(f, x)
    return abs(found - exact) / max(abs(exact), 1e-300)


def cube(x):
    return x**3


@pytest.mark.parametrize(
    ("method", "step", "published"),
    [
        ("forward", 1e-8, 4.0e-9),
        ("forward", 1e-12, 2.7e-4),
        ("forward", 1e-16, 3.0),
        ("central", 1e-5, 9.7e-11),
    ],
)
def test_the_lectures_figure_error_against_step_on_the_cubic_at_1(method, step, published):
    found = gradmix.differentiator("finite_difference", method=method, step=step).derivative(cube, 1.0)
    assert abs(found - 3.0) == pytest.approx(published, rel=0.05)


@pytest.mark.parametrize("step", [1e-12, 1e-16, 1e-30])
def test_the_complex_step_has_no_rounding(step):
    assert gradmix.differentiator("finite_difference", method="complex_step", step=step).derivative(cube, 1.0) == 3.0


@pytest.mark.parametrize(
    ("method", "within"), [("forward", 3e-7), ("backward", 3e-7), ("central", 3e-9), ("complex_step", 1e-14)]
)
@pytest.mark.parametrize(
    ("f", "derivative", "x"),
    [
        (np.exp, np.exp, 1.3),
        (np.sin, np.cos, 0.4),
        (cube, lambda x: 3 * x**2, 1234.5),
        (lambda x: 1 / x, lambda x: -1 / x**2, 1e-9),
        (lambda x: 1 / x, lambda x: -1 / x**2, 1e9),
        (lambda x: x + 5.0, lambda x: 1.0, 1e-9),
        (lambda x: np.exp(x) + 2 * x, lambda x: np.exp(x) + 2, 0.0),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-12),
        (lambda x: x**-2, lambda x: -2 * x**-3, 1e-10),
        (np.sin, np.cos, 1e4),
    ],
)
def test_default_steps_fit_the_scale_of_the_point(method, within, f, derivative, x):
    assert error(f, derivative(x), x, method=method) < within


@pytest.mark.parametrize("method", ["forward", "backward", "central", "complex_step"])
def test_gradients_and_second_derivatives(method):
    differentiator = gradmix.differentiator("finite_difference", method=method)

    def f(x):
        return x[0] ** 2 * x[1] + np.sin(x[1])

    x = np.array([1.5, -0.5])
    exact = np.array([2 * x[0] * x[1], x[0] ** 2 + np.cos(x[1])])
    hessian = np.array([[2 * x[1], 2 * x[0]], [2 * x[0], -np.sin(x[1])]])
    np.testing.assert_allclose(differentiator.gradient(f, x), exact, rtol=1e-6)
    np.testing.assert_allclose(differentiator.hessian(f, x), hessian, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(differentiator.hvp(f, x, [1.0, 2.0]), hessian @ [1.0, 2.0], rtol=1e-6)


@pytest.mark.parametrize(("method", "calls"), [("forward", 6), ("backward", 6), ("central", 11), ("complex_step", 6)])
def test_a_gradient_takes_no_more_evaluations_than_the_method_needs(method, calls):
    counted = []

    def f(x):
        counted.append(1)
        return np.sum(x**2)

    gradmix.differentiator("finite_difference", method=method).value_and_gradient(f, np.ones(5))
    assert len(counted) == calls


@pytest.mark.parametrize("f", [abs, lambda x: float(x), lambda x: x.real**2], ids=["abs", "float", "real"])
def test_a_function_that_drops_the_imaginary_part_is_no_silent_zero(f):
    with pytest.raises(gradmix.DifferentiationError, match=r"method=central"):
        gradmix.differentiator("finite_difference", method="complex_step").derivative(f, 1.0)


@pytest.mark.parametrize("method", ["forward", "backward", "central", "complex_step"])
def test_a_function_may_reuse_its_own_arrays(method):
    buffer = np.empty(3, dtype=complex if method == "complex_step" else float)

    def into_a_buffer(x):
        np.multiply(x, x, out=buffer)
        return buffer

    def in_place(x):
        x *= 2
        return np.sum(x**2)

    differentiator, x = gradmix.differentiator("finite_difference", method=method), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(differentiator.jacobian(into_a_buffer, x), np.diag(2 * x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(differentiator.gradient(in_place, x), 8 * x, rtol=1e-6)


def test_the_point_is_left_as_it_was():
    x = np.array([1.0, 2.0])
    gradmix.differentiator("finite_difference").gradient(lambda y: np.sum(y**2), x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


@pytest.mark.parametrize("method", ["forward", "backward", "central", "complex_step"])
@pytest.mark.parametrize("x", [0.3, 1.0, 2.5])
def test_the_promised_accuracy_is_kept(method, x):
    differentiator = gradmix.differentiator("finite_difference", method=method)
    assert differentiator.derivative(np.sin, x) == pytest.approx(np.cos(x), rel=differentiator.accuracy)


@pytest.mark.parametrize("result", [None, "3", {"a": 1.0, "b": None}])
@pytest.mark.parametrize("method", ["forward", "central", "complex_step"])
def test_a_function_that_returns_no_numbers_is_refused(method, result):
    with pytest.raises(gradmix.DifferentiationError, match="must return real numbers"):
        gradmix.differentiator("finite_difference", method=method).derivative(lambda x: result, 1.0)


def test_complex_steps_inside_one_another_are_refused_not_confused():
    complex_step = gradmix.differentiator("finite_difference", method="complex_step")
    central = gradmix.differentiator("finite_difference", method="central")
    with pytest.raises(gradmix.DifferentiationError, match="cannot be nested"):
        complex_step.derivative(lambda x: x * complex_step.derivative(lambda y: x * y, 1.0), 1.0)
    assert complex_step.derivative(lambda x: x * central.derivative(lambda y: x * y, 1.0), 1.0) == pytest.approx(2.0)
    assert complex_step.derivative(lambda x: x**3, 1.0) == 3.0
