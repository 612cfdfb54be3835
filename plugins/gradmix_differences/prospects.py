"""Prospects: which steps to try next, judged by the steps already tried."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_differences.extrapolation import Extrapolated
from gradmix_differences.ladder import Ladder
from gradmix_differences.quotients import Flags

FIRST_STEPS = 3
"""Number of steps, each about half of the one before, with which a search begins at a scale."""
_ENOUGH = 7
"""Largest number of steps at one scale without a sign that more would help."""
_DOWN = 3
"""Number of halvings by which the step shrinks while quotients do not resemble each other."""
_UP = 6
"""Largest number of doublings by which the step grows at once while only rounding is seen."""
_RESEMBLES = 0.05
"""Relative difference below which quotients resemble each other."""
_SMALLEST = 48
"""Exponent of the smallest step."""
_BEYOND, _BEYOND_HIGHER = 10, 3
"""Doublings from the size of the variables, or 1, to the largest step, for first and for higher derivatives."""


@dataclass(frozen=True)
class Prospects:
    """The gain to expect from further steps, for several lines that have been tried with the same steps.

    Parameters
    ----------
    ladder
        The steps, with the quotients.
    best
        The result of extrapolation from them.
    magnitude
        The size to which errors are relative, shape (p, m).
    is_open
        Which derivatives are not good enough yet, shape (p, m).
    unit
        Exponent of the step of size 1, shape (p,).
    tolerance
        Relative error that is good enough.
    derivative
        Order of the derivative.
    """

    ladder: Ladder
    best: Extrapolated
    magnitude: Array
    is_open: Flags
    unit: IntArray
    tolerance: float
    derivative: int

    def next_steps(self, i: int) -> tuple[int, ...]:
        """Return the exponents of the steps to try next for a line; none if no further step would help."""
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
        """Return some steps, starting from a larger one, that have not been tried."""
        return tuple(range(start, min(start + FIRST_STEPS, self.ladder.exponents[0])))

    def _below_the_largest(self) -> tuple[int, ...]:
        """Return one more step at the larger of two scales if few have been tried there."""
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
        """Return whether the best value has some correct digits, and the smallest step agrees with it."""
        return (self._relative <= _RESEMBLES) & self._resembles_best(-1)

    def _resembles_best(self, place: int) -> Flags:
        """Return whether the quotient with the smallest or largest step is near the best value."""
        with np.errstate(invalid="ignore"):
            distance = np.abs(self.ladder.quotients[place] - self.best.value)
            rounding = 20 * self.best.rounding + 4 * self.ladder.roundings[place]
            return np.asarray(distance <= 5 * _RESEMBLES * self.magnitude + rounding)

    @cached_property
    def _goes_down(self) -> Flags:
        """Return where truncation is the limit, and smaller steps have not been tried or have not revealed noise."""
        finest = self._finest
        has_finer = np.isin(finest + 1, self.ladder.exponents) & np.isin(finest + 2, self.ladder.exponents)
        used = np.take_along_axis(self.ladder.roundings, np.maximum(self.best.finest, 0)[None], axis=0)[0]
        with np.errstate(invalid="ignore"):
            can_gain = (self.best.finest < 0) | ~(used * 2.0**self.derivative >= self.best.error)
        is_limited = self.is_open & ~self.ladder.is_flat & (self.best.truncation > self.best.rounding)
        return np.asarray(is_limited & ~(self._is_asymptotic & has_finer) & can_gain)

    @cached_property
    def _goes_up(self) -> Flags:
        """Return where the largest step is the best one."""
        is_largest = (self.best.coarsest == 0) & np.isfinite(self.best.error)
        return np.asarray(self.is_open & ~self.ladder.is_flat & is_largest & self._resembles_best(0))

    @cached_property
    def _finest(self) -> IntArray:
        """Return the exponents of the smallest steps that the best values use."""
        return np.asarray(np.array(self.ladder.exponents)[self.best.finest])

    @property
    def _far_finer(self) -> int:
        """Return an exponent `_DOWN` halvings after the largest step that no close step follows."""
        gaps = zip(self.ladder.exponents, (*self.ladder.exponents[1:], np.inf), strict=True)
        return next(exponent for exponent, finer in gaps if finer - exponent > _DOWN) + _DOWN

    def _next_finer(self, i: int) -> int:
        near = self._goes_down[i] & self._is_asymptotic[i]
        exponent = int(np.min(self._finest[i][near])) + 1
        while exponent in self.ladder.exponents:
            exponent += 1
        return exponent

    def _doublings(self, i: int) -> int:
        """Return by how many doublings the step must grow until rounding is small enough."""
        excess = min(float(np.max(self._relative[i][self._goes_up[i]])) / self.tolerance, 2.0**60)
        return int(np.clip(np.ceil(np.log2(max(excess, 1.0)) / self.derivative), 1, _UP))
