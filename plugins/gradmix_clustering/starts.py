"""Where EM starts: each way gives responsibilities, shape (n, k), and is a row of `STARTS`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_clustering.lloyd import assign, choose_centers, lloyd

_KMEANS_ITERATIONS = 300


def from_kmeans(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Clusters of k-means, run to its end."""
    for number, step in enumerate(lloyd(X, choose_centers(X, k, rng)), start=1):
        if step.is_fixed or number == _KMEANS_ITERATIONS:
            return _hard(step.labels, k)
    raise AssertionError("unreachable")


def from_kmeans_plus_plus(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k centers that k-means++ chooses."""
    return _hard(assign(X, choose_centers(X, k, rng))[0], k)


def from_random_rows(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k rows chosen at random."""
    return _hard(assign(X, X[rng.choice(len(X), size=k, replace=False)])[0], k)


def from_random_responsibilities(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Responsibilities drawn at random."""
    responsibilities = rng.random((len(X), k))
    return responsibilities / responsibilities.sum(axis=1, keepdims=True)


def _hard(labels: IntArray, k: int) -> Array:
    return np.asarray(labels[:, None] == np.arange(k), dtype=float)


STARTS: dict[str, Callable[[Array, int, np.random.Generator], Array]] = {
    "kmeans": from_kmeans,
    "k-means++": from_kmeans_plus_plus,
    "random_from_data": from_random_rows,
    "random": from_random_responsibilities,
}
