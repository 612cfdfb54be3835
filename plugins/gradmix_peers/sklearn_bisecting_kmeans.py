"""The clusterer ``sklearn_bisecting_kmeans``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from gradmix import INERTIA, GroupCount, NonNegativeFloat, PositiveInt, Seed, SklearnClusterer


@dataclass
class SklearnBisectingKMeans(SklearnClusterer):
    """scikit-learn's BisectingKMeans, which splits one cluster after the other in two.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How the start of a split is chosen.
    n_init
        Number of starts of each split; the best is kept.
    tol
        Stop a split when its centers move less than this, in units of the features' mean variance.
    max_iter
        Maximum number of iterations of a split.
    bisecting_strategy
        Which cluster is split next: the one with the biggest inertia or with the most rows.
    random_state
        Seed of the splits.
    """

    estimator = "sklearn.cluster:BisectingKMeans"
    objective = INERTIA
    deviates: ClassVar[Mapping[str, str]] = {
        **SklearnClusterer.deviates,
        "reports_convergence": "the estimator does not report how many iterations its splits took",
    }

    n_clusters: GroupCount = 2
    init: Literal["k-means++", "random"] = "random"
    n_init: PositiveInt = 1
    tol: NonNegativeFloat = 1e-4
    max_iter: PositiveInt = 300
    bisecting_strategy: Literal["biggest_inertia", "largest_cluster"] = "biggest_inertia"
    random_state: Seed = None
