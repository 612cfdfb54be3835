"""Common methods and attributes of the clusterers whose model is a Gaussian mixture, with scikit-learn's names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

import gradmix
from gradmix import (
    AIC,
    BIC,
    COLLAPSED,
    LOG_LIKELIHOOD,
    Bounds,
    DataError,
    FoldingClusterer,
    Freedom,
    GroupCount,
    KeyOf,
    Meaning,
    NameOf,
    NonNegativeFloat,
    PositiveInt,
    Rows,
    Seed,
)
from gradmix.arrays import constant_columns
from gradmix_clustering.scaling import check_variances, has_ordinary_variances

if TYPE_CHECKING:
    from gradmix.arrays import Array, IntArray
    from gradmix_clustering.mixture_model import GaussianMixtureModel

Regularisation = Annotated[float, Bounds(ge=0, lt=math.inf)]
"""Number that is added to variances."""


class MixtureEstimator(FoldingClusterer["GaussianMixtureModel"]):
    """Base of the clusterers that fit a mixture of Gaussians."""

    objective = LOG_LIKELIHOOD

    n_components: int
    covariance_type: str
    reg_covar: float
    reg_covar_is_relative: bool

    @classmethod
    def model_class(cls) -> type[GaussianMixtureModel]:
        """Return `GaussianMixtureModel`."""
        from gradmix_clustering.mixture_model import GaussianMixtureModel

        return GaussianMixtureModel

    def metrics(self) -> tuple[Meaning, ...]:
        """Describe the metrics: first criteria that penalise parameters, as more components raise the likelihood."""
        return (
            BIC,
            self.objective.meaning,
            AIC,
            Meaning(
                "icl",
                "lower",
                "",
                "BIC, with a penalty for groups that overlap",
                is_criterion=True,
                spoiled_by=COLLAPSED.name,
            ),
            COLLAPSED,
        )

    def floor_of(self, spread: float) -> float:
        """Return the number that is added to every variance, from the columns' mean variance `spread`."""
        return self.reg_covar * (spread if self.reg_covar_is_relative else 1.0)

    def why_collapsed(self, rows: Rows) -> str:
        """Name the weights, the row or the columns that make every component degenerate."""
        from gradmix_clustering.degeneracy import why_degenerate
        from gradmix_clustering.estep import EStep
        from gradmix_clustering.layouts import LAYOUTS

        k = self.n_components if rows.labels is None else len(np.unique(rows.labels))
        if rows.weights is not None and rows.total_weight < k:
            return (
                f"less weight than one row, because all sample weights sum to {rows.total_weight:g}. Multiply the "
                "weights; a weight of 2 counts as two rows."
            )
        expectation = EStep(rows, "numpy")
        varying = varying_columns(rows.array)
        columns = np.arange(rows.shape[1]) if varying is None else varying
        layout = LAYOUTS[gradmix.covariance(self.covariance_type).moments]

        def floor_of(spread: float) -> float:
            return max(self.floor_of(spread), float(np.finfo(float).eps) * spread)

        why = why_degenerate(rows, expectation.covariance, columns, floor_of, layout)
        return f"no spread in some direction. {why}" if why else ""

    def check_rows(self, X: Array) -> None:
        """Check that there are enough rows, and that columns vary neither too little nor too much."""
        super().check_rows(X)
        if len(X) > 1 and has_ordinary_variances(X):
            return
        if not len(X):
            raise DataError("X has 0 rows; a fit needs at least 2.")
        if len(X) == 1:
            raise DataError("X has 1 sample: its variance is zero and the likelihood has no maximum. A fit needs 2.")
        constant = constant_columns(X) if self.estimates_variances else []
        if len(constant) == X.shape[1]:
            raise DataError("every column is constant: the variances are zero and the likelihood has no maximum.")
        if constant and self.reg_covar == 0:
            raise DataError(
                f"column {constant[0]} (counted from 0) is constant ({len(constant)} of {X.shape[1]} columns are): its "
                "variance is zero and, with reg_covar=0, the likelihood has no maximum. Drop constant columns first "
                "(in a run: dataset.drop_constant=true)."
            )
        check_variances(X)

    @property
    def estimates_variances(self) -> bool:
        """Whether a fit estimates variances, so that the data must have some."""
        return True

    @property
    def weights_(self) -> Array:
        """Mixing coefficients, shape (k,)."""
        return self.fitted("weights")  # type: ignore[no-any-return]

    @property
    def means_(self) -> Array:
        """Means, shape (k, d)."""
        return self.fitted("means")  # type: ignore[no-any-return]

    @property
    def covariances_(self) -> Array:
        """Covariances, shaped by their type: (k, d, d), (d, d), (k, d) or (k,)."""
        return self.fitted("covariances")  # type: ignore[no-any-return]

    @property
    def precisions_(self) -> Array:
        """Inverses of the covariances, in their shape."""
        return self.fitted("precisions")  # type: ignore[no-any-return]

    @property
    def precisions_cholesky_(self) -> Array:
        """Factors P of the precisions P Pᵀ, upper triangular or positive, in the shape of the covariances."""
        return self.fitted("precisions_cholesky")  # type: ignore[no-any-return]

    @property
    def lower_bounds_(self) -> list[float]:
        """Mean log-likelihood per row after each iteration of the best start, in nats."""
        return (self.trace_ / self.total_weight_).tolist()  # type: ignore[no-any-return]

    @property
    def lower_bound_(self) -> float:
        """Mean log-likelihood per row of the fitted model, in nats."""
        return self.lower_bounds_[-1]

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each component given each row, shape (n, k)."""
        return self.fitted("predict_proba")(self.rows(X))  # type: ignore[no-any-return]

    def score_samples(self, X: Any) -> Array:
        """Log-density of each row, in nats, shape (n,)."""
        return self.fitted("score_samples")(self.rows(X))  # type: ignore[no-any-return]

    def score(self, X: Any, y: object = None) -> float:
        """Return the mean log-density of the rows, in nats; raise DataError if there are no rows."""
        return float(self.fitted("score")(self._rows_to_score(X)))

    def _rows_to_score(self, X: Any) -> Array:
        """Return the rows as the fitted model takes them, after a check that there is at least one."""
        rows = self.rows(X)
        if not len(rows):
            raise DataError("X has 0 rows; a score needs at least 1.")
        return rows

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better."""
        return float(self.fitted("bic")(self._rows_to_score(X)))

    def aic(self, X: Any) -> float:
        """Akaike information criterion; lower is better."""
        return float(self.fitted("aic")(self._rows_to_score(X)))

    def icl(self, X: Any) -> float:
        """Integrated completed likelihood; lower is better."""
        return float(self.fitted("icl")(self._rows_to_score(X)))

    def uncertainty(self, X: Any) -> Array:
        """Probability that a row does not belong to the component that `predict` returns, shape (n,)."""
        return self.fitted("uncertainty")(self.rows(X))  # type: ignore[no-any-return]

    def sample(self, n_samples: int = 1) -> tuple[Array, IntArray]:
        """Draw rows and their components from the fitted mixture, shapes (n, d) and (n,)."""
        return self.fitted("sample")(n_samples, np.random.default_rng(getattr(self, "random_state", None)))  # type: ignore[no-any-return]


@dataclass
class StartedMixture(MixtureEstimator):
    """Base of the clusterers of mixtures that iterate from several starts.

    Parameters
    ----------
    n_components
        Number of Gaussians, k.
    covariance_type
        Constraint on the covariances: a matrix for each component (full), one matrix for all (tied), for each component
        a variance per feature (diag) or a single variance (spherical), or the name of another covariance type, such as
        mclust's.
    tol
        Stop when an iteration changes the mean log-likelihood per row by less than this (nats).
    reg_covar
        Number added to every variance, so that none becomes zero, in units of the columns' mean variance.
    reg_covar_is_relative
        False if `reg_covar` is in the units of the data, as in scikit-learn.
    max_iter
        Most iterations of a start.
    n_init
        Number of starts; the best is kept.
    init_params
        How a start is chosen: clusters of k-means; rows nearest to k-means++ centers; groups that are visible along
        some direction, which k-means misses in many dimensions (projections); rows nearest to random rows
        (random_from_data); random responsibilities (random).
    random_state
        Seed of the starts.
    """

    n_components: GroupCount = 2
    covariance_type: Annotated[str, NameOf("covariance"), Freedom()] = "full"
    tol: NonNegativeFloat = 1e-6
    reg_covar: Regularisation = 1e-9
    reg_covar_is_relative: bool = True
    max_iter: PositiveInt = 1000
    n_init: PositiveInt = 1
    init_params: Annotated[str, KeyOf("gradmix_clustering.starts:STARTS")] = "kmeans"
    random_state: Seed = None


def varying_columns(X: Array) -> IntArray | None:
    """Numbers of the columns that are not constant; None if all vary."""
    constant = constant_columns(X)
    return np.setdiff1d(np.arange(X.shape[1]), constant) if constant else None
