"""The clusterer ``gmm``: a Gaussian mixture fitted by EM."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

import gradmix
from gradmix import (
    BatchOfStarts,
    Bounds,
    ConfigError,
    Iteration,
    NonNegativeInt,
    PositiveInt,
    PythonOnly,
    Rows,
)
from gradmix_clustering.mixture_estimator import StartedMixture, varying_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gradmix.arrays import Array
    from gradmix_clustering.estep import EStep
    from gradmix_clustering.frame import Frame
    from gradmix_clustering.given import Given
    from gradmix_clustering.mixture_model import GaussianMixtureModel

_LEAST_SHARE = 1e-3
"""Least share of the variance of all rows that a component has in every direction, if `on_collapse` is floor."""


@dataclass
class GaussianMixture(StartedMixture):
    """Gaussian mixture fitted by expectation maximisation.

    Parameters
    ----------
    tol
        Stop when an iteration changes the mean log-likelihood per row by less than this (nats). With 0, stop when
        nothing changes any more.
    on_collapse
        What to do if a component collapses onto too few different rows: only count it (report), restart it at the row
        of lowest density, a few times per start (reseed), or prevent the collapse (floor). With floor, a component has
        at least a thousandth of the variance of all rows in every direction.
    update
        What an iteration estimates: all parameters, or only the means. If only the means are estimated, the covariances
        of all components are σ² I, and the weights are uniform.
    sigma
        σ if only means are estimated, in the units of the data; null means 1.
    backend
        How an iteration is computed: by kernels that numba compiles once (numba), or by NumPy arrays (numpy), about ten
        times slower. The results differ in the last digits. The default is numba if it is installed, else numpy.
    precision
        Precision of rows, means and whiteners in an iteration. With numba, float32 takes six tenths of the time if each
        component has its own matrix, and about four fifths otherwise. The log-likelihood of an iteration then has about
        eight correct digits; that of the last iteration is computed in float64. The mean of the rows is subtracted in
        float64. A component that is too thin for float32, relative to the spread of the rows, raises an error.
    weights_init
        Weights to start from, shape (k,), or to keep if only means are estimated. This option and the next two replace
        the corresponding results of `init_params`.
    means_init
        Means to start from, shape (k, d).
    precisions_init
        Inverse covariances to start from, or to keep if only means are estimated, in the shape of the covariances. For
        spheres (spherical, VII, EII), a single number applies to all components.
    warm_start
        Whether a second `fit` continues from the result of the first one, as a single start.
    verbose
        1 prints each start and every `verbose_interval`-th iteration; 2 also prints times and gains of the
        log-likelihood.
    verbose_interval
        Number of iterations from one printed line to the next.

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

    on_collapse: Literal["report", "reseed", "floor"] = "report"
    update: Literal["all", "means"] = "all"
    sigma: Annotated[float, Bounds(gt=0, lt=math.inf)] | None = None
    backend: Literal["numba", "numpy"] = "numba" if find_spec("numba") else "numpy"
    precision: Literal["float64", "float32"] = "float64"
    weights_init: Annotated[Any, PythonOnly()] = None
    means_init: Annotated[Any, PythonOnly()] = None
    precisions_init: Annotated[Any, PythonOnly()] = None
    warm_start: Annotated[bool, PythonOnly()] = False
    verbose: Annotated[NonNegativeInt | bool, PythonOnly()] = 0
    verbose_interval: Annotated[PositiveInt, PythonOnly()] = 10

    def setup(self) -> None:
        """Import EM, and the parts of SciPy that it needs."""
        super().setup()
        for module in ("gradmix_clustering.em", "scipy.linalg.lapack"):
            import_module(module)

    def compile_for(self, rows: Rows) -> None:
        """Compile the E-step for the covariance type, and the kernels of the start, unless the problem is small."""
        from gradmix_clustering.assignment import least_problem
        from gradmix_clustering.compiled import pays
        from gradmix_clustering.starts import find_start

        if pays(*rows.shape, self.n_components):
            find_start(self.init_params, *least_problem(self.n_components), np.random.default_rng(0))
        self._compile_expectation()

    def _compile_expectation(self) -> None:
        from gradmix_clustering.estep import compile_for

        if self.backend == "numba":
            compile_for(gradmix.covariance(self.covariance_type).moments, self.precision)

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: GaussianMixtureModel | None = None
    ) -> Iterator[Iteration[GaussianMixtureModel]]:
        """Run EM from one start, or from a model."""
        from gradmix_clustering.em import em
        from gradmix_clustering.estep import EStep
        from gradmix_clustering.reseeding import MOST_TIMES, reseeded

        self._compile_expectation()
        expectation = EStep(rows, self.backend, gradmix.covariance(self.covariance_type).moments, self.precision)
        floor, find_collapsed = self.limits(expectation)
        frame = expectation.frame
        start = self._start(rows, rng, floor, frame) if state is None else frame.here(self._gone_on_from(state))
        steps = em(expectation, start, floor, self._least_covariance(expectation, floor))
        seeds_left = MOST_TIMES if self.on_collapse == "reseed" else 0
        for number in range(1, self.max_iter + 1):
            step = next(steps)
            collapsed = find_collapsed(step.model) & (self.update == "all")
            begins_again = bool(seeds_left and collapsed.any())
            converged = step.has_settled(self.tol) and not begins_again
            log_likelihood = step.log_likelihood
            if self.precision == "float32" and (converged or number == self.max_iter):
                log_likelihood = expectation.exactly(frame.here(step.model)).log_likelihood
            metrics = {"log_likelihood": log_likelihood}
            yield Iteration(step.model, metrics, converged, collapsed=int(np.count_nonzero(collapsed)))
            if converged:
                return
            if begins_again:
                seeds_left -= 1
                steps = em(expectation, frame.here(reseeded(step.model, collapsed, expectation, floor)), floor)

    def batch_of_starts(self, rows: Rows) -> BatchOfStarts[GaussianMixtureModel] | None:
        """Return compiled starts of EM from k-means, if the data are small and the options allow it; else None."""
        options = (self.init_params, self.on_collapse, self.backend, self.precision)
        if options != ("kmeans", "report", "numba", "float64") or not self._starts_freely:
            return None
        from gradmix_clustering.small import small_problem

        problem = small_problem(rows, self, gradmix.covariance(self.covariance_type))
        return None if problem is None else problem.starts

    def limits(self, expectation: EStep) -> tuple[float, Callable[[GaussianMixtureModel], NDArray[np.bool_]]]:
        """Return the number added to every variance, and the function that finds a model's collapsed components."""
        rows, spread = expectation.rows, expectation.spread
        floor, varying = self.floor_of(spread), varying_columns(rows.array)
        least = max(floor, np.finfo(float).eps * spread)
        return floor, lambda model: model.collapsed(least, rows.total_weight, varying)

    def _least_covariance(self, expectation: EStep, floor: float) -> Array | None:
        """Return the lower bound of all covariances, in the shape of one; None unless `on_collapse` is floor."""
        if self.on_collapse != "floor" or self.update == "means":
            return None
        from gradmix_clustering.layouts import LAYOUTS

        layout = LAYOUTS[gradmix.covariance(self.covariance_type).moments]
        covariance = expectation.frame.covariances_here(expectation.covariance)
        return layout.regularised(_LEAST_SHARE * layout.of_one(covariance), floor)

    def _start(self, rows: Rows, rng: np.random.Generator, floor: float, frame: Frame) -> GaussianMixtureModel:
        """Return the first model, in a frame: the given parameters, and a start's estimates of the others."""
        from gradmix_clustering.em import start_model
        from gradmix_clustering.starts import find_start

        given = self._given(rows.shape[1])
        if given.is_complete:
            model = frame.here(self.model_class()(covariance_type=self.covariance_type, **vars(given)))
        else:
            responsibilities = find_start(self.init_params, rows, self.n_components, rng)
            model = start_model(rows, responsibilities, self.covariance_type, floor, frame)
            if not given.is_empty:
                model = frame.here(given.applied_to(frame.back(model)))
        return model if self.update == "all" else replace(model, estimated=self.update)

    def _gone_on_from(self, state: GaussianMixtureModel) -> GaussianMixtureModel:
        from gradmix_clustering.given import check_goes_on

        check_goes_on(state, self.n_components, self.covariance_type)
        return replace(state, estimated=self.update)

    @property
    def _starts_freely(self) -> bool:
        """Whether a start chooses all parameters, so that none is given."""
        return (
            self.update == "all"
            and self.weights_init is None
            and self.means_init is None
            and self.precisions_init is None
        )

    def _given(self, d: int) -> Given:
        """Check the parameters that are given for rows of d features."""
        from gradmix_clustering.given import Given, checked_means, checked_weights, covariances_of, isotropic

        k, name = self.n_components, self.covariance_type
        weights = None if self.weights_init is None else checked_weights(self.weights_init, k)
        means = None if self.means_init is None else checked_means(self.means_init, k, d)
        covariances = None if self.precisions_init is None else covariances_of(self.precisions_init, name, k, d)
        if self.update == "means":
            weights = np.full(k, 1 / k) if weights is None else weights
            covariances = isotropic(self.sigma or 1.0, name, k, d) if covariances is None else covariances
        return Given(weights, means, covariances)

    def n_starts(self) -> int:
        """Return the number of starts: one if nothing is random."""
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        has_covariances = self.precisions_init is not None or self.update == "means"
        has_weights = self.weights_init is not None or self.update == "means"
        is_given = self.means_init is not None and has_covariances and has_weights
        return 1 if goes_on or is_given else self.n_init

    def iterations(self, X: Any, sample_weight: Any = None) -> Iterator[Iteration[GaussianMixtureModel]]:
        """Check options and data, then yield the numbered iterations of all starts; print them if `verbose`."""
        from gradmix_clustering.progress import printed

        found = super().iterations(X, sample_weight)
        if not self.verbose:
            return found
        n = (X if isinstance(X, Rows) and sample_weight is None else Rows(X, sample_weight)).total_weight
        return printed(found, n, self.verbose_interval, in_detail=self.verbose > 1)

    def check(self) -> None:
        """Check every option, that σ is given only if it is used, and a floor only if the type allows it."""
        super().check()
        if self.on_collapse == "floor" and not self._has_free_covariances:
            raise ConfigError(
                f"{self.kind}.on_collapse=floor would violate the constraint of covariance_type="
                f"{self.covariance_type}. Choose covariance_type=full, tied, diag or spherical, or on_collapse=reseed."
            )
        if self.sigma is not None and (self.update != "means" or self.precisions_init is not None):
            why = (
                "precisions_init sets the variances" if self.update == "means" else "update=all estimates the variances"
            )
            raise ConfigError(f"{self.kind}.sigma={self.sigma} has no effect: {why}.")

    @property
    def _has_free_covariances(self) -> bool:
        """Whether the covariance type allows every covariance of its layout's shape."""
        from gradmix_clustering.layouts import LAYOUTS

        covariance = gradmix.covariance(self.covariance_type)
        return type(covariance) is type(gradmix.covariance(LAYOUTS[covariance.moments].free))

    def check_rows(self, X: Array) -> None:
        """Check that there are enough rows, that columns vary, and that given parameters fit the columns."""
        super().check_rows(X)
        if not self._starts_freely:
            self._given(X.shape[1])

    @property
    def estimates_variances(self) -> bool:
        """Whether all parameters are estimated."""
        return self.update == "all"
