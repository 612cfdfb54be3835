"""Where EM starts: each way gives responsibilities, shape (n, k), and is a row of `STARTS`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradmix.arrays import Array, IntArray
from gradmix_clustering.lloyd import choose_centers, lloyd
from gradmix_clustering.nearest import nearest
from gradmix_clustering.scaling import in_unit, unit_exponent

_KMEANS_ITERATIONS = 300


def from_kmeans(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Clusters of k-means, run to its end."""
    X = in_unit(X, unit_exponent(X))
    for number, step in enumerate(lloyd(X, choose_centers(X, k, rng)), start=1):
        if step.is_fixed or number == _KMEANS_ITERATIONS:
            return _hard(step.labels, k)
    raise AssertionError("unreachable")


def from_kmeans_plus_plus(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k centers that k-means++ chooses."""
    X = in_unit(X, unit_exponent(X))
    return _hard(nearest(X, choose_centers(X, k, rng)), k)


def from_random_rows(X: Array, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k rows chosen at random."""
    X = in_unit(X, unit_exponent(X))
    return _hard(nearest(X, X[rng.choice(len(X), size=k, replace=False)]), k)


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
