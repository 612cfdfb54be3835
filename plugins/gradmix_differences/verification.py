"""A second opinion: whether the first derivative predicts the function very near the point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_differences.quotients import EPS, Flags
from gradmix_differences.samples import Samples
from gradmix_differences.search import Search
from gradmix_differences.status import Status

COST = 8
"""Largest number of evaluations for one direction."""
_NEAR = 2.0**-26
"""The very small step, about √EPS, over which a smooth function is straight up to rounding."""
_NEAREST = 2.0**-44
"""The smallest such step, for functions that change at smaller scales: rounding leaves a few bits of it."""
_FURTHER = (1, 4, 16, 64)
"""If something is wrong, values at these multiples of the step tell jumps and kinks from noise."""
_TOLERANCE = 32
"""A value may be off by this many times the expected error."""
_SAME = 0.05
"""Relative difference up to which two numbers count as equal."""
_RESTART = 20
"""Exponent of the first step of a new search, if all larger steps missed a small scale where the function is smooth."""


class Verification:
    """Comparison of a function with its tangent a very small step from the point.

    Extrapolation sees only the steps that it uses. One more value shows whether the function has noise or small jumps,
    whether it changes at a scale that these steps miss, or has a kink at the point, where central differences
    converge to the mean of two slopes.

    Parameters
    ----------
    samples
        The function along the directions.
    side
        1 to look forward only, −1 to look backward only, 0 for both sides.
    slopes
        The search that found its first derivatives along them. It is continued if it missed a small scale.
    evaluations
        Largest number of evaluations for each direction, including the search.
    """

    def __init__(self, samples: Samples, side: int, slopes: Search, evaluations: int) -> None:
        self.samples, self.side, self.slopes, self.evaluations = samples, side, slopes, evaluations
        shape = slopes.found.value.shape
        self.noise = np.zeros(shape)
        """Errors of the function's values, where they are larger than rounding, shape (p, m)."""
        self.bend = np.zeros(shape)
        """Half the difference of the slopes on both sides; infinite at a jump, 0 where the function is smooth."""
        self.is_doubtful = np.zeros(shape, dtype=bool)
        """Whether the derivative fails to predict the function."""
        for row in range(shape[0]):
            verdict = self._verdict(row)
            if verdict is not None and np.any(verdict.is_smaller):
                slopes.restart(row, _RESTART)
                verdict = self._verdict(row)
            if verdict is not None:
                self.noise[row], self.bend[row] = verdict.noise, verdict.bend
                self.is_doubtful[row] = verdict.is_doubtful

    def correct(self, search: Search, members: IntArray | None = None) -> None:
        """Take noise, jumps and kinks into account in the results of a search for these or higher derivatives.

        Parameters
        ----------
        search
            The search.
        members
            The directions that each of its lines combines, shape (q, k); None if the lines are the directions.
        """
        found, tolerance = search.found, search.limits.tolerance
        members = np.arange(len(self.noise))[:, None] if members is None else members
        for row in np.flatnonzero(np.any(self.is_doubtful[members], axis=(1, 2))):
            noise, bend = (np.max(each[members[row]], axis=0) for each in (self.noise, self.bend))
            is_doubtful = np.any(self.is_doubtful[members[row]], axis=0) & np.isfinite(found.value[row])
            value, error = search.reconsider(int(row), noise)
            if search.quotients.stencil.derivative > 1:
                bend = np.where(bend > 0, np.inf, 0.0)
            is_noisy = is_doubtful & (bend == 0) & ~(error <= tolerance * np.abs(value))
            found.value[row] = np.where(is_noisy & np.isfinite(value), value, found.value[row])
            for which, status, uncertainty in (
                (is_noisy, Status.NOISE, error),
                (is_doubtful & (bend > 0), Status.NOT_SMOOTH, bend),
            ):
                found.error[row] = np.where(which, uncertainty, found.error[row])
                found.status[row] = np.where(which, np.maximum(found.status[row], status), found.status[row])

    def _verdict(self, row: int) -> _Verdict | None:
        """Return what is wrong along a direction; None if nothing is wrong, or no evaluation is left to find out."""
        if not self._affords(row, 1):
            return None
        found = self.slopes.found
        slope, error, finest = found.value[row], found.error[row], found.finest[row]
        sign = self.side or 1
        step = max(float(np.min(finest, initial=16 * _NEAR)) / 16, _NEAREST)
        curvature = np.zeros_like(slope)
        with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
            for h in np.unique(finest[np.isfinite(finest)]):
                distance = np.abs(self._change(row, sign * float(h)) - sign * h * slope)
                curvature = np.where(finest == h, distance / h / h, curvature)
            size = np.where(np.isfinite(error), np.abs(slope), 0.0) * self.samples.blur[row]
            rounding = _TOLERANCE * EPS * (np.abs(self.samples.at_point[row]) + size) + 2 * found.blur[row]
            expected = rounding + _TOLERANCE * (step * error + step**2 * curvature)
            distance = np.abs(self._change(row, sign * step) - sign * step * slope)
            is_doubtful = (~(distance <= expected) | (found.status[row] >= Status.NOISE)) & np.isfinite(slope)
        if not np.any(is_doubtful):
            return None
        if not self._affords(row, COST - 1):
            return _Verdict(distance, np.zeros_like(distance), is_doubtful, np.zeros_like(is_doubtful))
        return self._examine(row, step, rounding, is_doubtful)

    def _examine(self, row: int, step: float, rounding: Array, is_doubtful: Flags) -> _Verdict:
        """Find out by a few more values what is wrong."""
        found, factors = self.slopes.found, np.array(_FURTHER)[:, None]
        slope = np.where(np.isfinite(found.error[row]), found.value[row], 0.0)
        signs = (self.side,) if self.side else (1, -1)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            changes = [np.stack([self._change(row, sign * step * factor) for factor in _FURTHER]) for sign in signs]
            sides = [_Growth.of(each) for each in changes]
            distances = np.stack(
                [each - sign * step * factors * slope for each, sign in zip(changes, signs, strict=True)]
            )
            distances = np.abs(distances)  # from the tangent, shape (sides, factors, m)
            near = np.stack([each[0] for each in changes])
            largest = np.max(np.abs(near), axis=0)
            is_steep = np.any(
                [side.is_steep & (np.abs(each[0]) > rounding) for side, each in zip(sides, changes, strict=True)],
                axis=0,
            )
            is_straight = np.all([side.is_straight for side in sides], axis=0)
            is_smooth = is_straight | np.all([side.is_curved for side in sides], axis=0)
            both = np.abs(np.sum(near, axis=0)) if len(signs) > 1 else np.zeros_like(largest)
            is_kink = is_straight & (both > np.maximum(rounding, 4 * _SAME * largest))
            is_off = np.max(distances[:, 0], axis=0) > np.maximum(rounding, 4 * _SAME * largest)
        is_smaller = is_doubtful & is_smooth & ~is_kink & (largest > rounding) & is_off
        is_doubtful = is_doubtful & (is_off | ~is_smooth | is_straight)
        noise = np.nan_to_num(np.max(distances, axis=(0, 1)), nan=np.inf)
        is_flat = is_doubtful & is_straight & (largest == 0) & (noise > 0)
        if np.any(is_flat):
            noise = np.where(is_flat, np.maximum(noise, self._height_of_a_step(row, signs[0] * step)), noise)
        bend = np.select([~is_doubtful, is_steep, is_kink], [0.0, np.inf, both / step / 2], 0.0)
        return _Verdict(noise, bend, is_doubtful, is_smaller)

    def _height_of_a_step(self, row: int, t: float) -> Array:
        """Return the first change of a function that is constant around the point, at some distance from it."""
        change: Array = np.zeros_like(self.noise[row])
        while abs(t) < 1 and not np.all(change) and self._affords(row, 1):
            t *= 8
            further = np.abs(self._change(row, t))
            change = np.where(change == 0, further, change)
        return change

    def _affords(self, row: int, count: int) -> bool:
        return bool(self.samples.calls[row] + count <= self.evaluations)

    def _change(self, row: int, t: float) -> Array:
        """Return g(t) − g(0)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.samples.at(t, np.array([row]))[0] - self.samples.at_point[row])


@dataclass(frozen=True)
class _Verdict:
    """See `Verification`; `is_smaller` means that the function is smooth, but at a smaller scale than the steps."""

    noise: Array
    bend: Array
    is_doubtful: Flags
    is_smaller: Flags


@dataclass(frozen=True)
class _Growth:
    """The growth of a function's change on one side of the point, as the distance grows by a constant factor."""

    is_straight: Flags
    """It grows by that factor, or not at all."""
    is_steep: Flags
    """It grows by a smaller factor: a jump, or a vertical tangent."""
    is_curved: Flags
    """It grows by a larger factor: the slope is 0."""

    @classmethod
    def of(cls, changes: Array) -> _Growth:
        """Return the growth of changes at the distances `_FURTHER`, shape (4, m)."""
        growth = changes[1:] / changes[:-1]
        is_regular = np.all(np.abs(growth / growth[0] - 1) <= _SAME, axis=0)
        is_linear = np.abs(growth[0] / _FURTHER[1] - 1) <= _SAME
        is_slow = growth[0] < _FURTHER[1]
        return cls(
            is_straight=(is_regular & is_linear) | np.all(changes == 0, axis=0),
            is_steep=is_regular & ~is_linear & is_slow,
            is_curved=is_regular & ~is_linear & ~is_slow,
        )
