"""The problem ``broyden``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from gradmix import Bounds, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass
class Broyden(Problem):
    """Broyden's system Fᵢ(x) = (3 − 2 xᵢ) xᵢ − xᵢ₋₁ − 2 xᵢ₊₁ + 1, whose Jacobian has three diagonals.

    Parameters
    ----------
    n
        Number of equations and variables.

    Notes
    -----
    Source: Broyden, Math. Comp. 19 (1965) 577-593; the point is the usual start, all −1, but for a slope that makes the
    entries differ. A sparse Jacobian takes three sweeps, a dense one n.

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
        """The residuals."""
        padded = np.concatenate([np.zeros(1), x, np.zeros(1)])
        return (3.0 - 2.0 * x) * x - padded[:-2] - 2.0 * padded[2:] + 1.0

    def point(self) -> Array:
        """From −1 to 0."""
        return np.linspace(-1.0, 0.0, self.n)

    def exact(self) -> Array:
        """3 − 4 xᵢ on the diagonal, −1 below and −2 above it: rounded once."""
        below, above = np.full(self.n - 1, -1.0), np.full(self.n - 1, -2.0)
        return np.diag(3.0 - 4.0 * self.point()) + np.diag(below, -1) + np.diag(above, 1)
