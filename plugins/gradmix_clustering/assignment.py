"""Rows and their nearest centers: the state that Lloyd's algorithm iterates on."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradmix import Block, Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.blocks import MOST_IN_A_BYTE
from gradmix_clustering.compiled import SMALL, pays
from gradmix_clustering.nearest import inertia_of, nearest


class Assignment(Protocol):
    """Rows with the labels of their nearest centers."""

    rows: Rows
    centers: Array

    @property
    def labels(self) -> NDArray[Any]:
        """Center of each row, shape (n,); changed in place."""

    @property
    def counts(self) -> Array:
        """Weight of each center's rows, shape (k,)."""

    def means(self) -> Array:
        """Return the mean of each center's rows, shape (k, d); a center without rows stays where it is."""

    def move(self, centers: Array) -> int:
        """Move the centers, give each row its nearest one, and count the rows that change."""

    def inertia(self) -> float:
        """Sum of the rows' squared distances to their centers, times their weights."""

    def relabel(self, rows: IntArray, labels: IntArray) -> None:
        """Assign rows to other centers, which have not moved yet."""


def least_problem(k: int) -> tuple[Rows, int]:
    """Return the smallest rows and number of centers with the same kernels as k centers, to compile these."""
    return Rows(np.arange(float(SMALL))[:, None]), 2 if k <= MOST_IN_A_BYTE else MOST_IN_A_BYTE + 1


def assign_rows(rows: Rows, centers: Array) -> Assignment:
    """Assign rows to their nearest centers; compiled if the problem is large enough."""
    if pays(*rows.shape, len(centers)):
        from gradmix_clustering.bounded import BoundedAssignment

        return BoundedAssignment(rows, centers)
    return DirectAssignment(rows, centers)


def nearest_centers(rows: Rows, centers: Array) -> IntArray:
    """Return the nearest center of each row, shape (n,), as `nearest` does; compiled if the problem is large enough."""
    if pays(*rows.shape, len(centers)):
        from gradmix_clustering.bounded import assign

        return assign(rows, centers)
    return rows.map(partial(_nearest, centers=centers))


def _nearest(block: Block, centers: Array) -> IntArray:
    return nearest(block.X, centers)


class DirectAssignment:
    """Reference implementation, which recomputes everything in each iteration, only with NumPy."""

    def __init__(self, rows: Rows, centers: Array) -> None:
        self.rows, self.centers = rows, centers
        self.labels = rows.map(partial(_nearest, centers=centers))

    @property
    def counts(self) -> Array:
        """Weight of each center's rows, shape (k,)."""
        return np.bincount(self.labels, self.rows.weights, minlength=len(self.centers)).astype(float)

    def means(self) -> Array:
        """Return the mean of each center's rows, summed around the previous mean, so that an offset costs no digits."""
        counts, means = self.counts[:, None], self.centers
        for _ in range(2):  # the second pass is around the first result, as a center may have been far from its rows
            sums = self.rows.fold(partial(_offsets, centers=means, labels=self.labels))
            means = means + np.divide(sums, counts, out=np.zeros(means.shape), where=counts > 0)
        return means

    def move(self, centers: Array) -> int:
        """Move the centers, give each row its nearest one, and count the rows that change."""
        before, self.labels, self.centers = self.labels, self.rows.map(partial(_nearest, centers=centers)), centers
        return int(np.count_nonzero(self.labels != before))

    def inertia(self) -> float:
        """Sum of the rows' squared distances to their centers, times their weights."""
        return inertia_of(self.rows, self.centers, self.labels)

    def relabel(self, rows: IntArray, labels: IntArray) -> None:
        """Assign rows to other centers, which have not moved yet."""
        self.labels[rows] = labels


def _offsets(block: Block, centers: Array, labels: IntArray) -> Array:
    """Return the sums of the weighted rows minus their centers, shape (k, d)."""
    own = labels[block.rows]
    offsets = block.X - centers[own]
    if block.weights is not None:
        offsets *= block.weights[:, None]
    return np.stack([np.bincount(own, column, minlength=len(centers)) for column in offsets.T], axis=1)
