"""Prospects: which steps to try next, seen from those that have been tried."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_differences.extrapolation import Extrapolated
from gradmix_differences.ladder import Ladder
from gradmix_differences.quotients import Flags

FIRST_STEPS = 3
"""With so many steps, each about half of the one before, a search begins at some scale."""
_ENOUGH = 7
"""More steps than so many at one scale are not tried without a sign that they help."""
_DOWN = 3
"""By how many halvings the step shrinks while quotients do not resemble each other."""
_UP = 6
"""By how many doublings it grows at once, at most, while rounding is all that is seen."""
_RESEMBLES = 0.05
"""Relative error from which on quotients resemble each other."""
_SMALLEST = 48
"""Exponent of the smallest step."""
_BEYOND, _BEYOND_HIGHER = 10, 3
"""By how many doublings the largest step is larger than the variables and 1, for first and for higher derivatives."""


@dataclass(frozen=True)
class Prospects:
    """What is to be gained by further steps, for several lines that have seen the same ones.

    Parameters
    ----------
    ladder
        The steps, with the quotients.
    best
        What extrapolation makes of them.
    magnitude
        What errors are compared with, shape (p, m).
    is_open
        Which derivatives are not good enough, shape (p, m).
    unit
        Exponent of the step of size 1, shape (p,).
    tolerance
        Relative error that is good enough.
    derivative
        Which derivative it is.
    """

    ladder: Ladder
    best: Extrapolated
    magnitude: Array
    is_open: Flags
    unit: IntArray
    tolerance: float
    derivative: int

    def next_steps(self, i: int) -> tuple[int, ...]:
        """Exponents of the steps to try next for a line; none if nothing is to be gained."""
        exponents, unit = self.ladder.exponents, int(self.unit[i])
        if np.all(self.ladder.is_flat[i] | ~self.is_open[i]):
            return tuple(range(unit, unit + FIRST_STEPS)) if unit < exponents[0] - FIRST_STEPS else ()
        if np.any(self._goes_down[i] & self._is_asymptotic[i]):
            return (self._next_finer(i),)
        if np.any(self._goes_down[i]) and self._far_finer <= _SMALLEST:
            return (self._far_finer,)
        largest = min(unit, 0) - (_BEYOND if self.derivative == 1 else _BEYOND_HIGHER)
        if np.any(self._goes_up[i]) and exponents[0] > largest:
            start = exponents[0] - self._doublings(i)
            return self._from(max(start, unit if unit < exponents[0] else largest))
        return self._from(unit) or self._below_the_largest()

    def _from(self, start: int) -> tuple[int, ...]:
        """Some steps from a larger one on, that have not been tried."""
        return tuple(range(start, min(start + FIRST_STEPS, self.ladder.exponents[0])))

    def _below_the_largest(self) -> tuple[int, ...]:
        """A step more at the larger one of two scales, if few have been tried there."""
        exponents = self.ladder.exponents
        count = next(k for k in range(1, len(exponents) + 1) if exponents[0] + k not in exponents)
        return (exponents[0] + count,) if count < min(len(exponents), _ENOUGH) else ()

    @cached_property
    def _relative(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = self.best.error / self.magnitude
            return np.where(np.isfinite(self.best.error) & ~np.isnan(relative), relative, np.inf)

    @cached_property
    def _is_asymptotic(self) -> Flags:
        """Whether the best value has some digits, and the smallest step agrees."""
        return (self._relative <= _RESEMBLES) & self._resembles_best(-1)

    def _resembles_best(self, place: int) -> Flags:
        """Whether the quotient with the smallest or largest step is near to the best value."""
        with np.errstate(invalid="ignore"):
            distance = np.abs(self.ladder.quotients[place] - self.best.value)
            rounding = 20 * self.best.rounding + 4 * self.ladder.roundings[place]
            return np.asarray(distance <= 5 * _RESEMBLES * self.magnitude + rounding)

    @cached_property
    def _goes_down(self) -> Flags:
        """Where truncation is what limits, and smaller steps have not been tried or shown that it is noise."""
        finest = self._finest
        has_finer = np.isin(finest + 1, self.ladder.exponents) & np.isin(finest + 2, self.ladder.exponents)
        used = np.take_along_axis(self.ladder.roundings, np.maximum(self.best.finest, 0)[None], axis=0)[0]
        with np.errstate(invalid="ignore"):
            can_gain = (self.best.finest < 0) | ~(used * 2.0**self.derivative >= self.best.error)
        is_limited = self.is_open & ~self.ladder.is_flat & (self.best.truncation > self.best.rounding)
        return np.asarray(is_limited & ~(self._is_asymptotic & has_finer) & can_gain)

    @cached_property
    def _goes_up(self) -> Flags:
        """Where the largest step is the best one."""
        is_largest = (self.best.coarsest == 0) & np.isfinite(self.best.error)
        return np.asarray(self.is_open & ~self.ladder.is_flat & is_largest & self._resembles_best(0))

    @cached_property
    def _finest(self) -> IntArray:
        """Exponents of the smallest steps that the best values use."""
        return np.asarray(np.array(self.ladder.exponents)[self.best.finest])

    @property
    def _far_finer(self) -> int:
        """Exponent of a step far smaller than one that has been tried, from the largest one on."""
        gaps = zip(self.ladder.exponents, (*self.ladder.exponents[1:], np.inf), strict=True)
        return next(exponent for exponent, finer in gaps if finer - exponent > _DOWN) + _DOWN

    def _next_finer(self, i: int) -> int:
        near = self._goes_down[i] & self._is_asymptotic[i]
        exponent = int(np.min(self._finest[i][near])) + 1
        while exponent in self.ladder.exponents:
            exponent += 1
        return exponent

    def _doublings(self, i: int) -> int:
        """By how many the step has to grow until rounding is small enough."""
        excess = min(float(np.max(self._relative[i][self._goes_up[i]])) / self.tolerance, 2.0**60)
        return int(np.clip(np.ceil(np.log2(max(excess, 1.0)) / self.derivative), 1, _UP))
