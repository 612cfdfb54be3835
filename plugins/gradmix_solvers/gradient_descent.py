"""The solver ``gradient_descent``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import Differentiator, Iteration, Minimum, PositiveFloat, PositiveInt, Question, Solver, part
from gradmix.arrays import Array
from gradmix_solvers.line_search import backtrack
from gradmix_solvers.stationary import is_minimum, levels_off, size_of


@dataclass
class GradientDescent(Solver):
    """Gradient descent with a line search: the baseline for other methods.

    Parameters
    ----------
    max_iter
        Maximum number of iterations. Many are needed if the unknowns differ in scale.
    tol
        Stop when the gradient does not exceed the effect of a relative change of the unknowns by this value, or by its
        square root if no lower point is found.
    differentiator
        Differentiator for the gradients. If it has Hessians, one is computed at the end to distinguish a minimum from a
        saddle point.

    Notes
    -----
    The first trial step is twice as long as the last step; it is halved until it satisfies Armijo's condition. The
    method stops early, without having converged, at a saddle point or if no step leads down. Source: Nocedal & Wright,
    *Numerical Optimization* (2006), chapter 3.

    Examples
    --------
    >>> import gradmix
    >>> bowl = gradmix.Minimum(lambda x: (x[0] - 1.0) ** 2 + 3.0 * x[1] ** 2, [0.0, 3.0])
    >>> GradientDescent(differentiator=gradmix.differentiator("tape")).solve(bowl).estimate.round(4)
    array([1., 0.])
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {Minimum: ("gradient",)}

    max_iter: PositiveInt = 1000
    tol: PositiveFloat = 1e-10
    differentiator: Differentiator = part("tape")

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the iterations."""
        x = start = question.first
        f, g = question.value(x), question.gradient(x, self.differentiator)
        length = size_of(x, start) / (float(np.max(np.abs(g))) or 1.0)
        change, step = np.zeros_like(x), np.zeros_like(x)
        for _ in range(self.max_iter):
            lower = backtrack(question.trial, x, f, -length * g, -length * float(g @ g), longest=2.0)
            is_lowest = lower is None or lower.values >= f  # within rounding
            if lower is not None:
                step, before = lower.x - x, g
                x, f, length = lower.x, lower.values, length * lower.share
                g = question.gradient(x, self.differentiator)
                change = g - before
            size, tol = size_of(x, start), self.tol**0.5 if is_lowest else self.tol
            is_flat = levels_off(g, change, step, size, tol)
            converged = is_flat and is_minimum(question, x, self.differentiator, size, self.tol)
            yield Iteration(x, {"objective": f, "residual": float(np.max(np.abs(g)))}, converged)
            if lower is None or not g.any():
                return
