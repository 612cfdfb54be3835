"""Lloyd's algorithm and the k-means++ start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradmix import DataError
from gradmix.arrays import Array, IntArray
from gradmix_clustering.nearest import nearest, squared_distances_to_own


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
    """Iterate for ever: centers to the means of their rows, rows to their nearest centers.

    The data must be in a unit in which squares neither overflow nor vanish (`gradmix_clustering.scaling`).
    """
    labels = nearest(X, centers)
    while True:
        moved = _means(X, labels, centers)
        before, labels = labels, nearest(X, moved)
        inertia = float(squared_distances_to_own(X, moved, labels).sum())
        shift = float(np.sum((moved - centers) ** 2))
        yield LloydStep(moved, labels, inertia, shift, bool(np.array_equal(labels, before)))
        centers = moved


def _means(X: Array, labels: IntArray, centers: Array) -> Array:
    """Means of the rows of each center; one that has none takes the row that is farthest from its own."""
    k, d = centers.shape
    counts = np.bincount(labels, minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        labels = labels.copy()
        labels[_farthest(X, labels, centers, counts, len(empty))] = empty
        counts = np.bincount(labels, minlength=k)
        centers = centers.copy()
        centers[empty] = [X[labels == cluster][0] for cluster in empty]
    offsets = X - centers[labels]
    sums = np.stack([np.bincount(labels, weights=offsets[:, j], minlength=k) for j in range(d)], axis=1)
    return centers + sums / counts[:, None]


def _farthest(X: Array, labels: IntArray, centers: Array, counts: IntArray, n: int) -> list[int]:
    """The n rows that are farthest from their centers, ties by row number; no cluster loses its last row."""
    remaining = counts.copy()
    found: list[int] = []
    largest = np.abs(X - centers[labels]).max(axis=1)  # orders rows whose squares vanish beside a far one's
    for row in np.lexsort((-largest, -squared_distances_to_own(X, centers, labels))):
        if len(found) == n or largest[row] == 0:
            break
        if remaining[labels[row]] > 1:
            remaining[labels[row]] -= 1
            found.append(int(row))
    if len(found) < n:
        raise DataError(f"the data have fewer different rows than the {len(centers)} clusters asked for.")
    return found


def choose_centers(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Choose k rows as centers by greedy k-means++: far rows are likely, and the best of a few candidates is taken.

    Source: Arthur & Vassilvitskii, SODA 2007, 1027-1035; greedy as they recommend, with 2 + log k candidates.
    """
    n_candidates = 2 + int(np.log(k))
    centers = [X[rng.integers(len(X))]]
    distances = ((X - centers[0]) ** 2).sum(axis=1)
    for _ in range(1, k):
        total = distances.sum()
        weights = distances / total if total > 0 else None
        candidates = X[rng.choice(len(X), size=n_candidates, p=weights)]
        reached = np.minimum(distances, ((X[None] - candidates[:, None]) ** 2).sum(axis=2))
        best = reached.sum(axis=1).argmin()
        centers.append(candidates[best])
        distances = reached[best]
    return np.stack(centers)
