"""Implicit functions against closed forms and mpmath, in every mode, and beside derivatives of the iterations."""

import mpmath
import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError, NumericalError
from gradmix_problems.heron import Heron
from gradmix_problems.kepler import Kepler

MODES = pytest.mark.parametrize("mode", ["dual", "tape"])
A = np.array([[3.0, 1.0], [1.0, 2.0]])


def newton(a, b):
    """The real root of x³ + a x = b, in plain floats."""
    x = 1.0
    for _ in range(60):
        x -= (x**3 + a * x - b) / (3 * x**2 + a)
    return float(x)


cubic_root = gradmix.implicit_root(lambda x, a, b: x**3 + a * x - b, newton)


def exactly(orders, point=(1.0, 2.0)):
    with mpmath.workdps(30):
        return float(mpmath.diff(lambda a, b: mpmath.findroot(lambda x: x**3 + a * x - b, 0.8), point, orders))


@MODES
def test_a_root_has_first_and_second_derivatives(mode):
    made = gradmix.differentiator(mode)
    gradient = made.gradient(lambda p: cubic_root(p[0], p[1]), [1.0, 2.0])
    np.testing.assert_allclose(gradient, [exactly((1, 0)), exactly((0, 1))], rtol=1e-13)
    hessian = made.hessian(lambda p: cubic_root(p[0], p[1]), [1.0, 2.0])
    mixed = exactly((1, 1))
    np.testing.assert_allclose(hessian, [[exactly((2, 0)), mixed], [mixed, exactly((0, 2))]], rtol=1e-12)


def test_a_root_has_a_series():
    found = gradmix.differentiator("taylor").taylor(lambda a: cubic_root(a, 2.0), 1.0, order=6)
    exact = [exactly((k, 0)) / float(mpmath.factorial(k)) for k in range(7)]
    np.testing.assert_allclose(found, exact, rtol=1e-11)


@MODES
def test_arguments_are_arrays(mode):
    made = gradmix.differentiator(mode)
    solved = gradmix.implicit_root(lambda x, a, b: a @ x - b, np.linalg.solve)

    def f(a, b, solve=solved):
        return np.sum(np.sin(solve(a, b)))

    for argnums in (0, 1):
        found = made.gradient(f, A, np.ones(2), argnums=argnums)
        np.testing.assert_allclose(
            found, made.gradient(lambda a, b: f(a, b, np.linalg.solve), A, np.ones(2), argnums=argnums)
        )
    second = made.hessian(lambda a: f(a, np.ones(2), np.linalg.solve), A)
    np.testing.assert_allclose(made.hessian(f, A, np.ones(2)), second, rtol=1e-12, atol=1e-15)


@MODES
@pytest.mark.parametrize("x", [0.3, 2.0, 1e6])
def test_herons_root_by_theorem_and_by_iterations(mode, x):
    made, problem = gradmix.differentiator(mode), Heron(x=x)
    by_theorem = made.derivative(gradmix.implicit_root(lambda y, x: y * y - x, problem.function), x)
    assert by_theorem == pytest.approx(problem.exact(), rel=1e-15)
    assert made.derivative(problem.function, x) == pytest.approx(by_theorem, rel=1e-14)


@MODES
def test_a_fixed_point_is_more_exact_than_its_iterations(mode):
    made, problem = gradmix.differentiator(mode), Kepler(eccentricity=0.8, iterations=150)
    point = gradmix.implicit_fixed_point(lambda y, x: x + 0.8 * np.sin(y), problem.function)
    exact = problem.exact()
    assert made.derivative(point, 1.0) == pytest.approx(exact, rel=1e-14)
    assert made.derivative(problem.function, 1.0) == pytest.approx(exact, rel=1e-9)


@MODES
def test_an_optimum(mode):
    made = gradmix.differentiator(mode)
    rows, target = np.arange(6.0).reshape(3, 2) ** 1.5, np.array([1.0, -2.0, 0.5])

    def ridge(rows, target, penalty):
        return np.linalg.solve(rows.T @ rows + penalty * np.eye(2), rows.T @ target)

    optimum = gradmix.implicit_optimum(
        lambda x, rows, target, penalty: np.sum((rows @ x - target) ** 2) + penalty * np.sum(x**2), ridge
    )
    for argnums in (0, 1, 2):
        found = made.jacobian(optimum, rows, target, 0.3, argnums=argnums)
        np.testing.assert_allclose(found, made.jacobian(ridge, rows, target, 0.3, argnums=argnums), atol=1e-14)
    found = made.derivative(lambda penalty: np.sum(optimum(rows, target, penalty) ** 3), 0.3, order=2)
    expected = made.derivative(lambda penalty: np.sum(ridge(rows, target, penalty) ** 3), 0.3, order=2)
    assert found == pytest.approx(expected, rel=1e-10)


decay = gradmix.implicit_ode(lambda t, x, rate: -rate * x)


@MODES
def test_a_differential_equation_by_all_of_its_arguments(mode):
    made, point = gradmix.differentiator(mode), [1.5, 0.2, 2.0, 0.5]

    def exact(p):
        return p[0] * np.exp(-p[3] * (p[2] - p[1]))

    found = made.gradient(lambda p: decay(p[0], p[1], p[2], p[3]), point)
    np.testing.assert_allclose(found, made.gradient(exact, point), atol=1e-9)
    second = made.derivative(lambda rate: decay(1.5, 0.2, 2.0, rate), 0.5, order=2)
    assert second == pytest.approx(1.5 * 1.8**2 * np.exp(-0.9), rel=1e-8)


@MODES
def test_a_system_of_differential_equations(mode):
    made = gradmix.differentiator(mode)
    oscillator = gradmix.implicit_ode(lambda t, x, w: np.stack([x[1], -(w**2) * x[0]]))
    found = made.jacobian(lambda x, w: oscillator(x, 0.0, 1.3, w), np.array([1.0, -0.5]), 2.0, argnums=(0, 1))
    c, s = np.cos(2.6), np.sin(2.6)
    np.testing.assert_allclose(found[0], [[c, s / 2], [-2 * s, c]], atol=1e-8)
    by_frequency = [-1.3 * s - 0.5 * (1.3 * c / 2 - s / 4), -s - 2.6 * c - 0.5 * (-1.3 * s)]
    np.testing.assert_allclose(found[1], by_frequency, atol=1e-8)


@MODES
def test_a_stiff_equation(mode):
    stiff = gradmix.implicit_ode(lambda t, x, k: -k * (x - np.cos(t)), method="Radau", rtol=1e-8, atol=1e-10)
    found = gradmix.differentiator(mode).gradient(lambda p: stiff(p[0], 0.0, 1.0, p[1]), [0.5, 100.0])

    def exact(start, k):
        c = k**2 / (k**2 + 1)
        return c * mpmath.cos(1) + k / (k**2 + 1) * mpmath.sin(1) + (start - c) * mpmath.exp(-k)

    np.testing.assert_allclose(found, [float(mpmath.diff(exact, (0.5, 100.0), o)) for o in ((1, 0), (0, 1))], atol=1e-8)


def test_what_cannot_be_retraced_is_not_trusted():
    """Backwards, errors grow by exp(60): the adjoint would have no digit."""
    fast = gradmix.implicit_ode(lambda t, x, k: -k * (x - np.cos(t)))
    tape, dual = gradmix.differentiator("tape"), gradmix.differentiator("dual")
    found = [made.derivative(lambda k: fast(0.5, 0.0, 1.0, k), 60.0) for made in (tape, dual)]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_no_time_passes():
    assert decay(1.5, 1.0, 1.0, 0.5) == 1.5
    assert gradmix.differentiator("dual").derivative(lambda x: decay(x, 1.0, 1.0, 0.5), 1.5) == 1.0


@MODES
def test_what_is_not_a_solution_is_said(mode):
    made = gradmix.differentiator(mode)
    with pytest.warns(UserWarning, match="not a solution: a step of Newton's method moves it by 0.119") as seen:
        made.derivative(gradmix.implicit_root(lambda x, a: x * x - a, lambda a: 1.3), 2.0)
    assert seen[0].filename == __file__
    with pytest.raises(NumericalError, match="singular at the solution"):
        made.derivative(gradmix.implicit_root(lambda x, a: (x - a) ** 2, lambda a: a), 2.0)
    with pytest.raises(DifferentiationError, match="an equation for each entry"):
        made.derivative(gradmix.implicit_root(lambda x, a: np.stack([x - a, x]), lambda a: a), 2.0)
    runaway = gradmix.implicit_ode(lambda t, x: x * x)
    with pytest.raises(NumericalError, match="could not be integrated"):
        runaway(1.0, 0.0, 2.0)


@MODES
@pytest.mark.filterwarnings("error")
def test_a_root_at_zero_is_one(mode):
    root = gradmix.implicit_root(lambda x, a: x - 0.1 * a + 1e-18, lambda a: 0.0)
    assert gradmix.differentiator(mode).derivative(root, 0.0) == 0.1


@MODES
@pytest.mark.parametrize("make", ["root", "fixed point", "optimum"])
def test_a_traced_value_that_only_the_equation_uses_is_an_error(make, mode):
    def solution(b):
        def solver(a):
            return a * gradmix.stop_gradient(b)

        solved = {
            "root": lambda: gradmix.implicit_root(lambda x, a: x - a * b, solver),
            "fixed point": lambda: gradmix.implicit_fixed_point(lambda x, a: a * b, solver),
            "optimum": lambda: gradmix.implicit_optimum(lambda x, a: (x - a * b) ** 2, solver),
        }[make]()
        return solved(2.0)

    assert solution(3.0) == 6.0
    with pytest.raises(DifferentiationError, match="one of its arguments"):
        gradmix.differentiator(mode).derivative(solution, 3.0)


@MODES
def test_second_derivatives_of_roots_of_two_equations(mode):
    root = gradmix.implicit_root(
        lambda x, a: np.stack([x[0] ** 2 - a[0], x[0] * x[1] - a[1]]),
        lambda a: np.array([np.sqrt(a[0]), a[1] / np.sqrt(a[0])]),
    )
    a = np.array([2.0, 3.0])  # 0.7 √a + 1.3 b/√a
    by_first = -0.175 * a[0] ** -1.5 + 0.975 * a[1] * a[0] ** -2.5
    mixed = -0.65 * a[0] ** -1.5
    found = gradmix.differentiator(mode).hessian(lambda a: np.array([0.7, 1.3]) @ root(a), a)
    np.testing.assert_allclose(found, [[by_first, mixed], [mixed, 0.0]], rtol=1e-12, atol=1e-14)


@MODES
@pytest.mark.parametrize(("begin", "end"), [(0.2, 0.5), (0.5, 0.2), (0.5, 0.5)])
def test_second_derivatives_of_an_equation_that_depends_on_time(begin, end, mode):
    solved = gradmix.implicit_ode(lambda t, x, a: -a * np.cos(t) * x, rtol=1e-6, atol=1e-6)
    point, direction = np.array([1.3, begin, end, 0.7]), np.array([1.0, -0.5, 0.7, 0.3])
    made = gradmix.differentiator(mode)
    found = made.hvp(lambda p: solved(p[0], p[1], p[2], p[3]), point, direction)
    exact = made.hvp(lambda p: p[0] * np.exp(-p[3] * (np.sin(p[2]) - np.sin(p[1]))), point, direction)
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-5)
