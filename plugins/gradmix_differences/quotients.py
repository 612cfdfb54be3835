"""Difference quotients for a step: along lines, and mixed ones for a second derivative by two directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradmix.arrays import Array, IntArray
from gradmix_differences.samples import Samples
from gradmix_differences.stencils import Stencil

Flags = NDArray[np.bool_]

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Level:
    """Difference quotients with one step, shape (p, m) each.

    Parameters
    ----------
    quotient
        The quotients.
    rounding
        Bounds of their rounding error, from the values, which are exact to EPS at best, and from the argument.
    variation
        Largest change of a value from the value at the point, divided by the power of the step.
    """

    quotient: Array
    rounding: Array
    variation: Array


class Line:
    """Difference quotients by a stencil along each of several lines.

    Parameters
    ----------
    samples
        Values along the lines.
    stencil
        The weights that combine them.
    """

    def __init__(self, samples: Samples, stencil: Stencil) -> None:
        self.samples, self.stencil = samples, stencil
        self.shape = samples.at_point.shape

    @property
    def center(self) -> Array:
        """Return the values at the point."""
        return self.samples.at_point

    @property
    def calls(self) -> IntArray:
        """Return how often the function was evaluated for each line."""
        return self.samples.calls

    def cost(self, levels: int) -> int:
        """Return the largest number of evaluations for a number of steps, each half of the one before."""
        return levels * sum(offset != 0 for offset in self.stencil.offsets)

    def level(self, h: float, rows: IntArray) -> Level:
        """Return quotients along some of the lines with the step h."""
        stencil, center = self.stencil, self.samples.at_point[rows]
        values = [self.samples.at(offset * h, rows) for offset in stencil.offsets]
        with np.errstate(all="ignore"):
            power = np.power(h, stencil.derivative)
            quotient = np.sum([weight * each for weight, each in zip(stencil.weights, values, strict=True)], axis=0)
            change = np.max([np.abs(value - center) for value in values], axis=0)
            size = np.max([np.abs(value) for value in values], axis=0)
            error = EPS * (size + self.samples.blur[rows] * change / h)
            return Level(quotient / power, stencil.amplification * error / power, change / power)


class Mixed:
    """Second derivatives by two directions u and w: half of (along u + w, minus along u, minus along w).

    Parameters
    ----------
    lines
        Quotients of second derivatives along the single directions.
    sums
        The same along the sums of pairs of them.
    pairs
        Which two lines belong to each sum, shape (p, 2).
    """

    def __init__(self, lines: Line, sums: Line, pairs: IntArray) -> None:
        self.lines, self.sums, self.pairs = lines, sums, pairs
        self.shape = sums.shape
        self.stencil = sums.stencil

    @property
    def center(self) -> Array:
        """See `Line.center`."""
        return self.sums.center

    @property
    def calls(self) -> IntArray:
        """Return the largest number of evaluations for each pair: along the sum, and along both of its directions."""
        return 3 * self.sums.calls

    def cost(self, levels: int) -> int:
        """See `Line.cost`."""
        return 3 * self.sums.cost(levels)

    def level(self, h: float, rows: IntArray) -> Level:
        """Return mixed quotients of some of the pairs with the step h."""
        both = self.sums.level(h, rows)
        first, second = (self.lines.level(h, self.pairs[rows, i]) for i in (0, 1))
        return Level(
            (both.quotient - (first.quotient + second.quotient)) / 2,
            (both.rounding + first.rounding + second.rounding) / 2,
            np.maximum(both.variation, np.maximum(first.variation, second.variation)),
        )
