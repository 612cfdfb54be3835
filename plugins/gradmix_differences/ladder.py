"""Ladders: the steps with which several lines have been differenced, and the extrapolation from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_differences.extrapolation import Extrapolated, extrapolate
from gradmix_differences.quotients import EPS, Flags, Level
from gradmix_differences.stencils import Stencil

_FIRST = 1 / 7
"""Step of exponent 0, relative to the size of the variables."""
_GOLDEN = (5**0.5 - 1) / 2
_BLUR = 16
"""Largest error of any value, in units of EPS times the largest value, if all values are computed together."""
_STEEPER = 4.0
"""If a function is this many times steeper over a smaller step, the larger step is too coarse for it."""


@cache
def step_of(exponent: int) -> float:
    """Return a step of about 2**-exponent / 7, irregular, and of 20 bits, so that x + step is exact for most x.

    With steps 1/8, 1/16, … sin(2¹⁰ π x) looks constant; if each step is half of the one before, a function of
    high frequency looks as smooth as one of low frequency that has the same values there.
    """
    irregular = _FIRST * (1 + 0.2 * ((exponent * _GOLDEN) % 1))
    return float(np.ldexp(np.round(np.ldexp(irregular, 20)), -20 - exponent))


@dataclass(frozen=True)
class Ladder:
    """Difference quotients of several lines with several steps, largest first.

    Parameters
    ----------
    exponents
        Exponents of the steps, ascending; see `step_of`.
    quotients, roundings, variations
        See `Level`; shape (L, p, m) each.
    """

    exponents: tuple[int, ...]
    quotients: Array
    roundings: Array
    variations: Array

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Ladder:
        """Return a ladder without steps for p lines with m values each."""
        return cls((), *(np.empty((0, *shape)) for _ in range(3)))

    def with_level(self, exponent: int, level: Level) -> Ladder:
        """Return the ladder with one more step."""
        place = int(np.searchsorted(self.exponents, exponent))
        return Ladder(
            (*self.exponents[:place], exponent, *self.exponents[place:]),
            np.insert(self.quotients, place, level.quotient, axis=0),
            np.insert(self.roundings, place, level.rounding, axis=0),
            np.insert(self.variations, place, level.variation, axis=0),
        )

    def of(self, lines: IntArray) -> Ladder:
        """Return the ladder of some of the lines."""
        return Ladder(self.exponents, self.quotients[:, lines], self.roundings[:, lines], self.variations[:, lines])

    @cached_property
    def steps(self) -> Array:
        """Return the steps, shape (L,)."""
        return np.array([step_of(exponent) for exponent in self.exponents])

    @cached_property
    def is_flat(self) -> Flags:
        """Return whether the function has not changed at any step yet, shape (p, m)."""
        return np.asarray(np.all(self.variations == 0, axis=0))

    def blur(self, stencil: Stencil, center: Array) -> Array:
        """Return the error of values whose change may be due to rounding of the largest value, shape (L, p, m).

        A function that computes all entries together, such as a Fourier transform, makes the same rounding error in
        small and in large entries. The error is 0 for entries that have changed by more with any step.

        Parameters
        ----------
        stencil
            The stencil of the quotients.
        center
            Values at the point, shape (p, m).
        """
        with np.errstate(invalid="ignore", over="ignore"):
            changes = self.variations * self.steps[:, None, None] ** stencil.derivative
            largest = np.max(np.abs(center) + changes, axis=2, keepdims=True, initial=0.0)
            within = _BLUR * EPS * largest
            return np.where(np.all(changes <= within, axis=0) & np.isfinite(within), within, 0.0)

    def best(self, stencil: Stencil, columns: int | None, noise: Array | float = 0.0) -> Extrapolated:
        """Extrapolate from the steps that are small enough to show the function as smooth as it is.

        Parameters
        ----------
        stencil
            The stencil of the quotients.
        columns
            Largest number of extrapolations; None for as many as help.
        noise
            Errors of the function's values, where they are larger than rounding, shape (p, m) or (L, p, m).
        """
        powers = self.steps[:, None, None] ** stencil.derivative
        roundings = np.maximum(self.roundings, stencil.amplification * noise / powers)
        scale = powers / self.steps[:, None, None]
        quotients = np.where(_resolved(self.variations * scale, roundings * scale), self.quotients, np.nan)
        return extrapolate(self.steps, quotients, roundings, stencil.power, columns)


def _resolved(slopes: Array, roundings: Array) -> Flags:
    """Return which steps show the function as smooth as it is: slopes over smaller steps are not much steeper.

    Parameters
    ----------
    slopes
        Largest changes of the function over the steps, largest step first, divided by the steps.
    roundings
        Bounds of the rounding error of the slopes.
    """
    with np.errstate(invalid="ignore"):
        sure = np.nan_to_num(slopes - roundings, nan=0.0, posinf=0.0, neginf=0.0)
        steepest = np.maximum.accumulate(sure[::-1], axis=0)[::-1]
        return np.asarray(~(steepest > _STEEPER * slopes))
