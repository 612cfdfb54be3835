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
        Most iterations.
    tol
        It has converged when the residual is as small as a relative change of the unknowns by this makes it; for
        minima, by the root of this where SciPy finds no lower point.
    differentiator
        What gives the derivatives; where it has Hessians, one tells a minimum from a saddle point at the end.

    Notes
    -----
    Whether it has converged is decided here, by the tests of our own solvers, not by what SciPy says. Its iterations
    are known when SciPy returns. Those of hybr, lm, trf and dogbox are the evaluations that lower the residual.

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
        """What the method solves."""
        return METHODS[self.method].takes

    def setup(self) -> None:
        """Import SciPy's solvers."""
        super().setup()
        import scipy.optimize  # noqa: F401

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Have SciPy solve it, then yield the iterations."""
        method = METHODS[self.method]
        yield from method.course(question, self.differentiator, self.method, self.max_iter, self.tol)
