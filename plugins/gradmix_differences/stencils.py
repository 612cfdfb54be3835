"""Stencils: the weights that combine values of a function into one of its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import ceil

from gradmix import DifferentiationError


@dataclass(frozen=True)
class Stencil:
    """A difference quotient: the sum of weights[i] · g(offsets[i] · h), divided by h to the power `derivative`.

    Parameters
    ----------
    offsets
        Where values are taken, in units of the step.
    weights
        The factor of each value.
    derivative
        Which derivative it approximates.
    order
        The error falls with the step to this power.
    power
        Difference between successive powers of h in the error: 2 if the stencil is symmetric, else 1.
    """

    offsets: tuple[int, ...]
    weights: tuple[float, ...]
    derivative: int
    order: int
    power: int

    @cached_property
    def amplification(self) -> float:
        """Return Σ |weights|, the factor by which errors of the values grow before division by a power of the step."""
        return sum(map(abs, self.weights))


@cache
def stencil(method: str, derivative: int, order: int) -> Stencil:
    """Return the stencil with the fewest equidistant values.

    Parameters
    ----------
    method
        ``central``, ``forward`` or ``backward``.
    derivative
        Which derivative.
    order
        Order of accuracy; even for central ones, which gain two at a time.

    Raises
    ------
    DifferentiationError
        If a central stencil of an odd order is requested.

    Examples
    --------
    >>> stencil("central", 2, 2).weights
    (1.0, -2.0, 1.0)
    >>> stencil("forward", 1, 2).weights
    (-1.5, 2.0, -0.5)
    """
    if method == "central":
        if order % 2:
            raise DifferentiationError(
                f"central differences have an even order of accuracy; given: {order}. "
                f"Choose differentiator.order={order + 1}, or method=forward."
            )
        reach = ceil(derivative / 2) + order // 2 - 1
        offsets, power = tuple(range(-reach, reach + 1)), 2
    else:
        reach, power = derivative + order - 1, 1
        offsets = tuple(range(reach + 1)) if method == "forward" else tuple(range(-reach, 1))
    weights = dict(zip(offsets, fornberg(offsets, derivative), strict=True))
    used = tuple(offset for offset in offsets if weights[offset])
    return Stencil(used, tuple(float(weights[offset]) for offset in used), derivative, order, power)


def fornberg(nodes: Sequence[int], derivative: int) -> list[Fraction]:
    """Return the weights of values at nodes for the derivative at 0 of the interpolating polynomial, as fractions.

    Source: B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988)
    699-706.

    Examples
    --------
    >>> [str(weight) for weight in fornberg([-2, -1, 0, 1, 2], 1)]
    ['1/12', '-2/3', '0', '2/3', '-1/12']
    """
    delta = [[Fraction(0)] * (derivative + 1) for _ in nodes]
    delta[0][0], c1 = Fraction(1), Fraction(1)
    for n in range(1, len(nodes)):
        c2, last = Fraction(1), list(delta[n - 1])
        for j in range(n):
            c3 = Fraction(nodes[n] - nodes[j])
            c2 *= c3
            for k in range(derivative, -1, -1):
                delta[j][k] = (nodes[n] * delta[j][k] - (k * delta[j][k - 1] if k else 0)) / c3
        for k in range(derivative, -1, -1):
            delta[n][k] = c1 / c2 * ((k * last[k - 1] if k else 0) - nodes[n - 1] * last[k])
        c1 = c2
    return [row[derivative] for row in delta]
