"""Lloyd's algorithm and the k-means++ start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradmix import DataError
from gradmix.arrays import Array, IntArray


@dataclass(frozen=True, eq=False)
class LloydStep:
    """One iteration of Lloyd's algorithm.

    Parameters
    ----------
    centers
        Shape (k, d).
    labels
        Nearest center of each row, shape (n,).
    inertia
        Sum of squared distances of the rows to their centers.
    shift
        Sum of squared distances that the centers moved.
    is_fixed
        Whether no row changed its center: nothing more will happen.
    """

    centers: Array
    labels: IntArray
    inertia: float
    shift: float
    is_fixed: bool


def lloyd(X: Array, centers: Array) -> Iterator[LloydStep]:
    """Iterate for ever: centers to the means of their rows, rows to their nearest centers."""
    labels, distances = assign(X, centers)
    while True:
        moved = _means(X, labels, distances, centers)
        before, (labels, distances) = labels, assign(X, moved)
        shift = float(np.sum((moved - centers) ** 2))
        yield LloydStep(moved, labels, float(distances.sum()), shift, bool(np.array_equal(labels, before)))
        centers = moved


def assign(X: Array, centers: Array) -> tuple[IntArray, Array]:
    """Nearest center of each row, and its squared distance; shapes (n,) and (n,)."""
    center = centers.mean(axis=0)  # a common offset would cost digits in the expansion of the square
    rows, near = X - center, centers - center
    labels = ((near**2).sum(axis=1) - 2 * rows @ near.T).argmin(axis=1)
    return labels, ((X - centers[labels]) ** 2).sum(axis=1)


def _means(X: Array, labels: IntArray, distances: Array, centers: Array) -> Array:
    """Means of the rows of each center; one that has none takes the row that is farthest from its own."""
    k, d = centers.shape
    counts = np.bincount(labels, minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        labels = labels.copy()
        labels[_farthest(distances, len(empty), k)] = empty
        counts = np.bincount(labels, minlength=k)
    offsets = X - centers[labels]
    sums = np.stack([np.bincount(labels, weights=offsets[:, j], minlength=k) for j in range(d)], axis=1)
    return centers + sums / np.maximum(counts, 1)[:, None]


def _farthest(distances: Array, n: int, k: int) -> IntArray:
    farthest = np.argsort(distances)[::-1][:n]
    if not (distances[farthest] > 0).all():
        raise DataError(f"the data have fewer different rows than the {k} clusters asked for.")
    return farthest


def choose_centers(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Choose k rows as centers by greedy k-means++: far rows are likely, and the best of a few candidates is taken.

    Source: Arthur & Vassilvitskii, SODA 2007, 1027-1035; greedy as they recommend, with 2 + log k candidates.
    """
    n_candidates = 2 + int(np.log(k))
    centers = [X[rng.integers(len(X))]]
    distances = ((X - centers[0]) ** 2).sum(axis=1)
    for _ in range(1, k):
        total = distances.sum()
        if not np.isfinite(total):
            raise DataError("the data are so large that the squares of their distances overflow; scale them.")
        weights = distances / total if total > 0 else None
        candidates = X[rng.choice(len(X), size=n_candidates, p=weights)]
        reached = np.minimum(distances, ((X[None] - candidates[:, None]) ** 2).sum(axis=2))
        best = reached.sum(axis=1).argmin()
        centers.append(candidates[best])
        distances = reached[best]
    return np.stack(centers)
