"""The problem ``broyden``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from gradmix import Bounds, Equations, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 40


@dataclass
class Broyden(Problem):
    """Broyden's system Fᵢ(x) = (3 − 2 xᵢ) xᵢ − xᵢ₋₁ − 2 xᵢ₊₁ + 1, whose Jacobian has three diagonals.

    Parameters
    ----------
    n
        Number of equations and variables.

    Notes
    -----
    The point rises linearly from −1 to 0, so that the entries differ; the usual start is all −1. A sparse Jacobian
    takes three sweeps, a dense one n. Source: Broyden, Math. Comp. 19 (1965) 577-593.

    Examples
    --------
    >>> Broyden(n=3).exact()
    array([[ 7., -2.,  0.],
           [-1.,  5., -2.],
           [ 0., -1.,  3.]])
    """

    n: Annotated[int, Bounds(ge=2)] = 10
    operator = "jacobian"

    def function(self, x: Any) -> Any:
        """Return the residuals F(x), shape (n,)."""
        padded = np.concatenate([np.zeros(1), x, np.zeros(1)])
        return (3.0 - 2.0 * x) * x - padded[:-2] - 2.0 * padded[2:] + 1.0

    def point(self) -> Array:
        """Return n equally spaced numbers from −1 to 0."""
        return np.linspace(-1.0, 0.0, self.n)

    def exact(self) -> Array:
        """Return the Jacobian: 3 − 4 xᵢ on the diagonal, −1 below it and −2 above it, rounded once."""
        below, above = np.full(self.n - 1, -1.0), np.full(self.n - 1, -2.0)
        return np.diag(3.0 - 4.0 * self.point()) + np.diag(below, -1) + np.diag(above, 1)

    def question(self) -> Equations:
        """Return the question: a root, from the usual start, all −1. The exact root has 40 decimal digits."""
        return Equations(self.function, np.full(self.n, -1.0), np.array([float(each) for each in self._root()]))

    def _root(self) -> list[Decimal]:
        """Compute the root by Newton's method; each step uses Thomas's algorithm."""
        with localcontext() as context:
            context.prec = _DIGITS
            x = [Decimal(-1)] * self.n
            for _ in range(10):
                padded = [Decimal(0), *x, Decimal(0)]
                pivot, right = [3 - 4 * each for each in x], [Decimal(0)] * self.n
                for i, each in enumerate(x):
                    right[i] = padded[i] + 2 * padded[i + 2] - 1 - (3 - 2 * each) * each
                    if i:
                        pivot[i] -= 2 / pivot[i - 1]
                        right[i] += right[i - 1] / pivot[i - 1]
                step = right[-1] / pivot[-1]
                x[-1] += step
                for i in range(self.n - 2, -1, -1):
                    step = (right[i] + 2 * step) / pivot[i]
                    x[i] += step
            return x
