"""Ladders: the steps that several lines have been differenced with, and what extrapolation makes of them."""

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
"""How many times EPS of the largest value the error of any value may be, if they are computed together."""
_STEEPER = 4.0
"""By how many times steeper a function is over a smaller step, if the larger one is too coarse for it."""


@cache
def step_of(exponent: int) -> float:
    """The step of about 2**-exponent / 7: of 20 bits, so that x + step is exact for most x, and each a bit irregular.

    With steps 1/8, 1/16, … sin(2¹⁰ π x) looks constant; if each is half of the one before, every function of a high
    frequency looks as smooth as the one of a low frequency that has the same values there.
    """
    irregular = _FIRST * (1 + 0.2 * ((exponent * _GOLDEN) % 1))
    return float(np.ldexp(np.round(np.ldexp(irregular, 20)), -20 - exponent))


@dataclass(frozen=True)
class Ladder:
    """Difference quotients of several lines with several steps, largest first.

    Parameters
    ----------
    exponents
        Of the steps, ascending; see `step_of`.
    quotients, roundings, variations
        See `Level`; shape (L, p, m) each.
    """

    exponents: tuple[int, ...]
    quotients: Array
    roundings: Array
    variations: Array

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Ladder:
        """A ladder of no steps for p lines with m values each."""
        return cls((), *(np.empty((0, *shape)) for _ in range(3)))

    def with_level(self, exponent: int, level: Level) -> Ladder:
        """The ladder with one step more."""
        place = int(np.searchsorted(self.exponents, exponent))
        return Ladder(
            (*self.exponents[:place], exponent, *self.exponents[place:]),
            np.insert(self.quotients, place, level.quotient, axis=0),
            np.insert(self.roundings, place, level.rounding, axis=0),
            np.insert(self.variations, place, level.variation, axis=0),
        )

    def of(self, lines: IntArray) -> Ladder:
        """The ladder of some of the lines."""
        return Ladder(self.exponents, self.quotients[:, lines], self.roundings[:, lines], self.variations[:, lines])

    @cached_property
    def steps(self) -> Array:
        """The steps, shape (L,)."""
        return np.array([step_of(exponent) for exponent in self.exponents])

    @cached_property
    def is_flat(self) -> Flags:
        """Whether the function has changed nowhere yet, shape (p, m)."""
        return np.asarray(np.all(self.variations == 0, axis=0))

    def blur(self, stencil: Stencil, center: Array) -> Array:
        """Error of values that have changed no more than rounding of the largest among them may have, shape (L, p, m).

        A function that computes all entries together, such as a Fourier transform, rounds a small one as a large one.
        It is 0 for entries that have changed more than that with any step.

        Parameters
        ----------
        stencil
            What the quotients are made by.
        center
            Values at the point, shape (p, m).
        """
        with np.errstate(invalid="ignore", over="ignore"):
            changes = self.variations * self.steps[:, None, None] ** stencil.derivative
            largest = np.max(np.abs(center) + changes, axis=2, keepdims=True, initial=0.0)
            within = _BLUR * EPS * largest
            return np.where(np.all(changes <= within, axis=0) & np.isfinite(within), within, 0.0)

    def best(self, stencil: Stencil, columns: int | None, noise: Array | float = 0.0) -> Extrapolated:
        """What extrapolation makes of the steps that show the function as smooth as it is.

        Parameters
        ----------
        stencil
            What the quotients are made by.
        columns
            How often to extrapolate at most; None for as often as helps.
        noise
            Errors of the function's values, where they are larger than rounding, shape (p, m) or (L, p, m).
        """
        powers = self.steps[:, None, None] ** stencil.derivative
        roundings = np.maximum(self.roundings, stencil.amplification * noise / powers)
        scale = powers / self.steps[:, None, None]
        quotients = np.where(_resolved(self.variations * scale, roundings * scale), self.quotients, np.nan)
        return extrapolate(self.steps, quotients, roundings, stencil.power, columns)


def _resolved(slopes: Array, roundings: Array) -> Flags:
    """Which steps show the function as smooth as it is: its slopes over smaller steps are not much steeper.

    Parameters
    ----------
    slopes
        Largest changes of the function over the steps, largest step first, divided by the steps.
    roundings
        How far rounding can move these.
    """
    with np.errstate(invalid="ignore"):
        sure = np.nan_to_num(slopes - roundings, nan=0.0, posinf=0.0, neginf=0.0)
        steepest = np.maximum.accumulate(sure[::-1], axis=0)[::-1]
        return np.asarray(~(steepest > _STEEPER * slopes))
