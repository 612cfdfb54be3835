"""The problem ``exponential_fit``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import LeastSquares, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 50


@dataclass
class ExponentialFit(Problem):
    """Residuals a e^(−b tᵢ) + c − yᵢ of a nonlinear least-squares fit, by a, b and c: the Jacobian of ℝ³ → ℝᵐ.

    Parameters
    ----------
    m
        Number of measurements, at tᵢ = i / m for i from 1 to m, of 2 e^(−3 tᵢ) + 1.
    x
        The point: a, b, c.

    Notes
    -----
    Source: Björck, *Numerical Methods for Least Squares Problems* (SIAM 1996), section 9.1.

    Examples
    --------
    >>> ExponentialFit(m=2, x=(1.0, 0.0, 0.0)).exact()
    array([[ 1. , -0.5,  1. ],
           [ 1. , -1. ,  1. ]])
    """

    m: PositiveInt = 20
    x: tuple[float, float, float] = (1.0, 2.0, 0.5)
    operator = "jacobian"

    def function(self, x: Any) -> Any:
        """Return the residuals, shape (m,)."""
        times = self._times()
        measured = 2.0 * np.exp(-3.0 * times) + 1.0
        return x[0] * np.exp(-x[1] * times) + x[2] - measured

    def point(self) -> Array:
        """Return the parameters."""
        return np.array(self.x, dtype=float)

    def exact(self) -> Array:
        """Return the columns e^(−b tᵢ), −a tᵢ e^(−b tᵢ) and 1, computed with 50 decimal digits."""
        a, b, _ = self.x
        with localcontext() as context:
            context.prec = _DIGITS
            rows = []
            for time in map(Decimal, self._times().tolist()):
                decay = (-Decimal(b) * time).exp()
                rows.append([float(decay), float(-Decimal(a) * time * decay), 1.0])
        return np.array(rows)

    def question(self) -> LeastSquares:
        """Return the question: the fit, from the point. It is exact for a = 2, b = 3, c = 1."""
        return LeastSquares(self.function, self.point(), np.array([2.0, 3.0, 1.0]))

    def _times(self) -> Array:
        return np.arange(1.0, self.m + 1) / self.m
