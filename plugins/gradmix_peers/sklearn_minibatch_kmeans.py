"""The clusterer ``sklearn_minibatch_kmeans``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from gradmix import INERTIA, GroupCount, NonNegativeFloat, PositiveInt, Seed, SklearnClusterer


@dataclass
class SklearnMiniBatchKMeans(SklearnClusterer):
    """scikit-learn's MiniBatchKMeans: k-means from small random batches of rows.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How the start is chosen.
    n_init
        Number of starts that are tried on a sample; the batches continue from the best.
    batch_size
        Rows of a batch.
    tol
        Stop when the centers move less than this; with 0, only the inertia is tested.
    max_iter
        Maximum number of passes over the rows.
    random_state
        Seed of the start and the batches.
    """

    estimator = "sklearn.cluster:MiniBatchKMeans"
    objective = INERTIA
    deviates: ClassVar[Mapping[str, str]] = {
        **SklearnClusterer.deviates,
        "a_far_offset_makes_no_difference": "it expands squares without centering the rows",
    }

    n_clusters: GroupCount = 2
    init: Literal["k-means++", "random"] = "k-means++"
    n_init: PositiveInt = 1
    batch_size: PositiveInt = 1024
    tol: NonNegativeFloat = 0.0
    max_iter: PositiveInt = 100
    random_state: Seed = None
