"""The problem ``cubic``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gradmix import Problem


@dataclass
class Cubic(Problem):
    """f(x) = x³, on which the lecture compares divided differences.

    Parameters
    ----------
    x
        Where to differentiate.

    Examples
    --------
    >>> Cubic(x=2.0).exact()
    12.0
    """

    x: float = 1.0
    operator = "derivative"

    def function(self, x: Any) -> Any:
        """Return x³."""
        return x**3

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return 3x², computed with rational numbers."""
        return float(3 * Fraction(self.x) ** 2)
