"""The clusterer ``sklearn_gmm``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from gradmix import LOG_LIKELIHOOD, Freedom, GroupCount, NonNegativeFloat, PositiveInt, Seed, SklearnClusterer


@dataclass
class SklearnGaussianMixture(SklearnClusterer):
    """scikit-learn's GaussianMixture, for comparison.

    Parameters
    ----------
    n_components
        Number of Gaussians, k.
    covariance_type
        Shape of the covariances.
    tol
        Stop when an iteration changes the mean log-likelihood per row by less than this (nats).
    reg_covar
        Added to every variance.
    max_iter
        Maximum number of EM iterations of a start.
    n_init
        Number of starts; the best is kept.
    init_params
        How a start is chosen.
    random_state
        Seed of the starts.
    """

    estimator = "sklearn.mixture:GaussianMixture"
    objective = LOG_LIKELIHOOD

    n_components: GroupCount = 2
    covariance_type: Annotated[Literal["full", "tied", "diag", "spherical"], Freedom()] = "full"
    tol: NonNegativeFloat = 1e-3
    reg_covar: NonNegativeFloat = 1e-6
    max_iter: PositiveInt = 100
    n_init: PositiveInt = 1
    init_params: Literal["kmeans", "k-means++", "random", "random_from_data"] = "kmeans"
    random_state: Seed = None
