"""The problem ``rosenbrock``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from gradmix import Bounds, DataError, Minimum, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass
class Rosenbrock(Problem):
    """f(x) = Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)², the curved valley, in any number of variables.

    Parameters
    ----------
    n
        Number of variables.
    x
        The point; null takes the usual start (−1.2, 1, −1.2, …).

    Notes
    -----
    Source: Rosenbrock, Comput. J. 3 (1960) 175-184.

    Examples
    --------
    >>> Rosenbrock(n=3, x=(1.0, 1.0, 1.0)).exact()
    array([0., 0., 0.])
    """

    n: Annotated[int, Bounds(ge=2)] = 2
    x: tuple[float, ...] | None = None
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return f(x)."""
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    def point(self) -> Array:
        """Return the point."""
        if self.x is None:
            return np.where(np.arange(self.n) % 2 == 0, -1.2, 1.0)
        if len(self.x) != self.n:
            raise DataError(f"problem.x must have problem.n={self.n} entries; it has {len(self.x)}.")
        return np.array(self.x, dtype=float)

    def exact(self) -> Array:
        """Return −400 xᵢ (xᵢ₊₁ − xᵢ²) − 2 (1 − xᵢ) + 200 (xᵢ − xᵢ₋₁²), computed with rational numbers."""
        x = [Fraction(each) for each in self.point().tolist()]
        gradient = [Fraction(0)] * len(x)
        for i in range(len(x) - 1):
            valley = x[i + 1] - x[i] ** 2
            gradient[i] += -400 * x[i] * valley - 2 * (1 - x[i])
            gradient[i + 1] += 200 * valley
        return np.array([float(each) for each in gradient])

    def question(self) -> Minimum:
        """Return the question: the minimum, from the point. It is 0, where all variables are 1.

        With four or more variables there is a local minimum, too.
        """
        return Minimum(self.function, self.point(), np.ones(self.n))
