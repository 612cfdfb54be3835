"""Residuals and their Jacobian: the code that Gauss-Newton and Levenberg-Marquardt share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradmix import Differentiator, Equations, Iteration, LeastSquares
from gradmix.arrays import Array
from gradmix_solvers.stationary import EPS, is_minimum, size_of, vanishes

_ORTHOGONAL = 1e-7
"""Largest cosine between residuals and a column of the Jacobian at a minimum; it is 0 without rounding."""

Residuals = Equations | LeastSquares
"""The questions that both solve; equations are residuals whose solution is zero."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A point with its residuals and their Jacobian.

    Parameters
    ----------
    x
        The point, shape (n,).
    r
        The residuals, shape (m,).
    J
        Their Jacobian, shape (m, n).
    """

    x: Array
    r: Array
    J: Array

    @property
    def gradient(self) -> Array:
        """Gradient of half the sum of squares, shape (n,)."""
        return np.asarray(self.J.T @ self.r)

    @property
    def objective(self) -> float:
        """Half the sum of squares."""
        return 0.5 * float(self.r @ self.r)

    @property
    def step(self) -> Array:
        """The Gauss-Newton step: the shortest one to the minimum of the linear model."""
        return np.asarray(np.linalg.lstsq(self.J, -self.r, rcond=None)[0])

    def has_converged(
        self, question: Residuals, start: Array, tol: float, differentiator: Differentiator, is_lowest: bool = False
    ) -> bool:
        """Check whether the point solves the question: equations vanish, or the next step is negligible at a minimum.

        If no lower point was found (`is_lowest`), a step is also negligible if its predicted decrease is below
        rounding, or if the residuals are orthogonal to the columns of the Jacobian.
        """
        size = size_of(self.x, start)
        if isinstance(question, Equations):
            return vanishes(self.r, self.J, size, tol)
        step = self.step
        promised = 0.5 * float(np.sum((self.J @ step) ** 2))
        is_small = float(np.max(np.abs(step))) <= tol * size
        if not (is_small or (is_lowest and (promised <= 4.0 * EPS * self.objective or self._is_orthogonal()))):
            return False
        return is_minimum(question.as_minimum(), self.x, differentiator, size, tol)

    def _is_orthogonal(self) -> bool:
        lengths = np.linalg.norm(self.J, axis=0) * float(np.linalg.norm(self.r))
        return bool((np.abs(self.gradient) <= _ORTHOGONAL * lengths).all())

    def iteration(self, question: Residuals, converged: bool) -> Iteration[Array]:
        """Return the iteration that a solver yields."""
        if isinstance(question, Equations):
            return Iteration(self.x, {"residual": float(np.max(np.abs(self.r)))}, converged)
        residual = float(np.max(np.abs(self.gradient)))
        return Iteration(self.x, {"objective": self.objective, "residual": residual}, converged)


def fit_at(question: Residuals, x: Array, r: Array, differentiator: Differentiator) -> Fit:
    """Return the fit at a point where the residuals are known."""
    return Fit(x, r, question.jacobian(x, differentiator))
