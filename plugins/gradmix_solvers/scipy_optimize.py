"""The solver ``scipy_optimize``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from gradmix import (
    Differentiator,
    Equations,
    Iteration,
    KeyOf,
    LeastSquares,
    Minimum,
    PositiveFloat,
    PositiveInt,
    Question,
    Solver,
    part,
)
from gradmix.arrays import Array
from gradmix_solvers.scipy_courses import METHODS


@dataclass
class ScipyOptimize(Solver):
    """SciPy's methods for minima, equations and least squares, with derivatives of any differentiator.

    Parameters
    ----------
    method
        For minima: CG, BFGS, L-BFGS-B, Newton-CG, trust-ncg, trust-exact; for equations: hybr; for least
        squares and equations: lm, trf, dogbox.
    max_iter
        Maximum number of iterations.
    tol
        The method has converged when the residual does not exceed the effect of a relative change of the unknowns by
        this value; for minima, by its square root if SciPy finds no lower point.
    differentiator
        Differentiator for the derivatives. If it has Hessians, one is computed at the end to distinguish a minimum from
        a saddle point.

    Notes
    -----
    Convergence is decided by the tests of our own solvers, not by SciPy's report. The iterations become available when
    SciPy returns. For hybr, lm, trf and dogbox they are the evaluations that lower the residual.

    Examples
    --------
    >>> import gradmix
    >>> valley = gradmix.Minimum(lambda x: 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2, [-1.2, 1.0])
    >>> ScipyOptimize(differentiator=gradmix.differentiator("tape")).solve(valley).estimate.round(6)
    array([1., 1.])
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {
        Minimum: ("gradient",),
        Equations: ("jacobian",),
        LeastSquares: ("jacobian",),
    }

    method: Annotated[str, KeyOf("gradmix_solvers.scipy_courses:METHODS")] = "BFGS"
    max_iter: PositiveInt = 500
    tol: PositiveFloat = 1e-10
    differentiator: Differentiator = part("tape")

    def takes(self) -> Mapping[type[Question], tuple[str, ...]]:
        """Return the questions that the method solves."""
        return METHODS[self.method].takes

    def setup(self) -> None:
        """Import SciPy's solvers."""
        super().setup()
        import scipy.optimize  # noqa: F401

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Let SciPy solve the question, then yield its iterations."""
        method = METHODS[self.method]
        yield from method.course(question, self.differentiator, self.method, self.max_iter, self.tol)
