"""The problem ``diffusion``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from gradmix import Bounds, LeastSquares, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 60


@dataclass
class Diffusion(Problem):
    """An inverse problem: the misfit between the solution of −(κ u′)′ = 1 and measurements, by the logarithms of κ.

    The interval [0, 1] has n cells, in each of which κ = eᵖ is constant, and u is 0 at both ends. Central differences
    give a linear system, and the misfit is half the mean square of u − d over the nodes between the cells. The
    measurements d = x (1 − x) / 2 are the solution for κ = 1.

    Parameters
    ----------
    n
        Number of cells; each has its own p.

    Notes
    -----
    The exact gradient is computed by the adjoint equation. Source: Vogel, *Computational Methods for Inverse Problems*
    (SIAM 2002), chapter 6.

    Examples
    --------
    >>> float(Diffusion(n=4).function(np.zeros(4)).round(30))
    0.0
    """

    n: Annotated[int, Bounds(ge=2)] = 16
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return half the mean square of the misfits."""
        return 0.5 * np.mean(self.misfits(x) ** 2)

    def misfits(self, x: Any) -> Any:
        """Return the solution minus the measurements at the nodes, shape (n − 1,)."""
        nodes = np.arange(1.0, self.n) / self.n
        flux = np.exp(x) * float(self.n**2)
        system = np.diag(flux[:-1] + flux[1:]) - np.diag(flux[1:-1], 1) - np.diag(flux[1:-1], -1)
        solution = np.linalg.solve(system, np.ones(self.n - 1))
        return solution - 0.5 * nodes * (1.0 - nodes)

    def point(self) -> Array:
        """Return the logarithms of κ: a wave around 0."""
        wave: Array = np.sin(np.arange(1.0, self.n + 1))
        return wave

    def exact(self) -> Array:
        """Return −λᵀ (∂A/∂pⱼ) u with A u = 1 and A λ = (u − d) / (n − 1), computed with 60 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            flux = [Decimal(each).exp() * self.n**2 for each in self.point().tolist()]
            u = _solved(flux, [Decimal(1)] * (self.n - 1))
            nodes = [Decimal(i) / self.n for i in range(1, self.n)]
            misfits = [(value - x * (1 - x) / 2) / (self.n - 1) for value, x in zip(u, nodes, strict=True)]
            slopes = zip(flux, _differences(u), _differences(_solved(flux, misfits)), strict=True)
            return np.array([float(-each * of_u * of_adjoint) for each, of_u, of_adjoint in slopes])

    def question(self) -> LeastSquares:
        """Return the question: the fit, from the point.

        There are fewer nodes than cells, so a whole curve of coefficients fits.
        """
        return LeastSquares(lambda x: self.misfits(x) / (self.n - 1) ** 0.5, self.point())


def _differences(values: list[Decimal]) -> list[Decimal]:
    """Return the differences between neighbouring nodes, where the values at both ends are zero."""
    padded = [Decimal(0), *values, Decimal(0)]
    return [right - left for left, right in pairwise(padded)]


def _solved(flux: list[Decimal], right: list[Decimal]) -> list[Decimal]:
    """Solve the symmetric tridiagonal system by Thomas's algorithm."""
    diagonal = [left + right for left, right in pairwise(flux)]
    values = [*right]
    for i in range(1, len(values)):
        factor = flux[i] / diagonal[i - 1]
        diagonal[i] -= factor * flux[i]
        values[i] += factor * values[i - 1]
    values[-1] /= diagonal[-1]
    for i in range(len(values) - 2, -1, -1):
        values[i] = (values[i] + flux[i + 1] * values[i + 1]) / diagonal[i]
    return values
