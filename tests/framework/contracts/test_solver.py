"""What the contract of solvers adds to what a plugin yields, and what it refuses."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import gradmix
from gradmix import Equations, InitialValue, Iteration, LeastSquares, Minimum, NumericalError, PluginError

ROOT = Equations(lambda x: x - 2.0, [0.0], [2.0])


@dataclass
class Told(gradmix.Solver):
    """Yields what it is told to."""

    solves: ClassVar = {Equations: (), Minimum: ()}
    points: Any = ()
    residuals: Any = ()

    def check(self):
        """Nothing to check: the points are given by a test."""

    def iterate(self, question):
        for x, residual in zip(self.points, self.residuals, strict=True):
            yield Iteration(np.array(x), {"residual": residual}, converged=residual == 0.0)


def test_lengths_of_steps_errors_and_counts_are_added():
    one, two = Told([[3.0], [2.0]], [1.0, 0.5]).iterations(ROOT)
    assert one.metrics == {
        "error": 1.0,
        "step_length": 3.0,
        "function_evaluations": 0.0,
        "derivative_evaluations": 0.0,
        "residual": 1.0,
    }
    assert (two.metrics["step_length"], two.metrics["error"], two.step) == (1.0, 0.0, 2)


def test_nothing_is_asked_for_after_an_iteration_that_has_converged():
    assert [each.step for each in Told([[1.0], [2.0], [9.0]], [1.0, 0.0, 5.0]).iterations(ROOT)] == [1, 2]


@pytest.mark.parametrize(("point", "residual"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
def test_what_is_not_finite_is_an_error_whatever_the_plugin_does(point, residual):
    with pytest.raises(NumericalError, match="not finite, in iteration 2"):
        Told([[1.0], [point]], [1.0, residual]).solve(ROOT)


def test_a_point_of_another_shape_and_an_iteration_without_a_residual_are_the_plugins_fault():
    with pytest.raises(PluginError, match=r"points, shape \(1,\); it yielded an array of float64, shape \(2,\)"):
        Told([[1.0, 2.0]], [1.0]).solve(ROOT)

    class Silent(Told):
        def iterate(self, question):
            yield Iteration(np.zeros(1), {})

    with pytest.raises(PluginError, match="residual"):
        Silent().solve(ROOT)
    with pytest.raises(PluginError, match="at least one iteration"):
        Told().solve(ROOT)


def test_least_squares_go_to_a_minimiser_as_half_the_sum_and_calls_are_counted_together():
    seen = []

    class Minimiser(Told):
        solves: ClassVar = {Minimum: ()}

        def iterate(self, question):
            seen.append((type(question), question.value(np.array([3.0]))))
            yield Iteration(np.array([3.0]), {"residual": 1.0})

    last = Minimiser().solve(LeastSquares(lambda x: np.stack([x[0], 1.0 - x[0]]), [0.0]))
    assert seen == [(Minimum, 6.5)]
    assert last.metrics["function_evaluations"] == 1.0


def test_a_question_is_asked_again_from_a_count_of_zero():
    question = Equations(lambda x: x * x - 2.0, 1.0)
    counts = [gradmix.solver("newton").solve(question).metrics["function_evaluations"] for _ in range(2)]
    assert counts[0] == counts[1] > 0
    assert question.counts.functions == 0


def test_a_function_of_a_number_is_given_numbers():
    import math

    shapes = set()

    def f(x):
        shapes.add(np.shape(x))
        return x * math.pi - 1.0

    assert gradmix.solver("newton").solve(Equations(f, 1.0)).estimate.shape == (1,)
    decay = InitialValue(lambda t, y: -y if np.shape(y) == () else 1 / 0, 1.0, np.exp(-1.0), end=1.0)
    assert gradmix.solver("scipy_ode").solve(decay).metrics["error"] < 1e-5
    assert shapes == {()}
