"""The clusterer ``gmm``: a Gaussian mixture fitted by EM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

import gradmix
from gradmix import (
    AIC,
    BIC,
    COLLAPSED,
    LOG_LIKELIHOOD,
    DataError,
    FoldingClusterer,
    Freedom,
    GroupCount,
    Iteration,
    KeyOf,
    Meaning,
    NameOf,
    NonNegativeFloat,
    PositiveInt,
    Rows,
    Seed,
)

if TYPE_CHECKING:
    from gradmix.arrays import Array, IntArray
    from gradmix_clustering.mixture_model import GaussianMixtureModel


@dataclass
class GaussianMixture(FoldingClusterer["GaussianMixtureModel"]):
    """Gaussian mixture fitted by expectation maximisation.

    Parameters
    ----------
    n_components
        Number of Gaussians, k.
    covariance_type
        Constraint on the covariances: one matrix each (full), one for all (tied), a variance per feature (diag), one
        variance (spherical), or the name of another covariance type, such as mclust's.
    tol
        Stop when an iteration changes the mean log-likelihood per row by less than this (nats).
    reg_covar
        Added to every variance, so that none becomes zero: in units of the columns' mean variance.
    reg_covar_is_relative
        False for a `reg_covar` in the units of the data, as scikit-learn has it.
    max_iter
        Most EM iterations of a start.
    n_init
        Number of starts; the best is kept.
    init_params
        How a start is chosen: clusters of k-means, rows nearest to k-means++ centers, rows nearest to random rows
        (random_from_data), random responsibilities (random).
    random_state
        Seed of the starts.
    backend
        What an iteration is computed by: kernels that numba compiles once (numba), or arrays (numpy), about ten times
        slower. They differ in the last digits. Without numba, numpy is the default.

    Notes
    -----
    Source: Dempster, Laird & Rubin, J. R. Stat. Soc. B 39 (1977) 1-38; Bishop, *Pattern Recognition and Machine
    Learning* (2006), section 9.2. After `fit`: ``weights_``, ``means_``, ``covariances_``, ``log_likelihood_`` (total,
    nats), ``lower_bound_`` (per row), ``lower_bounds_``, ``precisions_``, ``precisions_cholesky_``, ``n_iter_``,
    ``converged_``; ``model_`` has marginals and conditionals.

    Examples
    --------
    >>> X = [[0.0], [0.2], [0.1], [5.0], [5.1], [5.2]]
    >>> GaussianMixture(n_components=2, random_state=0).fit(X).weights_.tolist()
    [0.5, 0.5]
    """

    objective = LOG_LIKELIHOOD

    n_components: GroupCount = 2
    covariance_type: Annotated[str, NameOf("covariance"), Freedom()] = "full"
    tol: NonNegativeFloat = 1e-6
    reg_covar: NonNegativeFloat = 1e-9
    reg_covar_is_relative: bool = True
    max_iter: PositiveInt = 1000
    n_init: PositiveInt = 1
    init_params: Annotated[str, KeyOf("gradmix_clustering.starts:STARTS")] = "kmeans"
    random_state: Seed = None
    backend: Literal["numba", "numpy"] = "numba" if find_spec("numba") else "numpy"

    @classmethod
    def model_class(cls) -> type[GaussianMixtureModel]:
        """`GaussianMixtureModel`."""
        from gradmix_clustering.mixture_model import GaussianMixtureModel

        return GaussianMixtureModel

    def setup(self) -> None:
        """Import EM, and what it needs of SciPy."""
        super().setup()
        for module in ("gradmix_clustering.em", "scipy.linalg.lapack"):
            import_module(module)

    def compile(self) -> None:
        """Compile the E-step for the covariance type, and what the start needs."""
        from gradmix_clustering.starts import STARTS

        STARTS[self.init_params](Rows(np.arange(8.0)[:, None]), 2, np.random.default_rng(0))
        self._compile_expectation()

    def _compile_expectation(self) -> None:
        from gradmix_clustering.estep import compile_for

        if self.backend == "numba":
            compile_for(gradmix.covariance(self.covariance_type).moments)

    def metrics(self) -> tuple[Meaning, ...]:
        """The criteria that price parameters rank before the likelihood, which more components always improve."""
        return (
            BIC,
            self.objective.meaning,
            AIC,
            Meaning("icl", "lower", "", "BIC, with a price for groups that overlap"),
            COLLAPSED,
        )

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: GaussianMixtureModel | None = None
    ) -> Iterator[Iteration[GaussianMixtureModel]]:
        """EM from one start, or from a model on."""
        from gradmix_clustering.em import em, start_model
        from gradmix_clustering.estep import EStep
        from gradmix_clustering.starts import STARTS

        self._compile_expectation()
        expectation = EStep(rows, self.backend)
        spread = expectation.spread
        floor = self.reg_covar * (spread if self.reg_covar_is_relative else 1.0)
        least = max(floor, np.finfo(float).eps * spread)
        if state is None:
            responsibilities = STARTS[self.init_params](rows, self.n_components, rng)
            state = start_model(rows, responsibilities, self.covariance_type, floor)
        for _, step in zip(range(self.max_iter), em(expectation, state, floor), strict=False):
            converged, collapsed = abs(step.gain) < self.tol, step.model.n_collapsed(least, rows.total_weight)
            yield Iteration(step.model, {"log_likelihood": step.log_likelihood}, converged, collapsed=collapsed)
            if converged:
                return

    def check_rows(self, X: Array) -> None:
        """Check that there are rows enough, and no constant column."""
        from gradmix.arrays import constant_columns

        super().check_rows(X)
        if len(X) == 1:
            raise DataError("X has 1 sample: its variance is zero and the likelihood has no maximum.")
        constant = constant_columns(X)
        if constant:
            raise DataError(
                f"column {constant[0]} (counted from 0) is constant: its variance is zero and the likelihood has no "
                f"maximum ({len(constant)} such column(s)). Drop them first, in a run by dataset.drop_constant=true."
            )

    # What scikit-learn's GaussianMixture offers after fit.

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
        """Mean log-likelihood per row after each iteration of the start that was kept, in nats."""
        return (self.trace_ / self.total_weight_).tolist()  # type: ignore[no-any-return]

    @property
    def lower_bound_(self) -> float:
        """Mean log-likelihood per row of the fit, in nats."""
        return self.lower_bounds_[-1]

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each component given each row, shape (n, k)."""
        return self.fitted("predict_proba")(self.rows(X))  # type: ignore[no-any-return]

    def score_samples(self, X: Any) -> Array:
        """Log-density of each row, in nats, shape (n,)."""
        return self.fitted("score_samples")(self.rows(X))  # type: ignore[no-any-return]

    def score(self, X: Any, y: object = None) -> float:
        """Mean log-density of the rows, in nats."""
        return float(self.score_samples(X).mean())

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better."""
        return float(self.fitted("bic")(self.rows(X)))

    def aic(self, X: Any) -> float:
        """Akaike information criterion; lower is better."""
        return float(self.fitted("aic")(self.rows(X)))

    def icl(self, X: Any) -> float:
        """Integrated completed likelihood; lower is better."""
        return float(self.fitted("icl")(self.rows(X)))

    def uncertainty(self, X: Any) -> Array:
        """Probability that a row is not of the component that `predict` gives, shape (n,)."""
        return self.fitted("uncertainty")(self.rows(X))  # type: ignore[no-any-return]

    def sample(self, n_samples: int = 1) -> tuple[Array, IntArray]:
        """Draw rows and their components from the fitted mixture, shapes (n, d) and (n,)."""
        return self.fitted("sample")(n_samples, np.random.default_rng(self.random_state))  # type: ignore[no-any-return]
