"""The problem ``polynomial``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gradmix import Problem


@dataclass
class Polynomial(Problem):
    """P(x) = p₀ + p₁x + … + pₙxⁿ by Horner's rule, the lecture's example for dual numbers.

    Parameters
    ----------
    coefficients
        p₀, p₁, …, pₙ.
    x
        Where to differentiate.

    Examples
    --------
    >>> Polynomial(coefficients=(1.0, 2.0, 3.0), x=2.0).exact()
    14.0
    """

    coefficients: tuple[float, ...] = (1.0, -2.0, 0.5, 3.0, -1.0)
    x: float = 0.7
    operator = "derivative"

    def function(self, x: Any) -> Any:
        """Return P(x) by Horner's rule."""
        value = 0.0 * x
        for coefficient in reversed(self.coefficients):
            value = value * x + coefficient
        return value

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return p₁ + 2p₂x + … + npₙxⁿ⁻¹, computed with rational numbers."""
        x = Fraction(self.x)
        return float(sum((i * Fraction(p) * x ** (i - 1) for i, p in enumerate(self.coefficients) if i), Fraction(0)))
