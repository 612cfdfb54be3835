"""The solver ``gauss_newton``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gradmix import (
    Differentiator,
    Equations,
    Iteration,
    LeastSquares,
    PositiveFloat,
    PositiveInt,
    Question,
    Solver,
    part,
)
from gradmix.arrays import Array
from gradmix_solvers.line_search import Lower, backtrack
from gradmix_solvers.residuals import fit_at


@dataclass
class GaussNewton(Solver):
    """Gauss-Newton for nonlinear least squares: each step minimises the squares of the linearised residuals.

    Parameters
    ----------
    max_iter
        Maximum number of iterations.
    tol
        Stop when the step is at most this fraction of the size of the unknowns.
    line_search
        Whether to halve a step until it lowers the sum of squares enough.
    differentiator
        Differentiator for the Jacobians.

    Notes
    -----
    If the Jacobian does not determine a unique step, the shortest one is taken. The method converges quadratically if
    the residuals vanish at the solution, slowly if they are large. Equations count as solved where they vanish, not
    where their squares have a minimum. Source: Nocedal & Wright, *Numerical Optimization* (2006), section 10.3.

    Examples
    --------
    >>> import gradmix
    >>> circle = gradmix.LeastSquares(lambda x: x * x - 2.0, [1.0])
    >>> GaussNewton(differentiator=gradmix.differentiator("tape")).solve(circle).estimate.round(9)
    array([1.41421356])
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {
        LeastSquares: ("jacobian", "gradient"),
        Equations: ("jacobian",),
    }

    max_iter: PositiveInt = 100
    tol: PositiveFloat = 1e-10
    line_search: bool = True
    differentiator: Differentiator = part("dual")

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the iterations."""
        start = question.first
        here = fit_at(question, start, question.value(start), self.differentiator)
        for _ in range(self.max_iter):
            step = here.step
            lower: Lower | None
            if self.line_search:
                lower = backtrack(question.trial, here.x, here.r, step, float(here.gradient @ step))
            else:
                lower = Lower(here.x + step, question.value(here.x + step))
            if lower is not None:
                here = fit_at(question, lower.x, lower.values, self.differentiator)
            converged = here.has_converged(question, start, self.tol, self.differentiator, is_lowest=lower is None)
            yield here.iteration(question, converged)
            if lower is None or not step.any():
                return
