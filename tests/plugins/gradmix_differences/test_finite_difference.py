import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmix

METHODS = ("central", "forward", "backward", "complex_step")
REAL_METHODS = METHODS[:3]


def make(method="central", **options):
    return gradmix.differentiator("finite_difference", method=method, **options)


def assessed(operator, *args, **options):
    """A result, and the only assessment of it."""
    with gradmix.assessments() as found:
        result = operator(*args, **options)
    (assessment,) = found
    return result, assessment


def cube(x):
    return x**3


# A fixed step.


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
    found, assessment = assessed(make(method, step=step).derivative, cube, 1.0)
    assert abs(found - 3.0) == pytest.approx(published, rel=0.05)
    assert abs(found - 3.0) <= assessment.error * 3.0


@pytest.mark.parametrize("step", [1e-12, 1e-16, 1e-30])
def test_the_complex_step_has_no_rounding(step):
    assert make("complex_step", step=step).derivative(cube, 1.0) == 3.0


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("order", [2, 4, 6])
def test_the_error_falls_with_the_order_of_accuracy(method, order):
    coarse, fine = (abs(make(method, step=h, order=order).derivative(np.exp, 1.0) - np.e) for h in (0.1, 0.05))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.45)


def test_a_fixed_step_is_relative_to_the_variable_and_to_1_at_0():
    with pytest.warns(gradmix.UnreliableDerivativeWarning, match="limited by the step"):
        assert make("forward", step=0.5).derivative(lambda x: x**2, 4.0) == 10.0  # (36 - 16) / 2
    with pytest.warns(gradmix.UnreliableDerivativeWarning, match="limited by the step"):
        assert make("forward", step=0.5).derivative(lambda x: x**2, 0.0) == 0.5


@pytest.mark.parametrize(("step", "status"), [(1e-2, "limited by the step"), (1e-12, "limited by rounding")])
def test_a_fixed_step_says_what_limits_it(step, status):
    assert assessed(make(step=step).derivative, np.sin, 1.0)[1].status == status


@pytest.mark.parametrize(
    ("options", "message"), [({"order": 3}, "order=4"), ({"method": "complex_step", "order": 2}, "order has no effect")]
)
def test_orders_that_there_are_not_are_refused(options, message):
    with pytest.raises(gradmix.ConfigError, match=message):
        make(**options)


# A step that fits the function.


@pytest.mark.parametrize(
    ("method", "within"), [("forward", 2e-9), ("backward", 2e-9), ("central", 2e-10), ("complex_step", 1e-14)]
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
        (lambda x: np.exp(x) + 2 * x, lambda x: np.exp(x) + 2, 1e-9),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-12),
        (lambda x: x**-2, lambda x: -2 * x**-3, 1e-10),
        (np.sin, np.cos, 1e4),
        (lambda x: np.log(x - 1), lambda x: 1 / (x - 1), 1.0001),
        (lambda x: np.arctan(1e3 * (x - 0.5)), lambda x: 1e3 / (1 + (1e3 * (x - 0.5)) ** 2), 0.5),
        (lambda x: np.sin(1024 * np.pi * x), lambda x: 1024 * np.pi * np.cos(1024 * np.pi * x), 0.5),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log:RuntimeWarning")
def test_steps_fit_the_point_and_the_function(method, within, f, derivative, x):
    found, assessment = assessed(make(method).derivative, f, x)
    exact = derivative(x)
    assert abs(found - exact) <= within * abs(exact)
    assert abs(found - exact) <= assessment.error * max(abs(found), 1.0) + 4e-16 * abs(exact)
    assert assessment.is_reliable


def test_a_high_frequency_is_no_silent_nonsense():
    found, assessment = assessed(make().derivative, lambda x: np.sin(1e6 * x), 1.0)
    assert found == pytest.approx(1e6 * math.cos(1e6), rel=1e-8)
    assert assessment.is_reliable


def test_higher_derivatives_have_formulas_of_their_own():
    def f(x):
        return np.exp(x) * np.sin(x)  # the fifth derivative: −4 (eˣ sin x + eˣ cos x)

    exact = -4 * math.e * (math.sin(1) + math.cos(1))
    assert make().derivative(f, 1.0, order=5) == pytest.approx(exact, rel=1e-7)
    assert make().derivative(np.exp, 1.0, order=2) == pytest.approx(math.e, rel=1e-10)
    assert make("complex_step").derivative(np.exp, 1.0, order=3) == pytest.approx(math.e, rel=1e-10)
    assert make("forward").derivative(np.exp, 1.0, order=3) == pytest.approx(math.e, rel=1e-5)
    np.testing.assert_allclose(
        make().derivative(lambda x: np.stack([x**4, np.sin(x)]), 1.0, order=3), [24.0, -math.cos(1)], rtol=1e-8
    )


@pytest.mark.parametrize("method", METHODS)
def test_gradients_and_second_derivatives(method):
    differentiator = make(method)

    def f(x):
        return x[0] ** 2 * x[1] + np.sin(x[1])

    x = np.array([1.5, -0.5])
    exact = np.array([2 * x[0] * x[1], x[0] ** 2 + np.cos(x[1])])
    hessian = np.array([[2 * x[1], 2 * x[0]], [2 * x[0], -np.sin(x[1])]])
    np.testing.assert_allclose(differentiator.gradient(f, x), exact, rtol=1e-9)
    found = differentiator.hessian(f, x)
    np.testing.assert_allclose(found, hessian, rtol=1e-8)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(differentiator.hvp(f, x, [1.0, 2.0]), hessian @ [1.0, 2.0], rtol=1e-7)


@given(st.lists(st.floats(-4, 4), min_size=4, max_size=4), st.floats(-3, 3))
@settings(deadline=None, max_examples=40)
def test_cubics_are_exact_to_rounding(coefficients, x):
    polynomial = np.polynomial.Polynomial(coefficients)
    size = 1e-11 * sum(abs(coefficient) * (1 + abs(x)) ** 3 for coefficient in coefficients) + 1e-300
    for method in REAL_METHODS:
        with gradmix.assessments():
            assert abs(make(method).derivative(polynomial, x) - polynomial.deriv()(x)) <= 100 * size


@given(
    st.sampled_from(
        [
            (np.sin, np.cos),
            (np.exp, np.exp),
            (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
            (np.arctan, lambda x: 1 / (1 + x * x)),
        ]
    ),
    st.floats(-5, 5),
    st.sampled_from([1e-6, 1.0, 1e5]),
    st.sampled_from(REAL_METHODS),
)
@settings(deadline=None, max_examples=120)
@pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning")
def test_errors_are_at_most_ten_times_those_estimated(pair, x, scale, method):
    f, derivative = pair
    with gradmix.assessments() as found:
        got = make(method).derivative(lambda z: f(scale * z), x / scale) / scale
    exact = derivative(scale * (x / scale))
    bound = found[0].error * max(abs(got * scale), 1.0) / scale
    assert abs(got - exact) <= 10 * bound + 1e-15


EIGHTHS = st.integers(-16, 16).map(lambda eighths: eighths / 8)


@given(st.lists(EIGHTHS, min_size=3, max_size=3), st.lists(EIGHTHS, min_size=3, max_size=3))
@settings(deadline=None, max_examples=25)
def test_products_with_the_hessian_are_those_with_its_rows(x, v):
    def f(x):
        return np.exp(0.3 * x[0] * x[1]) + np.sin(x[1] * x[2])

    with gradmix.assessments():
        hessian, product = make().hessian(f, x), make().hvp(f, x, v)
    np.testing.assert_array_equal(hessian, hessian.T)
    np.testing.assert_allclose(product, hessian @ v, atol=1e-8, rtol=1e-8)


# What it costs.


@pytest.mark.parametrize(("method", "calls"), [("forward", 31), ("backward", 31), ("central", 36), ("complex_step", 7)])
def test_a_gradient_of_squares_takes_a_few_evaluations_for_each_variable(method, calls):
    counted = []

    def f(x):
        counted.append(1)
        return np.sum(x**2)

    make(method).value_and_gradient(f, np.ones(5))
    assert len(counted) <= calls


@pytest.mark.parametrize("evaluations", [1, 2, 6, 10, 25])
@pytest.mark.parametrize("method", REAL_METHODS)
def test_evaluations_are_bounded_even_where_nothing_converges(evaluations, method):
    generator, counted = np.random.default_rng(0), []

    def noise(x):
        counted.append(1)
        return generator.standard_normal()

    least = {"central": 2, "forward": 1, "backward": 1}[method]
    _, assessment = assessed(make(method, evaluations=evaluations).derivative, noise, 1.0)
    assert len(counted) <= max(evaluations, least) + 1
    assert not assessment.is_reliable


def test_too_few_evaluations_are_said():
    value, assessment = assessed(make(evaluations=2).derivative, np.sin, 1.0)
    assert value == pytest.approx(math.cos(1), rel=0.01)
    assert (assessment.status, assessment.error) == ("evaluations exhausted", math.inf)


def test_a_tolerance_ends_the_search_earlier():
    def count(**options):
        counted = []
        make(**options).derivative(lambda x: counted.append(1) or np.exp(x), 1.0)
        return len(counted)

    assert count(tolerance=1e-3) < count()


# Functions that are not smooth, or not there.


@pytest.mark.parametrize(
    ("f", "x", "status"),
    [
        (abs, 0.0, "a jump or a kink of the function"),
        (lambda x: max(x - 1.0, 0.0), 1.0, "a jump or a kink of the function"),
        (lambda x: float(x >= 1.0), 1.0, "a jump or a kink of the function"),
        (np.floor, 2.0, "a jump or a kink of the function"),
        (np.cbrt, 0.0, "a jump or a kink of the function"),
        (lambda x: np.round(x, 6), 1.23, "limited by noise of the function"),
        (lambda x: np.sin(np.float32(x)), 1.0, "limited by noise of the function"),
        (lambda x: 1 / x if x else math.inf, 0.0, "not finite at the point or near it"),
        (np.log, -1.0, "not finite at the point or near it"),
        (np.sqrt, 0.0, "not finite at the point or near it"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_it_says_where_a_function_is_not_smooth(f, x, status):
    assessment = assessed(make().derivative, f, x)[1]
    assert (assessment.status, assessment.is_reliable) == (status, False)


@pytest.mark.parametrize("level", [1e-10, 1e-6, 1e-3])
def test_noise_is_noticed_and_its_error_estimated(level):
    generator = np.random.default_rng(1)
    found, assessment = assessed(make().derivative, lambda x: np.sin(x) + level * generator.standard_normal(), 1.0)
    assert assessment.status == "limited by noise of the function"
    assert abs(found - math.cos(1)) <= 3 * assessment.error
    assert assessment.error <= 1e4 * level


def test_kinks_and_steps_nearby_do_not_matter():
    assert make().derivative(lambda x: abs(x - 1.0001), 1.0) == pytest.approx(-1.0, rel=1e-9)
    assert make().derivative(lambda x: x * x + (x > 1.001), 1.0) == pytest.approx(2.0, rel=1e-9)


def test_a_step_out_of_the_domain_is_no_value():
    assert make().derivative(math.log, 1e-3) == pytest.approx(1000.0, rel=1e-12)
    assert make().derivative(lambda x: math.sqrt(x - 1), 1.0001) == pytest.approx(50.0, rel=1e-9)
    assert make("forward").derivative(lambda x: math.sqrt(x) ** 4, 0.0) == pytest.approx(0.0, abs=1e-12)


def test_an_error_that_leaves_no_step_is_the_functions_own():
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        make().derivative(math.sqrt, 0.0)


def test_a_doubtful_derivative_warns_at_the_users_line_unless_assessments_are_collected():
    with pytest.warns(gradmix.UnreliableDerivativeWarning, match="a jump or a kink") as caught:
        make().derivative(abs, 0.0)
    assert caught[0].filename == __file__
    with warnings.catch_warnings(), gradmix.assessments() as found:
        warnings.simplefilter("error")
        make().derivative(abs, 0.0)
        make().derivative(np.sin, 0.0)
    assert [each.is_reliable for each in found] == [False, True]


def test_points_that_are_not_finite_have_no_derivative():
    found, assessment = assessed(make().gradient, lambda x: np.tanh(x[0]) + x[1], [np.inf, 1.0])
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1.0)
    assert not assessment.is_reliable


# Complex steps.


@pytest.mark.parametrize("f", [abs, lambda x: float(x), lambda x: x.real**2], ids=["abs", "float", "real"])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_a_function_that_drops_the_imaginary_part_is_no_silent_zero(f):
    with pytest.raises(gradmix.DifferentiationError, match=r"method=central"):
        make("complex_step").derivative(f, 1.0)


@pytest.mark.parametrize(
    "f", [lambda x: x * abs(x), lambda x: x * np.conj(x) if np.iscomplexobj(x) else x * x], ids=["abs", "conj"]
)
def test_a_function_that_is_complex_but_not_analytic_is_refused(f):
    with pytest.raises(gradmix.DifferentiationError, match="differently along real and complex"):
        make("complex_step").derivative(f, 1.5)


def test_complex_steps_inside_one_another_are_refused_not_confused():
    complex_step, central = make("complex_step"), make()
    with pytest.raises(gradmix.DifferentiationError, match="cannot be nested"):
        complex_step.derivative(lambda x: x * complex_step.derivative(lambda y: x * y, 1.0), 1.0)
    found = complex_step.derivative(lambda x: x * central.derivative(lambda y: x * y, 1.0), 1.0)
    assert found == pytest.approx(2.0, rel=1e-9)
    assert complex_step.derivative(lambda x: x**3, 1.0) == 3.0


# Functions as they are.


@pytest.mark.parametrize("method", METHODS)
def test_a_function_may_reuse_its_own_arrays(method):
    buffer = np.empty(3, dtype=complex if method == "complex_step" else float)

    def into_a_buffer(x):
        np.multiply(x, x, out=buffer, casting="unsafe") if buffer.dtype == complex else np.multiply(x, x, out=buffer)
        return buffer if np.iscomplexobj(x) or buffer.dtype != complex else buffer.real

    def in_place(x):
        x *= 2
        return np.sum(x**2)

    differentiator, x = make(method), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(differentiator.jacobian(into_a_buffer, x), np.diag(2 * x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(differentiator.gradient(in_place, x), 8 * x, rtol=1e-9)


def test_the_point_is_left_as_it_was():
    x = np.array([1.0, 2.0])
    make().gradient(lambda y: np.sum(y**2), x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"step": 1e-4}, {"tolerance": 1e-4}])
@pytest.mark.parametrize("x", [0.3, 1.0, 2.5])
def test_the_promised_accuracy_is_kept(method, options, x):
    differentiator = make(method, **options)
    assert differentiator.derivative(np.sin, x) == pytest.approx(np.cos(x), rel=differentiator.accuracy)


@pytest.mark.parametrize("name", ["dual", "tape"])
@pytest.mark.parametrize("method", REAL_METHODS)
def test_other_differentiators_go_through_it(name, method):
    def slope(x):
        return make(method).derivative(np.sin, x)

    assert gradmix.differentiator(name).derivative(slope, 1.0) == pytest.approx(-math.sin(1), rel=1e-6)


ROTATION = np.linalg.qr(np.vander([1.0, 1.5, 2.0]))[0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.fft.irfftn(np.fft.rfftn(x) * 2.0, s=(3, 4), axes=(0, 1)) ** 2,
        lambda x: np.real(np.fft.ifft(np.fft.fft(np.ravel(x)))) ** 3,
        lambda x: (ROTATION.T @ (ROTATION @ x)) ** 2,
    ],
    ids=["rfftn and back", "fft and back", "turned and back"],
)
@pytest.mark.parametrize("seed", range(4))
def test_small_values_that_are_rounded_like_large_ones_beside_them(function, seed):
    x = np.random.default_rng(seed).normal(size=(3, 4))
    exact = gradmix.differentiator("tape").jacobian(function, x)
    with gradmix.assessments() as found:
        computed = make().jacobian(function, x)
    np.testing.assert_allclose(computed, exact, rtol=1e-6, atol=1e-9 * np.abs(exact).max())
    assert found[0].error < 1e-6


def test_a_large_value_beside_it_does_not_spoil_a_smooth_one():
    def function(x):
        return np.array([1e20, 1.0, 1.0]) * np.concatenate([np.ones(1), np.sin(30 * x)])

    x = np.array([0.3, 0.4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gradmix.UnreliableDerivativeWarning)
        computed = make().jacobian(function, x)
    np.testing.assert_allclose(computed[1:], np.diag(30 * np.cos(30 * x)), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"step": 1e-4}])
@pytest.mark.parametrize("function", [lambda x: 3.0, lambda x: x[0] > 0.1, lambda x: np.floor(x.real[1])])
def test_a_function_that_does_not_depend_on_its_argument_has_a_gradient_of_zero(method, options, function):
    np.testing.assert_array_equal(make(method, **options).gradient(function, [0.3, 0.7]), [0.0, 0.0])


@pytest.mark.parametrize("options", [{}, {"step": 1e-4}])
@pytest.mark.parametrize("function", [lambda x: x.real[0], lambda x: abs(x[0]) ** 2, lambda x: np.sum(x.real**2)])
@pytest.mark.parametrize("x", [[0.0, 0.0], [0.3, 0.7]])
def test_a_complex_step_is_refused_where_the_imaginary_part_is_dropped(options, function, x):
    with pytest.raises(gradmix.DifferentiationError, match="needs an analytic function"):
        make("complex_step", **options).gradient(function, x)
