"""Richardson extrapolation: difference quotients with several steps, continued to step zero, with their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradmix.arrays import Array

_GAIN = 1000
"""Largest factor by which one extrapolation reduces an error: two entries that agree more closely do so by chance."""

_FAR = 32
"""Smallest ratio of two steps at different scales; there is no extrapolation from one scale to another."""
_DIFFERENT = 0.45
"""Relative difference of two quotients from which on the error of the larger step is not yet a power of the step."""


@dataclass(frozen=True)
class Extrapolated:
    """The best entry of Neville's table, chosen for each quantity separately.

    Parameters
    ----------
    value
        The derivative.
    truncation
        Distance from the entry below, an estimate of that entry's error; the error of `value` is usually far smaller.
    rounding
        Bound of the error that the errors of the function's values cause.
    finest
        Index of the smallest step used; the largest step has index 0.
    coarsest
        Index of the largest step used.
    """

    value: Array
    truncation: Array
    rounding: Array
    finest: Array
    coarsest: Array

    @property
    def error(self) -> Array:
        """Return the estimated error, truncation plus rounding; infinite where no entry was finite."""
        return self.truncation + self.rounding


def extrapolate(steps: Array, quotients: Array, roundings: Array, power: int, columns: int | None) -> Extrapolated:
    """Extrapolate difference quotients to step zero by polynomials in step**power, and return the most certain entry.

    Parameters
    ----------
    steps
        Steps, largest first, shape (L,).
    quotients
        Difference quotients by step, shape (L, …).
    roundings
        Bounds of the rounding error of each quotient, of the same shape.
    power
        Difference between successive powers of the step in the error.
    columns
        Largest number of extrapolations; None for as many as the steps allow.

    Notes
    -----
    Source: L. F. Richardson, Phil. Trans. R. Soc. A 210 (1911) 307-357; C. J. F. Ridders, Adv. Eng. Software 4 (1982)
    75-76, for the choice among the entries.

    Examples
    --------
    >>> steps = np.array([0.2, 0.1])
    >>> best = extrapolate(steps, 3 + steps**2, 1e-16 / steps, power=2, columns=None)  # x³ at 1
    >>> float(best.value.round(12))
    3.0
    """
    best = _nothing(quotients.shape[1:])
    for entry in _entries(steps, quotients, roundings, power, columns):
        with np.errstate(invalid="ignore"):
            is_better = entry.error < best.error
        best = Extrapolated(
            *(
                np.where(is_better, new, old)
                for new, old in (
                    (entry.value, best.value),
                    (entry.truncation, best.truncation),
                    (entry.rounding, best.rounding),
                    (entry.finest, best.finest),
                    (entry.coarsest, best.coarsest),
                )
            )
        )
    return best


def _nothing(shape: tuple[int, ...]) -> Extrapolated:
    nan, inf, none = np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, -1)
    return Extrapolated(nan, inf, np.zeros(shape), none, none)


def _entries(
    steps: Array, quotients: Array, roundings: Array, power: int, columns: int | None
) -> Iterator[Extrapolated]:
    """Yield Neville's table by columns; if columns are limited, one more serves to judge the last."""
    table, bounds = list(quotients), list(roundings)
    errors = [np.full(quotients.shape[1:], np.inf) for _ in steps]
    for column in range(1, len(steps)):
        is_surplus = columns is not None and column > columns
        for i in range(len(steps) - column):
            fine, coarse = table[i + 1], table[i]
            with np.errstate(invalid="ignore", over="ignore"):
                ratio = (steps[i] / steps[i + column]) ** power
                difference = np.abs(fine - coarse)
                error = np.maximum(difference / (ratio - 1), errors[i + 1] / _GAIN if column > 1 else 0.0)
                alike = _DIFFERENT * np.maximum(np.abs(fine), np.abs(coarse)) if column == 1 else errors[i] / 2
                is_in_line = difference <= alike + bounds[i] + bounds[i + 1]
                error = np.where(is_in_line, error, np.maximum(difference, errors[i + 1] if column > 1 else 0.0))
                value = fine + (fine - coarse) / (ratio - 1)
                value = value if column > 1 or steps[i] < _FAR * steps[i + 1] else np.full_like(value, np.nan)
                bound = (ratio * bounds[i + 1] + bounds[i]) / (ratio - 1)
            last = np.asarray(i + column)
            if is_surplus:
                yield Extrapolated(fine, 2 * error, bounds[i + 1], last, np.asarray(i + 1))
            else:
                yield Extrapolated(value, error, bound, last, np.asarray(i))
            table[i], bounds[i], errors[i] = value, bound, error
        if is_surplus:
            return
