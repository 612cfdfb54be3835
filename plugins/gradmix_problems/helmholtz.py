"""The problem ``helmholtz``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import PositiveFloat, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 50


@dataclass
class Helmholtz(Problem):
    """The Helmholtz energy of a mixture of n gases by Peng and Robinson, as a function of the amounts: f: ℝⁿ → ℝ.

    f(x) = T Σ xᵢ log(xᵢ / (1 − bᵀx)) − xᵀAx / (√8 bᵀx) · log((1 + (1 + √2) bᵀx) / (1 + (1 − √2) bᵀx)), with
    bᵢ = 1 / (n + i), Aᵢⱼ = 1 / (i + j) and the point xᵢ = i / (n + 1), for i and j from 1 to n.

    Parameters
    ----------
    n
        Number of gases.
    temperature
        T, in units in which the gas constant is 1.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 3.3; Peng & Robinson, Ind. Eng.
    Chem. Fundam. 15 (1976) 59-64.

    Examples
    --------
    >>> Helmholtz(n=1, temperature=2.0).function(np.array([1.0])).round(12)
    np.float64(1.02434434967)
    """

    n: PositiveInt = 10
    temperature: PositiveFloat = 1.0
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return the energy."""
        i = np.arange(1.0, self.n + 1)
        volume, root = (1.0 / (self.n + i)) @ x, np.sqrt(2.0)
        ideal = self.temperature * np.sum(x * np.log(x / (1.0 - volume)))
        attraction = x @ (1.0 / (i[:, None] + i)) @ x / (2.0 * root * volume)
        return ideal - attraction * np.log((1.0 + (1.0 + root) * volume) / (1.0 + (1.0 - root) * volume))

    def point(self) -> Array:
        """Return the amounts."""
        return np.arange(1.0, self.n + 1) / (self.n + 1)

    def exact(self) -> Array:
        """Return the gradient, derived by hand and computed with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return np.array([float(each) for each in self._gradient()])

    def _gradient(self) -> list[Decimal]:
        x = [Decimal(each) for each in self.point().tolist()]
        numbers = range(1, self.n + 1)
        b = [Decimal(1) / (self.n + i) for i in numbers]
        attracted = [sum((value / (i + j) for j, value in zip(numbers, x, strict=True)), Decimal(0)) for i in numbers]
        volume, q = _dot(b, x), _dot(attracted, x)
        root, free = Decimal(2).sqrt(), 1 - volume
        above, below = 1 + (1 + root) * volume, 1 + (1 - root) * volume
        log, slope = (above / below).ln(), (1 + root) / above - (1 - root) / below
        scale = 2 * root * volume
        return [
            Decimal(self.temperature) * ((each / free).ln() + 1 + share * sum(x) / free)
            - (2 * pull / scale - q * share / (scale * volume)) * log
            - q / scale * slope * share
            for each, share, pull in zip(x, b, attracted, strict=True)
        ]


def _dot(a: list[Decimal], b: list[Decimal]) -> Decimal:
    return sum((left * right for left, right in zip(a, b, strict=True)), Decimal(0))
