"""The clusterer ``sklearn_kmeans``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradmix import INERTIA, GroupCount, NonNegativeFloat, PositiveInt, Seed, SklearnClusterer


@dataclass
class SklearnKMeans(SklearnClusterer):
    """scikit-learn's KMeans, for comparison.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How a start is chosen.
    n_init
        Number of starts; the best is kept.
    tol
        Stop when the centers move less than this, in units of the features' mean variance.
    max_iter
        Maximum number of iterations of a start.
    algorithm
        Lloyd's algorithm, or Elkan's, which uses bounds.
    random_state
        Seed of the starts.
    """

    estimator = "sklearn.cluster:KMeans"
    objective = INERTIA

    n_clusters: GroupCount = 2
    init: Literal["k-means++", "random"] = "k-means++"
    n_init: PositiveInt = 1
    tol: NonNegativeFloat = 1e-4
    max_iter: PositiveInt = 300
    algorithm: Literal["lloyd", "elkan"] = "lloyd"
    random_state: Seed = None
