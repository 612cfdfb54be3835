"""The problem ``lecture``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass
class Lecture(Problem):
    """f(x₁, x₂) = x₁x₂ + sin x₁, the lecture's example of the chain rule.

    Parameters
    ----------
    x
        The point (x₁, x₂).

    Examples
    --------
    >>> Lecture(x=(0.0, 2.0)).exact()
    array([3., 0.])
    """

    x: tuple[float, float] = (1.0, 2.0)
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return x₁x₂ + sin x₁."""
        return x[0] * x[1] + np.sin(x[0])

    def point(self) -> Array:
        """Return the point."""
        return np.array(self.x, dtype=float)

    def exact(self) -> Array:
        """Return (x₂ + cos x₁, x₁)."""
        return np.array([math.fsum([self.x[1], math.cos(self.x[0])]), self.x[0]])
