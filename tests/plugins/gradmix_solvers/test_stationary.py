"""When an iteration may stop."""

import numpy as np
import pytest

import gradmix
from gradmix import Minimum
from gradmix_solvers.stationary import is_minimum, levels_off, size_of, vanishes


def is_one(f, x):
    x = np.array(x)
    return is_minimum(Minimum(f, x), x, gradmix.differentiator("dual"), size_of(x, x), 1e-10)


def plateau(x):
    return np.sum(np.array([1.0, 9.0]) * x**2 / (1.0 + x**2))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_plateau_is_no_minimum(offset):
    assert is_one(lambda x: plateau(x) + offset, [0.0, 0.0])
    assert not is_one(lambda x: plateau(x) + offset, [1e3, 1e3])
    assert not is_one(lambda x: plateau(x) + offset, [1e2, 0.0])


@pytest.mark.parametrize(
    ("f", "is_a_minimum"),
    [
        (lambda x: x[0] ** 2 + 1e-9 * x[1] ** 2, True),
        (lambda x: x[0] ** 2 - 1e-9 * x[1] ** 2, False),
        (lambda x: x[0] ** 2 + x[1] ** 4, True),
        (lambda x: x[0] ** 2 - x[1] ** 4, False),
        (lambda x: x[0] ** 2 + x[1] ** 3, False),
        (lambda x: x[0] ** 2 + 0.0 * x[1], True),
        (lambda x: 0.0 * x[0], True),
    ],
)
def test_a_stationary_point_is_a_minimum_only_if_nothing_leads_down(f, is_a_minimum):
    assert is_one(f, [0.0, 0.0]) == is_a_minimum


def test_a_function_whose_hessian_is_refused_is_minimised_by_its_gradient():
    class First(type(gradmix.differentiator("tape"))):
        def second(self, f, x):
            raise gradmix.DifferentiationError("no second derivatives of this function")

    bowl = Minimum(lambda x: np.sum(np.cosh(x - 1.0)), [0.0, 3.0], [1.0, 1.0])
    for solver in (gradmix.solver("scipy_optimize"), gradmix.solver("gradient_descent")):
        solver.differentiator = First()
        last = solver.solve(bowl)
        assert last.converged
        assert last.metrics["error"] < 1e-6


def test_tests_depend_on_no_units():
    J, F = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([3e-10, 1e-10])
    for factors in ([1.0, 1.0], [1e-20, 1e20]):
        rows = np.array(factors)
        assert vanishes(rows * F, rows[:, None] * J, 1.0, 1e-10)
        assert not vanishes(rows * F, rows[:, None] * J, 1.0, 1e-11)
    for factor in (1e-20, 1.0, 1e20):
        gradient, change, step = factor * np.array([1e-10]), factor * np.array([2.0]), np.array([2.0])
        assert levels_off(gradient, change, step, 1.0, 2e-10)
        assert not levels_off(gradient, change, step, 1.0, 0.5e-10)


def test_the_size_of_zero_is_one():
    assert size_of(np.zeros(2), np.zeros(2)) == 1.0
    assert size_of(np.array([1e-9, 0.0]), np.zeros(2)) == 1e-9
