"""The clusterer ``sklearn_hdbscan``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from gradmix import Bounds, NonNegativeFloat, PositiveFloat, PositiveInt, SklearnClusterer


@dataclass
class SklearnHDBSCAN(SklearnClusterer):
    """scikit-learn's HDBSCAN: dense regions are clusters; all other rows are noise, group -1.

    Parameters
    ----------
    min_cluster_size
        Minimum number of rows in a cluster.
    min_samples
        Number of neighbours that a row in a dense region has; null takes min_cluster_size.
    cluster_selection_epsilon
        Clusters closer together than this distance are merged.
    alpha
        Divisor of the distances in the single linkage.
    cluster_selection_method
        How clusters are selected: by excess of mass (eom), or as the leaves of the tree, which are smaller.
    allow_single_cluster
        Whether all rows may be one cluster.
    """

    estimator = "sklearn.cluster:HDBSCAN"
    fixed: ClassVar = {"copy": True}

    min_cluster_size: Annotated[int, Bounds(ge=2)] = 5
    min_samples: PositiveInt | None = None
    cluster_selection_epsilon: NonNegativeFloat = 0.0
    alpha: PositiveFloat = 1.0
    cluster_selection_method: Literal["eom", "leaf"] = "eom"
    allow_single_cluster: bool = False
