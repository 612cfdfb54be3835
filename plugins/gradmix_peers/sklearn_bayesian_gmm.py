"""The clusterer ``sklearn_bayesian_gmm``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from gradmix import (
    LOG_LIKELIHOOD,
    Freedom,
    GroupCount,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Seed,
    SklearnClusterer,
)


@dataclass
class SklearnBayesianGaussianMixture(SklearnClusterer):
    """scikit-learn's BayesianGaussianMixture: variational inference, which may leave components empty.

    Parameters
    ----------
    n_components
        Maximum number of Gaussians.
    covariance_type
        Shape of the covariances.
    tol
        Stop when an iteration changes the lower bound by less than this.
    reg_covar
        Added to every variance.
    max_iter
        Maximum number of iterations of a start.
    n_init
        Number of starts; the one with the best log-likelihood is kept.
    init_params
        How a start is chosen.
    weight_concentration_prior_type
        Prior of the weights.
    weight_concentration_prior
        Concentration of this prior: a smaller one leaves more components empty; null is 1 / n_components.
    random_state
        Seed of the starts.
    """

    estimator = "sklearn.mixture:BayesianGaussianMixture"
    objective = LOG_LIKELIHOOD
    deviates: ClassVar[Mapping[str, str]] = {
        **SklearnClusterer.deviates,
        "finds_many_groups": "its prior pulls distant means towards the mean of all rows",
        "improves_its_objective": "it improves a lower bound of the evidence, not always the likelihood",
    }

    n_components: GroupCount = 2
    covariance_type: Annotated[Literal["full", "tied", "diag", "spherical"], Freedom()] = "full"
    tol: NonNegativeFloat = 1e-3
    reg_covar: NonNegativeFloat = 1e-6
    max_iter: PositiveInt = 100
    n_init: PositiveInt = 1
    init_params: Literal["kmeans", "k-means++", "random", "random_from_data"] = "kmeans"
    weight_concentration_prior_type: Literal["dirichlet_process", "dirichlet_distribution"] = "dirichlet_process"
    weight_concentration_prior: PositiveFloat | None = None
    random_state: Seed = None
