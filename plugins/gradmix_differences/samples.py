"""Samples: values of a function along lines through a point, each evaluated once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gradmix import GradmixError, VectorFunction
from gradmix.arrays import Array, IntArray


class Samples:
    """Values g(t) = f(x + t u) for several directions u, remembered.

    A value that is not finite, or an error such as ``math domain error``, means that x + t u is outside of the domain
    of f. At x itself, where t = 0, errors are raised.

    Parameters
    ----------
    f
        The function.
    x
        The point, shape (n,).
    directions
        Directions, shape (p, n); a step of 1 is as large as the variables that it moves.
    at_point
        g(0) of all directions, shape (m,) or (p, m).
    """

    def __init__(self, f: VectorFunction, x: Array, directions: Array, at_point: Array) -> None:
        self.f, self.x, self.directions = f, x, directions
        self.at_point = np.broadcast_to(at_point, (len(directions), np.shape(at_point)[-1]))
        self.calls = np.zeros(len(directions), dtype=int)
        self._known: dict[tuple[float, int], Array] = {}
        self.outside: Exception | None = None
        """The error that f raised outside of its domain."""

    @cached_property
    def blur(self) -> Array:
        """Return the error of t, in units of EPS, that is caused by the rounding of x + t u, shape (p, 1)."""
        moved = np.abs(self.directions) > np.finfo(float).eps * np.abs(self.x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            rates = np.where(moved, np.abs(self.x) / np.abs(self.directions), 0.0)
        return np.asarray(np.max(rates, axis=1, initial=0.0, keepdims=True))

    def at(self, t: float, rows: IntArray) -> Array:
        """Return g(t) along some of the directions, shape (rows, m)."""
        if t == 0:
            return np.asarray(self.at_point[rows])
        return np.stack([self._one(t, int(row)) for row in rows])

    def _one(self, t: float, row: int) -> Array:
        if (t, row) not in self._known:
            self.calls[row] += 1
            try:
                value = self.evaluate(self.x + t * self.directions[row], row)
            except (ArithmeticError, ValueError) as error:
                if isinstance(error, GradmixError):
                    raise
                self.outside, value = error, np.full(self.at_point.shape[1], np.nan)
            self._known[t, row] = value
        return self._known[t, row]

    def evaluate(self, point: Array, row: int) -> Array:
        """Return the value at a point on a direction's line."""
        return np.asarray(self.f(point))
