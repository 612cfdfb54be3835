"""The clusterer ``faiss_kmeans``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from gradmix import INERTIA, GroupCount, PositiveInt, Seed, SklearnClusterer

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass
class FaissKMeans(SklearnClusterer):
    """faiss's k-means: it uses all rows, in float32, and starts from rows chosen at random.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    n_init
        Number of starts; the best is kept.
    max_iter
        Maximum number of iterations of a start.
    random_state
        Seed of the starts.
    """

    requires = ("faiss",)
    deviates: ClassVar[Mapping[str, str]] = {
        **SklearnClusterer.deviates,
        "a_far_offset_makes_no_difference": "it computes in float32",
    }
    estimator = "gradmix_peers.faiss_kmeans:Estimator"
    objective = INERTIA

    n_clusters: GroupCount = 2
    n_init: PositiveInt = 1
    max_iter: PositiveInt = 25
    random_state: Seed = None


class Estimator:
    """`faiss.Kmeans` as a scikit-learn estimator, with the options of `FaissKMeans`."""

    def __init__(self, n_clusters: int, n_init: int, max_iter: int, random_state: Any) -> None:
        self.n_clusters, self.n_init, self.max_iter, self.random_state = n_clusters, n_init, max_iter, random_state

    def fit(self, X: Array) -> Self:
        """Find the centers; the inertia is summed in float64."""
        import faiss

        rows = np.ascontiguousarray(X, dtype=np.float32)
        every_row: dict[str, Any] = {"min_points_per_centroid": 1, "max_points_per_centroid": max(256, len(X))}
        given = self.random_state
        seed = given if isinstance(given, int) else np.random.default_rng(given).integers(2**31)
        kmeans: Any = faiss.Kmeans(
            X.shape[1], self.n_clusters, niter=self.max_iter, nredo=self.n_init, seed=int(seed), **every_row
        )
        kmeans.train(rows)
        self.cluster_centers_ = kmeans.centroids.astype(np.float64)
        self.labels_ = kmeans.index.search(rows, 1)[1][:, 0]
        self.inertia_ = float(np.sum((X - self.cluster_centers_[self.labels_]) ** 2))
        self.n_iter_ = len(kmeans.obj)
        return self
