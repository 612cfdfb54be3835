"""The clusterer ``sklearn_hdbscan``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from gradmix import Bounds, NonNegativeFloat, PositiveFloat, PositiveInt, SklearnClusterer


@dataclass
class SklearnHDBSCAN(SklearnClusterer):
    """scikit-learn's HDBSCAN: clusters are where rows are dense; the rest is noise, group -1.

    Parameters
    ----------
    min_cluster_size
        Fewest rows of a cluster.
    min_samples
        Neighbours that make a row dense; null takes min_cluster_size.
    cluster_selection_epsilon
        Clusters that are nearer than this are merged.
    alpha
        Divides distances in the single linkage.
    cluster_selection_method
        By excess of mass (eom), or the leaves of the tree, which are smaller.
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
