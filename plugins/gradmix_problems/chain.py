"""The problem ``chain``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from gradmix import PositiveInt, Problem

_DIGITS = 50


@dataclass
class Chain(Problem):
    """x(1) after n Euler steps for x′ = 1 − x², as a function of x(0): a graph too deep for recursion.

    Parameters
    ----------
    n
        Number of steps, of three operations each. Peers that turn the function into a formula can handle only few.
    x
        Where to differentiate: x(0).

    Notes
    -----
    The exact derivative is the derivative of the method, not of the differential equation. Source: Griewank & Walther,
    *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 12, on the memory of long programs.

    Examples
    --------
    >>> Chain(n=1, x=0.25).exact()
    0.5
    """

    n: PositiveInt = 4
    x: float = 0.25
    operator = "derivative"

    def function(self, x: Any) -> Any:
        """Return x after the last step."""
        step = 1.0 / self.n
        for _ in range(self.n):
            x = x + step * (1.0 - x * x)
        return x

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return the product of 1 − 2 h x over all steps, computed with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            x, step, product = Decimal(self.x), Decimal(1.0 / self.n), Decimal(1)
            for _ in range(self.n):
                product *= 1 - 2 * step * x
                x += step * (1 - x * x)
            return float(product)
