"""Where EM starts: each way gives responsibilities, shape (n, k), and is a row of `STARTS`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradmix import Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.assignment import nearest_centers
from gradmix_clustering.lloyd import lloyd
from gradmix_clustering.plus_plus import choose_centers
from gradmix_clustering.scaling import in_unit, unit_exponent

_KMEANS_ITERATIONS = 300


def from_kmeans(rows: Rows, k: int, rng: np.random.Generator) -> Array:
    """Clusters of k-means, run to its end."""
    rows = _scaled(rows)
    for number, step in enumerate(lloyd(rows, choose_centers(rows, k, rng)), start=1):
        if step.is_fixed or number == _KMEANS_ITERATIONS:
            return _hard(step.assignment.labels, k)
    raise AssertionError("unreachable")


def from_kmeans_plus_plus(rows: Rows, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k centers that k-means++ chooses."""
    rows = _scaled(rows)
    return _hard(nearest_centers(rows, choose_centers(rows, k, rng)), k)


def from_random_rows(rows: Rows, k: int, rng: np.random.Generator) -> Array:
    """Rows by the nearest of k rows chosen at random."""
    rows = _scaled(rows)
    return _hard(nearest_centers(rows, rows.array[rng.choice(len(rows), size=k, replace=False)]), k)


def from_random_responsibilities(rows: Rows, k: int, rng: np.random.Generator) -> Array:
    """Responsibilities drawn at random."""
    responsibilities = rng.random((len(rows), k))
    return responsibilities / responsibilities.sum(axis=1, keepdims=True)


def _scaled(rows: Rows) -> Rows:
    """Rows in a unit in which the squares of their distances neither vanish nor overflow."""
    return Rows(in_unit(rows.array, unit_exponent(rows.array)), rows.weights, rows.engine)


def _hard(labels: IntArray, k: int) -> Array:
    return np.asarray(labels[:, None] == np.arange(k), dtype=float)


STARTS: dict[str, Callable[[Rows, int, np.random.Generator], Array]] = {
    "kmeans": from_kmeans,
    "k-means++": from_kmeans_plus_plus,
    "random_from_data": from_random_rows,
    "random": from_random_responsibilities,
}
