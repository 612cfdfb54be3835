"""The problem ``speelpenning``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import DataError, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 50


@dataclass
class Speelpenning(Problem):
    """f(x) = x₁ x₂ … xₙ, factor by factor: its gradient costs about n products in reverse mode, and n² if written out.

    Parameters
    ----------
    n
        Number of factors.
    x
        The point; null takes xᵢ = i / (i + 1).

    Notes
    -----
    Source: Speelpenning, *Compiling Fast Partial Derivatives of Functions Given by Algorithms* (1980); the point is
    from Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 3.3.

    Examples
    --------
    >>> Speelpenning(n=3, x=(2.0, 3.0, 5.0)).exact()
    array([15., 10.,  6.])
    """

    n: PositiveInt = 10
    x: tuple[float, ...] | None = None
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return the product."""
        product = x[0]
        for factor in x[1:]:
            product = product * factor
        return product

    def point(self) -> Array:
        """Return the point."""
        if self.x is None:
            return np.arange(1.0, self.n + 1) / np.arange(2.0, self.n + 2)
        if len(self.x) != self.n:
            raise DataError(f"problem.x must have problem.n={self.n} entries; it has {len(self.x)}.")
        return np.array(self.x, dtype=float)

    def exact(self) -> Array:
        """Return the gradient: for each factor the product of all others, computed with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            factors = [Decimal(each) for each in self.point().tolist()]
            before = accumulate(factors[:-1], mul, initial=Decimal(1))
            behind = [*accumulate(factors[:0:-1], mul, initial=Decimal(1))][::-1]
            return np.array([float(left * right) for left, right in zip(before, behind, strict=True)])
