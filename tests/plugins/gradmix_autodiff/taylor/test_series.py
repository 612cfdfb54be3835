"""Series against mpmath's to order 20, and against nested first derivatives where mpmath has no such function."""

import warnings

import mpmath
import numpy as np
import pytest
import scipy.special as special
from tests.plugins.gradmix_autodiff import test_functions, test_rules

import gradmix
from gradmix import DifferentiationError
from gradmix_autodiff.table import ELEMENTWISE
from gradmix_autodiff.taylor.rules import reason_to_refuse

TAYLOR, DUAL = gradmix.differentiator("taylor"), gradmix.differentiator("dual")
EPS = np.finfo(float).eps

FUNCTIONS = {
    "issue": lambda x, m: m.exp(x * m.sin(x)) / (1 + x * x) + m.sqrt(x + 2) * m.log(x + 3),
    "product": lambda x, m: x * m.exp(x) * x,
    "quotient of constants": lambda x, m: 2 / (1 - x / 3),
    "whole power": lambda x, m: (x - 1) ** 7,
    "negative power": lambda x, m: (x + 2) ** -3,
    "real power": lambda x, m: (x + 2) ** 2.7,
    "power of a constant": lambda x, m: 1.7**x,
    "power of both": lambda x, m: (x + 2) ** (m.sin(x)),
    "hyperbolic": lambda x, m: m.sinh(x) - m.cosh(x / 2) * m.tanh(x),
    "tan": lambda x, m: m.tan(x / 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.7, -0.4, 1.3])
def test_all_orders_to_twenty(name, x):
    f = FUNCTIONS[name]
    found = TAYLOR.taylor(lambda x: f(x, np), x, order=20)
    exact = _exact(lambda x: f(x, mpmath), x, 20)
    _require_close(found, exact, 1e-12)


def _exact(f, x, order):
    with mpmath.workdps(80):
        return np.array([float(c) for c in mpmath.taylor(f, mpmath.mpf(x), order)])


def _require_close(found, exact, tolerance):
    """Each coefficient to its size, or to that of the terms around it, which fall off or grow like a power."""
    size = np.maximum(np.abs(exact), np.sqrt(np.abs(np.roll(exact, 1) * np.roll(exact, -1))))
    assert np.all(np.abs(found - exact) <= tolerance * size + 1e-300), (found, exact)


@pytest.mark.parametrize("ufunc", test_rules.UNARY, ids=lambda ufunc: ufunc.__name__)
def test_functions_of_one_variable(ufunc):
    for x in test_rules.points(ufunc):
        exact = _exact(test_rules.UNARY[ufunc], x, 8)
        for found in (
            TAYLOR.taylor(ufunc, x, order=8),
            TAYLOR.taylor(ufunc, np.array([x, x]), np.ones(2), order=8)[:, 1],
        ):
            _require_close(found, exact, 1e-11)


@pytest.mark.parametrize("ufunc", test_rules.BINARY, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (0.7, -0.4)])
@pytest.mark.parametrize("point", [(1.3, 2.9), (3.7, 0.6)])
def test_functions_of_two_variables(ufunc, direction, point):
    a, b = map(mpmath.mpf, point)
    u, v = map(mpmath.mpf, direction)
    exact = _exact(lambda t: test_rules.BINARY[ufunc](a + u * t, b + v * t), 0, 6)
    found = TAYLOR.taylor(lambda x: ufunc(x[0], x[1]), np.array(point), np.array(direction), order=6)
    _require_close(found, exact, 1e-11)
    if direction == (1.0, 0.0):  # the other argument is a constant
        _require_close(TAYLOR.taylor(lambda x: ufunc(x, point[1]), point[0], order=6), exact, 1e-11)
    if direction == (0.0, 1.0):
        _require_close(TAYLOR.taylor(lambda x: ufunc(point[0], x), point[1], order=6), exact, 1e-11)


_ALL = sorted({rule for rule in ELEMENTWISE if isinstance(rule, np.ufunc)}, key=lambda each: each.__name__)


@pytest.mark.parametrize("ufunc", _ALL, ids=lambda ufunc: ufunc.__name__)
def test_each_rule_of_the_table_as_nested_or_refused(ufunc):
    """Third derivatives by each argument that is real."""
    texts = ELEMENTWISE[ufunc].texts
    point = [2.0 if text is None else 0.4 + 0.1 * place for place, text in enumerate(texts)]
    for place, text in enumerate(texts):
        if not text:
            continue

        def f(x, place=place):
            return ufunc(*[x if i == place else each for i, each in enumerate(point)])

        with np.errstate(all="ignore"):
            try:
                nested = DUAL.derivative(f, point[place], order=3)
            except DifferentiationError:
                continue
            if reason_to_refuse(ELEMENTWISE[ufunc]):
                assert ufunc not in test_rules.UNARY
                with pytest.raises(DifferentiationError, match="has no Taylor series here"):
                    TAYLOR.derivative(f, point[place], order=3)
                continue
            found = TAYLOR.derivative(f, point[place], order=3)
        np.testing.assert_allclose(found, nested, rtol=1e-8, atol=1e-10)


def test_the_gamma_family_to_order_twelve():
    for ufunc, exact in ((special.gammaln, mpmath.loggamma), (special.gamma, mpmath.gamma)):
        _require_close(TAYLOR.taylor(ufunc, 2.3, order=12), _exact(exact, 2.3, 12), 1e-10)


@pytest.mark.parametrize("name", test_functions.FUNCTIONS)
def test_functions_of_arrays_as_nested(name):
    f, x = test_functions.FUNCTIONS[name], test_functions.X
    v = np.cos(np.arange(float(x.size))).reshape(x.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            nested = np.stack([DUAL.derivative(lambda t: f(x + t * v), 0.0, order=k) for k in (1, 2, 3)])
        except (DifferentiationError, TypeError, ValueError) as error:
            pytest.skip(f"not nested: {error}")
        if name in ("sinc", "i0", "sici", "itj0y0", "iti0k0", "it2j0y0", "it2i0k0"):
            with pytest.raises(DifferentiationError, match="has no Taylor series here"):
                TAYLOR.taylor(f, x, v, order=3)
            return
        found = TAYLOR.taylor(f, x, v, order=3)[1:] * np.reshape([1.0, 2.0, 6.0], (3, *[1] * (nested.ndim - 1)))
    np.testing.assert_allclose(found, nested, rtol=1e-7, atol=1e-8)


def test_linear_algebra_against_closed_forms():
    def matrix(t):
        return np.stack([np.stack([2.0 + t, t * t]), np.stack([np.sin(t), 3.0 - t])])

    def determinant(t):
        return (2.0 + t) * (3.0 - t) - t * t * np.sin(t)

    right = np.array([1.0, -2.0])
    exact = {
        "solve": lambda t: np.stack([3.0 - t + 2.0 * t * t, -np.sin(t) - 4.0 - 2.0 * t]) / determinant(t),
        "det": determinant,
        "logdet": lambda t: np.log(determinant(t)),
        "trace of inverse": lambda t: 5.0 / determinant(t),
        "norm": lambda t: np.sqrt((2.0 + t) ** 2 + t**4 + np.sin(t) ** 2 + (3.0 - t) ** 2),
        "product": lambda t: np.stack([(2.0 + t) ** 2 + t * t * np.sin(t), (2.0 + t) * t * t + t * t * (3.0 - t)]),
        "einsum of three": lambda t: (2.0 + t) ** 3 + 8.0 * np.sin(t) ** 3,
    }
    found = {
        "solve": lambda t: np.linalg.solve(matrix(t), right),
        "det": lambda t: np.linalg.det(matrix(t)),
        "logdet": lambda t: np.linalg.slogdet(matrix(t))[1],
        "trace of inverse": lambda t: np.trace(np.linalg.inv(matrix(t))),
        "norm": lambda t: np.linalg.norm(matrix(t)),
        "product": lambda t: (matrix(t) @ matrix(t))[0],
        "einsum of three": lambda t: np.einsum(
            "i,i,i,i->", matrix(t)[:, 0], matrix(t)[:, 0], matrix(t)[:, 0], np.array([1.0, 8.0])
        ),
    }
    for name, f in found.items():
        np.testing.assert_allclose(
            TAYLOR.taylor(f, 0.3, order=8),
            TAYLOR.taylor(exact[name], 0.3, order=8),
            rtol=1e-10,
            atol=1e-12,
            err_msg=name,
        )


def test_complex_numbers_on_the_way():
    found = TAYLOR.taylor(lambda x: np.abs(np.exp(1j * x) * x) ** 2 + np.imag((1 + 1j * x) ** 3), 0.7, order=4)
    np.testing.assert_allclose(found, TAYLOR.taylor(lambda x: x**2 + 3 * x - x**3, 0.7, order=4), atol=1e-13)
    waves = TAYLOR.taylor(lambda x: np.sum(np.abs(np.fft.fft(np.stack([x, x * x, np.sin(x)]))) ** 2), 0.7, order=4)
    parseval = TAYLOR.taylor(lambda x: 3 * (x**2 + x**4 + np.sin(x) ** 2), 0.7, order=4)
    np.testing.assert_allclose(waves, parseval, rtol=1e-12)


INF, NAN = np.inf, np.nan
AT_ZERO = {
    "whole power": (lambda x: x**3, [0, 0, 0, 1, 0]),
    "whole power as float": (lambda x: x**2.0, [0, 0, 1, 0, 0]),
    "power of zero": (lambda x: x**0, [1, 0, 0, 0, 0]),
    "powers of an array": (lambda x: (x ** np.array([2, 3.0]))[1], [0, 0, 0, 1, 0]),
    "real power": (lambda x: x**2.5, [0, 0, 0, INF, -INF]),
    "root of a power that is cut off": (lambda x: np.sqrt(x**8), [0, NAN, NAN, NAN, NAN]),
    "abs": (np.abs, [0, 0, 0, 0, 0]),
    "abs of a square": (lambda x: np.abs(-x * x), [0, 0, 1, 0, 0]),
    "largest, touching": (lambda x: np.maximum(x * x, 0.0), [0, 0, 1, 0, 0]),
    "smallest, touching": (lambda x: np.minimum(0.0, x * x), [0, 0, 0, 0, 0]),
    "largest, crossing": (lambda x: np.maximum(x, 0.0), [0, 0.5, 0, 0, 0]),
    "max, crossing": (lambda x: np.max(np.stack([x, x * x])), [0, 0.5, NAN, NAN, NAN]),
    "max of equal ones": (lambda x: np.max(np.stack([x, x])), [0, 1, 0, 0, 0]),
    "hypot": (lambda x: np.hypot(x, 0.0), [0, 0, NAN, NAN, NAN]),
    "norm": (lambda x: np.linalg.norm(np.stack([x, x])), [0, 0, NAN, NAN, NAN]),
    "reciprocal": (lambda x: 1.0 / x, [INF, -INF, NAN, NAN, NAN]),
    "a branch that is not taken": (lambda x: np.where(x > 0, np.log(x), x**2), [0, 0, 1, 0, 0]),
    "entries that do not depend on it": (
        lambda x: np.sqrt(np.concatenate([np.zeros(1), np.reshape(x + 4.0, 1)]))[0],
        [0, 0, 0, 0, 0],
    ),
    "a constant": (lambda x: 3.0, [3, 0, 0, 0, 0]),
    "a power of zero by the exponent": (lambda x: 0.0 ** (x + 1.0), [0, 0, 0, 0, 0]),
    "a negative number by the exponent": (lambda x: (-2.0) ** (x + 2.0), [4, NAN, NAN, NAN, NAN]),
}


@pytest.mark.filterwarnings("ignore:the derivative of sqrt is infinite")
@pytest.mark.parametrize("name", AT_ZERO)
def test_zeros_ties_and_branches(name):
    f, expected = AT_ZERO[name]
    np.testing.assert_array_equal(TAYLOR.taylor(f, 0.0, order=4), np.array(expected, dtype=float))


def test_whole_powers_of_negative_numbers():
    np.testing.assert_allclose(TAYLOR.taylor(lambda x: x**3.0, -2.0, order=4), [-8, 12, -6, 1, 0])
    np.testing.assert_allclose(TAYLOR.taylor(lambda x: x**-1, -2.0, order=3), [-1 / 2, -1 / 4, -1 / 8, -1 / 16])


def test_updates_in_place_reach_views():
    def f(x):
        y = np.zeros(2, like=x)
        y[0] = x
        view = y[:1]
        view *= x
        y += 1.0
        y[1] *= x
        return y

    np.testing.assert_array_equal(TAYLOR.taylor(f, 3.0, order=2), [[10.0, 3.0], [6.0, 1.0], [1.0, 0.0]])


def test_containers_directions_and_nothing():
    found = TAYLOR.taylor(
        lambda p: {"a": p["u"] ** 2, "b": [p["u"] * p["v"]]},
        {"u": 1.0, "v": np.ones(2)},
        {"u": 1.0, "v": [1, 2]},
        order=2,
    )
    np.testing.assert_array_equal(found["a"], [1.0, 2.0, 1.0])
    np.testing.assert_array_equal(found["b"][0], [[1.0, 1.0], [2.0, 3.0], [1.0, 2.0]])
    assert TAYLOR.taylor(lambda x: x[:0], np.ones(2), np.ones(2), order=3).shape == (4, 0)
    assert TAYLOR.taylor(lambda x: x, np.ones(0), np.ones(0), order=3).shape == (4, 0)
    np.testing.assert_array_equal(TAYLOR.taylor(np.exp, 0.0, order=0), [1.0])


def test_inside_and_around_other_differentiators():
    tape = gradmix.differentiator("tape")
    exact = [1.2**2 * 2 * np.exp(0.36) * 3.36, 1.2**3 * np.exp(0.36)]
    for outer in (tape, DUAL):
        found = outer.gradient(lambda p: TAYLOR.derivative(lambda y: np.exp(p[0] * y) * p[1], 0.3, order=3), [1.2, 2.0])
        np.testing.assert_allclose(found, exact, rtol=1e-13)
    for inner in (tape, DUAL, TAYLOR):
        found = TAYLOR.derivative(lambda x, inner=inner: inner.derivative(lambda y: np.sin(x * y), 0.5), 1.1, order=3)
        with mpmath.workdps(30):
            expected = float(mpmath.diff(lambda x, y: mpmath.sin(x * y), (1.1, 0.5), (3, 1)))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    by_exponent = DUAL.derivative(lambda p: TAYLOR.derivative(lambda y: y**p, 1.3, order=3), 3.0)
    assert by_exponent == pytest.approx(6 * np.log(1.3) + 11, rel=1e-12)


def test_own_rules_cost_no_more_at_each_order():
    calls = []

    def value(x):
        calls.append(x)
        return np.exp(x)

    exponential = gradmix.with_rule(value, jvp=lambda x, v: exponential(x) * v)
    found = TAYLOR.taylor(lambda x: exponential(x * x), 0.7, order=20)
    np.testing.assert_allclose(found, TAYLOR.taylor(lambda x: np.exp(x * x), 0.7, order=20), rtol=1e-12)
    assert len(calls) <= 21


def test_partial_derivatives():
    found = TAYLOR.partial(lambda x: np.exp(x[0] * x[1]) * x[2] ** 2, [0.3, 0.7, 1.1], [2, 1, 1])
    with mpmath.workdps(30):
        exact = mpmath.diff(lambda a, b, c: mpmath.exp(a * b) * c**2, (0.3, 0.7, 1.1), (2, 1, 1))
    assert found == pytest.approx(float(exact), rel=1e-13)
    assert TAYLOR.partial(lambda x: x[0] ** 9 + x[1], [1.0, 1.0], [9, 0]) == pytest.approx(362880.0, rel=1e-12)
    assert TAYLOR.partial(lambda x: x[0] + x[1], [1.0, 2.0], [0, 0]) == 3.0
    with pytest.raises(DifferentiationError, match="non-negative integers, one for each entry"):
        TAYLOR.partial(lambda x: x[0], [1.0, 1.0], [1])
    for orders in ([1.5, 0], "ab"):
        with pytest.raises(DifferentiationError, match="orders must be non-negative integers"):
            TAYLOR.partial(lambda x: x[0], [1.0, 1.0], orders)


def test_orders_beyond_the_largest_factorial():
    assert TAYLOR.derivative(lambda x: 1.0 / (3.0 - x), 1.0, order=180) == pytest.approx(6.5545398711445e274, rel=1e-10)


@pytest.mark.parametrize("name", ["dual", "tape", "finite_difference"])
def test_others_have_series_by_nesting_or_by_differences(name):
    made = gradmix.differentiator(name)
    tolerance = 1e-7 if name == "finite_difference" else 1e-14
    np.testing.assert_allclose(made.taylor(np.exp, 0.0, order=4), [1, 1, 1 / 2, 1 / 6, 1 / 24], rtol=tolerance)
    prepared = made.prepare(lambda x: x[0] * x[1] ** 2, [1.0, 1.0])
    found = prepared.taylor([1.0, 2.0], [1.0, 1.0], order=4)
    np.testing.assert_allclose(found, [4, 8, 5, 1, 0], atol=100 * tolerance)


def test_higher_differences_are_as_exact_as_they_say():
    made = gradmix.differentiator("finite_difference")
    for order in range(2, 9):
        with gradmix.assessments() as found:
            value = made.derivative(lambda x: np.exp(np.sin(x)), 0.3, order=order)
        with mpmath.workdps(30):
            exact = float(mpmath.diff(lambda x: mpmath.exp(mpmath.sin(x)), 0.3, order))
        error = abs(value - exact) / max(abs(exact), 1.0)
        assert error <= 4 * max(assessment.error for assessment in found)
        assert error < 1e-3


def test_refused_orders_and_functions():
    with pytest.raises(DifferentiationError, match="integer ≥ 0"):
        TAYLOR.taylor(np.exp, 1.0, order=True)
    with pytest.raises(DifferentiationError, match="needs a direction v"):
        TAYLOR.taylor(np.sum, np.ones(2), order=2)
    with pytest.raises(DifferentiationError, match=r"np\.sinc has no Taylor series here.*short series.*dual"):
        TAYLOR.taylor(np.sinc, 0.3, order=2)
    with pytest.raises(DifferentiationError, match=r"scipy\.special\.jv has no Taylor series.*more functions"):
        TAYLOR.taylor(lambda x: special.jv(1.0, x), 0.3, order=2)
    np.testing.assert_allclose(TAYLOR.taylor(np.sinc, 0.3, order=1)[1], DUAL.derivative(np.sinc, 0.3))
