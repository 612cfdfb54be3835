"""The search for steps that fit the function: coarser ones against rounding, finer ones against truncation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_differences.extrapolation import Extrapolated
from gradmix_differences.ladder import Ladder, step_of
from gradmix_differences.prospects import FIRST_STEPS, Prospects
from gradmix_differences.quotients import Flags, Line, Mixed
from gradmix_differences.status import Status

_ROUNDING = 4
"""Factor by which an error may exceed the rounding error, for each derivative, and still count as rounding."""
_UNSURE, _MUCH = 2.0**-30, 1e-3
"""A function may be noise if it seems smooth only with steps below the first, with relative errors above the second."""


@dataclass(frozen=True)
class Limits:
    """When a search ends.

    Parameters
    ----------
    tolerance
        Relative error that is good enough.
    evaluations
        Largest number of evaluations for one direction.
    columns
        Largest number of extrapolations; None for as many as help.
    """

    tolerance: float
    evaluations: int
    columns: int | None = None


@dataclass
class Found:
    """Derivatives with estimated absolute errors and what limits each (numbers of `Status`), shape (p, m) each.

    `finest` is the smallest step that a derivative uses. `blur` is the error of the function's values where it comes
    from larger values computed with them, else 0.
    """

    value: Array
    error: Array
    status: IntArray
    finest: Array
    blur: Array

    @classmethod
    def nothing(cls, shape: tuple[int, int]) -> Found:
        """Return empty results, before any search."""
        nan, inf = np.full(shape, np.nan), np.full(shape, np.inf)
        return cls(nan, inf, np.full(shape, Status.NOT_FINITE, dtype=int), nan.copy(), np.zeros(shape))

    def put(self, where: IntArray | Flags, part: Found) -> None:
        """Copy some lines from other results."""
        self.value[where], self.error[where] = part.value, part.error
        self.status[where], self.finest[where], self.blur[where] = part.status, part.finest, part.blur

    def of(self, lines: IntArray | Flags) -> Found:
        """Return the results of some of the lines."""
        return Found(self.value[lines], self.error[lines], self.status[lines], self.finest[lines], self.blur[lines])


class Search:
    """A search for the steps with the most certain difference quotients, for many lines at once.

    Parameters
    ----------
    quotients
        Computes the quotients for a step.
    unit
        Exponent of the step of size 1 for each line: the other plausible size of a variable near 0, shape (p,).
    limits
        When the search ends.
    start
        Exponent of the first step of each line, shape (p,).
    """

    def __init__(self, quotients: Line | Mixed, unit: IntArray, limits: Limits, start: IntArray) -> None:
        self.quotients, self.unit, self.limits, self.start = quotients, unit, limits, start
        self.found = Found.nothing(quotients.shape)
        self._ladders: dict[int, Ladder] = {}
        for exponent in map(int, np.unique(start)):
            self._search(np.flatnonzero(start == exponent), exponent)

    def restart(self, row: int, start: int) -> None:
        """Search again for one line, from another first step."""
        self._search(np.array([row]), start)

    def reconsider(self, row: int, noise: Array) -> tuple[Array, Array]:
        """Return value and error of a line, given that the function's values have errors as large as `noise`."""
        best = self._best(self._ladders[row], noise)
        return best.value[0], best.error[0]

    def coarsest(self) -> IntArray:
        """Return the exponent of the largest step that showed each line as smooth as it is, shape (p,)."""
        found = self.start.copy()
        for row, ladder in self._ladders.items():
            used = self._best(ladder).coarsest[0]
            found[row] = max([ladder.exponents[0], *(ladder.exponents[place] for place in used[used >= 0])])
        return found

    def _search(self, rows: IntArray, start: int) -> None:
        """Search; lines that need the same steps are searched together."""
        left = self.limits.evaluations - int(np.max(self.quotients.calls[rows]))
        count = max([k for k in range(1, FIRST_STEPS + 1) if self.quotients.cost(k) <= left], default=1)
        queue = [(rows, Ladder.empty((len(rows), self.quotients.shape[1])), tuple(range(start, start + count)))]
        while queue:
            rows, ladder, exponents = queue.pop()
            for exponent in exponents:
                ladder = ladder.with_level(exponent, self.quotients.level(step_of(exponent), rows))
            for more, members in self._continued(rows, ladder).items():
                queue.append((rows[members], ladder.of(np.array(members)), more))

    def _continued(self, rows: IntArray, ladder: Ladder) -> dict[tuple[int, ...], list[int]]:
        """Note the results so far, and return the further steps to try, each for some of the lines."""
        best = self._best(ladder)
        magnitude = self._magnitude(rows, ladder, best)
        with np.errstate(invalid="ignore"):
            is_fine = best.error <= self.limits.tolerance * np.abs(best.value)
            is_small = (best.error <= self.limits.tolerance * magnitude) & (best.truncation <= best.rounding)
            is_done = np.isfinite(best.error) & (is_fine | is_small)
        is_open = ~is_done & np.isfinite(self.quotients.center[rows])
        tolerance, derivative = self.limits.tolerance, self.quotients.stencil.derivative
        prospects = Prospects(ladder, best, magnitude, is_open, self.unit[rows], tolerance, derivative)
        wanted: dict[tuple[int, ...], list[int]] = {}
        is_exhausted = np.zeros((len(rows), 1), dtype=bool)
        for i in map(int, np.flatnonzero(np.any(is_open, axis=1))):
            steps = prospects.next_steps(i)
            if steps and self.quotients.calls[rows[i]] + self.quotients.cost(len(steps)) > self.limits.evaluations:
                is_exhausted[i] = True
            elif steps:
                wanted.setdefault(steps, []).append(i)
        self._note(rows, ladder, best, magnitude, is_exhausted)
        return wanted

    def _best(self, ladder: Ladder, noise: Array | float = 0.0) -> Extrapolated:
        return ladder.best(self.quotients.stencil, self.limits.columns, noise)

    def _magnitude(self, rows: IntArray, ladder: Ladder, best: Extrapolated) -> Array:
        """Return the size to which errors are relative: the derivative, or a larger variation of the function.

        A first derivative that is nearly 0 is good enough if its error is small relative to the slopes nearby. A higher
        one is compared with these only if it cannot be told from 0 with a step as large as the variables, and 1.
        """
        size = np.abs(best.value)
        variation = np.take_along_axis(ladder.variations, np.maximum(best.coarsest, 0)[None], axis=0)[0]
        with np.errstate(invalid="ignore"):
            if self.quotients.stencil.derivative == 1:
                return np.asarray(np.fmax(size, variation))
            has_seen_all = (ladder.exponents[0] <= self.unit[rows])[:, None]
            return np.where(has_seen_all & ~(size > best.error), np.fmax(size, variation), size)

    def _note(self, rows: IntArray, ladder: Ladder, best: Extrapolated, magnitude: Array, is_exhausted: Flags) -> None:
        found = self._judged(ladder, best, magnitude, is_exhausted)
        blur = ladder.blur(self.quotients.stencil, self.quotients.center[rows])
        if np.any(blur):
            again = self._judged(ladder, self._best(ladder, blur), magnitude, is_exhausted)
            again.blur, again.status = np.max(blur, axis=0), np.full(again.status.shape, int(Status.ROUNDING))
            is_surer = (again.blur > 0) & ~(found.error <= again.error)
            found.put(is_surer, again.of(is_surer))
            largest = np.max(np.nan_to_num(np.abs(found.value)), axis=1, keepdims=True, initial=0.0)
            is_rounding = (again.blur > 0) & (found.error <= self.limits.tolerance * largest)
            found.status = np.where(is_rounding, np.minimum(found.status, Status.ROUNDING), found.status)
        is_undefined = ~(np.isfinite(found.value) & np.isfinite(self.quotients.center[rows]))
        found.value[is_undefined], found.error[is_undefined] = np.nan, np.inf
        found.status[is_undefined] = Status.NOT_FINITE
        self.found.put(rows, found)
        self._ladders.update({int(row): ladder.of(np.array([i])) for i, row in enumerate(rows)})

    def _judged(self, ladder: Ladder, best: Extrapolated, magnitude: Array, is_exhausted: Flags) -> Found:
        value, error = best.value, best.error
        for quotient in ladder.quotients:  # an unconfirmed value is better than none
            value = np.where(np.isfinite(best.value) | ~np.isfinite(quotient), value, quotient)
        finest = ladder.steps[best.finest]
        with np.errstate(invalid="ignore"):
            status = self._status(value, error, best.rounding, magnitude, is_exhausted | (len(ladder.steps) == 1))
            is_lost = (finest < _UNSURE) & (error > _MUCH * np.abs(value)) & (status == Status.ROUNDING)
        status = np.where(ladder.is_flat, Status.CONVERGED, np.where(is_lost, Status.NOISE, status))
        return Found(value, error, status, finest, np.zeros(value.shape))

    def _status(self, value: Array, error: Array, rounding: Array, magnitude: Array, is_exhausted: Flags) -> IntArray:
        tolerance, closeness = self.limits.tolerance, _ROUNDING**self.quotients.stencil.derivative
        reasons = {
            Status.ROUNDING: (error > tolerance * np.abs(value)) & (rounding * closeness >= error),
            Status.CONVERGED: error <= tolerance * magnitude,
            Status.EXHAUSTED: np.broadcast_to(is_exhausted, error.shape),
        }
        return np.select(list(reasons.values()), list(map(int, reasons)), int(Status.NOISE))
