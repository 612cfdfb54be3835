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
        How far rounding can move them: of the values, which a function gives to EPS at best, and of its argument.
    variation
        Largest change of a value from that at the point, divided by the power of the step.
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
        How they are combined.
    """

    def __init__(self, samples: Samples, stencil: Stencil) -> None:
        self.samples, self.stencil = samples, stencil
        self.shape = samples.at_point.shape

    @property
    def center(self) -> Array:
        """Values at the point."""
        return self.samples.at_point

    @property
    def calls(self) -> IntArray:
        """How often the function was evaluated for each line."""
        return self.samples.calls

    def cost(self, levels: int) -> int:
        """Evaluations that so many steps take at most, each half of the one before."""
        return levels * sum(offset != 0 for offset in self.stencil.offsets)

    def level(self, h: float, rows: IntArray) -> Level:
        """Quotients along some of the lines with the step h."""
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
    """Second derivatives by two directions u and w: half of what those along u + w have over those along u and along w.

    Parameters
    ----------
    lines
        Quotients for second derivatives along the single directions.
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
        """How often the function was evaluated for each pair at most: along the sum, and for it alone along both."""
        return 3 * self.sums.calls

    def cost(self, levels: int) -> int:
        """See `Line.cost`."""
        return 3 * self.sums.cost(levels)

    def level(self, h: float, rows: IntArray) -> Level:
        """Mixed quotients of some of the pairs with the step h."""
        both = self.sums.level(h, rows)
        first, second = (self.lines.level(h, self.pairs[rows, i]) for i in (0, 1))
        return Level(
            (both.quotient - (first.quotient + second.quotient)) / 2,
            (both.rounding + first.rounding + second.rounding) / 2,
            np.maximum(both.variation, np.maximum(first.variation, second.variation)),
        )
