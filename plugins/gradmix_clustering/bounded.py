"""Rows and their nearest centers, compiled: a row is compared again only if bounds on its distances do not decide.

The labels are exactly those of `gradmix_clustering.nearest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from gradmix import Block, Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering import lloyd_kernels as kernels
from gradmix_clustering.blocks import Labels, each, each_changing, label_type, weights_of
from gradmix_clustering.lloyd_kernels import inertia
from gradmix_clustering.nearest import inertia_of
from gradmix_clustering.screened_centers import Centers, prepare, scale_of

_FETCH = 700
"""Cost of fetching a row out of order, in multiplications of a row's feature by a center's."""
_JUDGED = 500
"""Approximate number of rows by which the bounds are judged."""
_FRESH = 50
"""Number of iterations after which the sums are recomputed."""
_DIGITS = 2.0**45
"""Largest ratio of Σ w x² to the inertia at which the difference of sums has all its digits: each addition may
lose 2⁻¹⁰⁵ of a sum."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over rows: doubles, and the remainders that they cannot represent.

    Σ w x and Σ w of each cluster have the shape (k, d + 1); Σ w x², independent of labels, has the shape (1, d).
    """

    totals: Array
    rests: Array

    @classmethod
    def zero(cls, *shape: int) -> Sums:
        """Return the sums over no rows."""
        return cls(np.zeros(shape), np.zeros(shape))

    def __add__(self, other: Sums) -> Sums:
        totals = self.totals + other.totals
        moved = totals - self.totals
        errors = (self.totals - (totals - moved)) + (other.totals - moved)
        return Sums(totals, self.rests + other.rests + errors)

    @property
    def rounded(self) -> Array:
        """Return the sums, each rounded to a double."""
        return self.totals + self.rests


@dataclass(frozen=True, eq=False)
class RowState:
    """Label and bounds of each row, changed in place: 9 bytes per row for up to 255 centers.

    Parameters
    ----------
    labels
        Center of each row, k before the first round; shape (n,).
    uppers, lowers
        Upper bounds on the distances to this center, and lower bounds on those to any other center, in the unit of the
        screen, shapes (n,).
    """

    labels: Labels
    uppers: NDArray[np.float32]
    lowers: NDArray[np.float32]

    @classmethod
    def unknown(cls, n: int, k: int) -> RowState:
        """Return the state of n rows before the first round."""
        return cls(np.full(n, k, label_type(k)), np.empty(n, np.float32), np.empty(n, np.float32))


@dataclass(frozen=True, eq=False)
class Round:
    """Changes of a round in a block of rows; additive over blocks.

    Parameters
    ----------
    changed
        Number of rows with a new label.
    sums
        Changes of the clusters' sums; None if there are none.
    """

    changed: int
    sums: Sums | None

    def __add__(self, other: Round) -> Round:
        sums = self.sums + other.sums if self.sums and other.sums else self.sums or other.sums
        return Round(self.changed + other.changed, sums)


def _advance(
    block: Block,
    labels: Labels,
    uppers: NDArray[np.float32],
    lowers: NDArray[np.float32],
    centers: Centers,
    skip: bool,
    bounds: bool,
) -> Round:
    sums, weights = Sums.zero(len(centers.exact), block.X.shape[1] + 1), weights_of(block)
    changed = kernels.advance(block.X, weights, centers, labels, uppers, lowers, skip, bounds, sums.totals, sums.rests)
    return Round(int(changed), sums if changed else None)


def _sum_squares(block: Block) -> Sums:
    sums = Sums.zero(1, block.X.shape[1])
    kernels.sum_squares(block.X, weights_of(block), sums.totals, sums.rests)
    return sums


def _sum_up(block: Block, labels: Labels, k: int) -> Sums:
    sums = Sums.zero(k, block.X.shape[1] + 1)
    kernels.sum_up(block.X, weights_of(block), labels[block.rows], sums.totals, sums.rests)
    return sums


def _assign(block: Block, centers: Centers) -> IntArray:
    labels = np.empty(len(block.X), np.intp)
    kernels.assign(block.X, centers, labels)
    return labels


class BoundedAssignment:
    """Rows with the labels of their nearest centers, which move.

    Parameters
    ----------
    rows
        Shape (n, d).
    centers
        Shape (k, d).
    """

    def __init__(self, rows: Rows, centers: Array) -> None:
        self.rows, self.centers = rows, centers
        self._state = RowState.unknown(len(rows), len(centers))
        self._shift = np.median(centers, axis=0)
        self._scale = scale_of(centers, self._shift)
        self._has_bounds, self._rounds_without, self._pause, self._moves = False, 1, 1, 0
        self._sums = Sums.zero(len(centers), rows.shape[1] + 1)
        self._squares = reduce(add, each(rows, _sum_squares))
        self._total_of_squares = float(self._squares.totals.sum())
        self.move(centers)

    @property
    def labels(self) -> Labels:
        """Center of each row, shape (n,); changed in place."""
        return self._state.labels

    @property
    def counts(self) -> Array:
        """Weight of each cluster's rows, shape (k,)."""
        return self._sums.totals[:, -1] + self._sums.rests[:, -1]

    def means(self) -> Array:
        """Return the mean of each cluster's rows, shape (k, d); its center for a cluster without rows."""
        if not self._sums_keep_digits(self._inertia_by_sums()) or self._moves >= _FRESH:
            self._recompute_sums()
        sums = self._sums.rounded
        counts = sums[:, -1:]
        return np.divide(sums[:, :-1], counts, out=self.centers.copy(), where=counts > 0)

    def move(self, centers: Array) -> int:
        """Move the centers, give each row its nearest one, and count the rows that change."""
        prepared = prepare(centers, self._shift, self._scale, self.centers if self._has_bounds else None)
        if self._has_bounds and not self._bounds_pay(prepared):  # they may pay later, when the centers move less
            self._has_bounds, self._rounds_without, self._pause = False, self._pause, 2 * self._pause
        skip, bounds = self._has_bounds, self._has_bounds or self._rounds_without <= 0
        advance, state = partial(_advance, centers=prepared, skip=skip, bounds=bounds), self._state
        result = reduce(add, each_changing(self.rows, advance, state.labels, state.uppers, state.lowers))
        if result.sums:
            self._sums += result.sums
        self._has_bounds, self._rounds_without = bounds, self._rounds_without - 1
        self.centers, self._moves = centers, self._moves + 1
        return result.changed

    def inertia(self) -> float:
        """Sum of the rows' squared distances to their centers, times their weights."""
        by_sums = self._inertia_by_sums()
        return by_sums if self._sums_keep_digits(by_sums) else inertia_of(self.rows, self.centers, self.labels)

    def relabel(self, rows: IntArray, labels: IntArray) -> None:
        """Assign rows to other clusters, whose centers have not moved yet."""
        self.labels[rows] = labels
        self._state.uppers[rows], self._state.lowers[rows] = np.inf, -1.0
        self._recompute_sums()

    def _bounds_pay(self, centers: Centers) -> bool:
        """Whether the bounds, after they move with the centers, decide enough rows; judged by a sample of rows."""
        few = slice(None, None, max(1, len(self.rows) // _JUDGED))
        labels = self.labels[few]
        uppers = self._state.uppers[few] + centers.drift[labels]
        lowers = np.maximum(self._state.lowers[few] - centers.others[labels], centers.half_gaps[labels])
        screened, size = np.count_nonzero(uppers >= lowers), centers.exact.size
        return bool(screened * (size + _FETCH) <= size * len(labels))

    def _inertia_by_sums(self) -> float:
        sums, squares = self._sums, self._squares
        return float(inertia(sums.totals, sums.rests, squares.totals, squares.rests, self.centers))

    def _sums_keep_digits(self, inertia: float) -> bool:
        return self._total_of_squares <= _DIGITS * inertia

    def _recompute_sums(self) -> None:
        sum_up = partial(_sum_up, labels=self.labels, k=len(self.centers))
        self._sums, self._moves = reduce(add, each(self.rows, sum_up)), 0


def assign(rows: Rows, centers: Array) -> IntArray:
    """Return the nearest center of each row, shape (n,), exactly as `gradmix_clustering.nearest.nearest`."""
    shift = np.median(centers, axis=0)
    prepared = prepare(centers, shift, scale_of(centers, shift), None)
    return np.concatenate([*each(rows, partial(_assign, centers=prepared))])
