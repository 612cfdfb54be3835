"""Nearest centers: the expanded square decides for most rows; the others are compared by squared differences."""

from __future__ import annotations

from functools import partial

import numpy as np

from gradmix import Block, Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.blocks import Labels, blocks

_ROUNDOFF = 2.0**-53


def nearest(X: Array, centers: Array) -> IntArray:
    """Return the nearest center of each row, shape (n,); of several at the same distance, the first.

    Distances are those of `squared_distances` to the last bit, so a row's label depends only on this row and the
    centers.
    """
    # The shift removes a common offset, which would cost digits. A median, as one far center must not change it.
    shift = np.median(centers, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # rows whose scores overflow are undecided
        return np.concatenate([_nearest(X[rows], centers, shift) for rows in blocks(X, len(centers))])


def _nearest(X: Array, centers: Array, shift: Array) -> IntArray:
    rows, near = X - shift, centers - shift
    halves = (near**2).sum(axis=1) / 2
    scores = halves - rows @ near.T
    labels: IntArray = scores.argmin(axis=1)
    scores -= scores[np.arange(len(X)), labels, None]
    close = scores <= 2 * error_bound((rows**2).sum(axis=1), 2 * halves.max(), X.shape[1])[:, None]
    undecided = np.flatnonzero(close.sum(axis=1) != 1)
    labels[undecided] = squared_distances(X[undecided], centers).argmin(axis=1)
    return labels


def error_bound(rows: Array, center: float, d: int) -> Array:
    """Return a bound on the error of half a squared distance minus half the row's square, for both computations.

    Parameters
    ----------
    rows
        Squared lengths of the rows from the shift, shape (n,).
    center
        Largest squared length of a center from the shift.
    d
        Number of features.

    Notes
    -----
    With y = x − m, z = c − m and the unit roundoff u, |z|²/2 − y·z is off by at most (d + 4) u (|y| |z| + |z|²/2), and
    the sum of squared differences by (d + 2) u |x − c|² (Higham, *Accuracy and Stability of Numerical Algorithms*,
    2002, section 3.1). Both are below (2d + 6) u (|y|² + |z|²) together; the rest covers the rounding of the bound.
    """
    return (2 * d + 10) * _ROUNDOFF * (rows + center)


def squared_distances(X: Array, centers: Array) -> Array:
    """Return squared distances of rows to centers, shape (n, k): squared differences, added feature by feature."""
    distances = np.zeros((len(X), len(centers)))
    for feature, values in zip(X.T, centers.T, strict=True):
        distances += (feature[:, None] - values) ** 2
    return distances


def squared_distances_to_own(X: Array, centers: Array, labels: Labels) -> Array:
    """Return the squared distance of each row to the center of its label, shape (n,)."""
    with np.errstate(over="ignore"):  # a distance may be infinite
        return np.concatenate([((X[rows] - centers[labels[rows]]) ** 2).sum(axis=1) for rows in blocks(X, 1)])


def inertia_of(rows: Rows, centers: Array, labels: Labels) -> float:
    """Return the sum of the rows' squared distances to the centers of their labels, times their weights."""
    return float(rows.fold(partial(_inertia, centers=centers, labels=labels)))


def _inertia(block: Block, centers: Array, labels: Labels) -> float:
    distances = squared_distances_to_own(block.X, centers, labels[block.rows])
    return float((distances if block.weights is None else block.weights * distances).sum())
