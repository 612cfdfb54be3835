"""The clusterer k_medoids: groups around rows that stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

import gradmix

if TYPE_CHECKING:
    from gradmix.arrays import Array

_BLOCK = 256
"""Rows whose distances to a whole group are held at once: memory grows with the rows, not with their square."""


@dataclass
class KMedoids(gradmix.Clusterer[gradmix.Centers]):
    """k-medoids: each group stands around one of its own rows, so that any distance will do and outliers pull little.

    Parameters
    ----------
    n_clusters
        Number of groups.
    metric
        Distance between rows.
    n_init
        Number of starts; the best is kept.
    max_iter
        Most iterations of a start.
    random_state
        Seed of the starts.

    Notes
    -----
    Rows go to the nearest medoid and medoids to the row with the smallest sum of distances in its group, in turns.
    Source: Park & Jun, Expert Syst. Appl. 36 (2009) 3336-3341; the starts are those of k-means++, by distances.
    """

    objective = gradmix.Objective("total_distance", maximise=False, rewards_freedom=True)

    n_clusters: gradmix.GroupCount = 2
    metric: Literal["euclidean", "cityblock", "chebyshev"] = "euclidean"
    n_init: gradmix.PositiveInt = 5
    max_iter: gradmix.PositiveInt = 100
    random_state: gradmix.Seed = None

    def iterate(self, X: Array, rng: np.random.Generator) -> Iterator[gradmix.Iteration[gradmix.Centers]]:
        """Yield the iterations of one start."""
        medoids = self._start(X, rng)
        for _ in range(self.max_iter):
            groups, old = gradmix.Centers(medoids, self.metric).predict(X), medoids
            medoids = np.array([self._medoid(X[groups == k], old[k]) for k in range(self.n_clusters)])
            cost = sum(float(self._sums(medoids[k : k + 1], X[groups == k])[0]) for k in range(self.n_clusters))
            converged = np.array_equal(medoids, old)
            yield gradmix.Iteration(gradmix.Centers(medoids, self.metric), {"total_distance": cost}, converged)
            if converged:
                return

    def _start(self, X: Array, rng: np.random.Generator) -> Array:
        """Draw rows, each in proportion to its distance from those that were drawn before."""
        from scipy.spatial.distance import cdist

        medoids = [X[rng.integers(len(X))]]
        while len(medoids) < self.n_clusters:
            distances = cdist(X, np.array(medoids), self.metric).min(axis=1)
            total = distances.sum()
            if not np.isfinite(total):
                raise gradmix.DataError("the data are so large that their distances overflow; scale them.")
            medoids.append(X[rng.choice(len(X), p=distances / total if total > 0 else None)])
        return np.array(medoids)

    def _medoid(self, rows: Array, old: Array) -> Array:
        """The row with the smallest sum of distances to the others; the old medoid if none is better."""
        if not len(rows):
            return old
        blocks = [self._sums(rows[start : start + _BLOCK], rows) for start in range(0, len(rows), _BLOCK)]
        sums = np.concatenate(blocks)
        is_better = sums.min() < self._sums(old[None], rows)[0]
        return rows[sums.argmin()] if is_better else old

    def _sums(self, candidates: Array, rows: Array) -> Array:
        """Sum of the distances of each candidate to all rows, shape (candidates,)."""
        from scipy.spatial.distance import cdist

        sums: Array = cdist(candidates, rows, self.metric).sum(axis=1)
        if not np.isfinite(sums).all():
            raise gradmix.DataError("the data are so large that their distances overflow; scale them.")
        return sums
