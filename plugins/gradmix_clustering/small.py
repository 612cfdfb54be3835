"""EM on small data: whole starts, compiled. Where they cannot be, `gradmix_clustering.em` iterates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradmix import Covariance, Iteration, NumericalError, Rows, Trace
from gradmix.arrays import Array
from gradmix_clustering.covariance import EEE, VII, VVI, VVV
from gradmix_clustering.estep import EStep
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.starts import KMEANS_ITERATIONS, find_start

if TYPE_CHECKING:
    from gradmix_clustering.gmm import GaussianMixture

FULL, TIED, DIAGONAL, SPHERICAL = range(4)
MORE, CONVERGED, SINGULAR, NOT_FINITE = range(4)
"""Why `em_steps` has ended: there was room for no more steps, or one of three ends."""
KINDS: dict[type[Covariance], int] = {VVV: FULL, EEE: TIED, VVI: DIAGONAL, VII: SPHERICAL}
"""Covariance types that the kernels know."""
_MOST_ROWS = 2**11
_MOST_NUMBERS = 2**17
"""Products of rows, components and squared features up to which the kernels, which always take full matrices, pay."""
_FEWEST_STEPS, _MOST_STEPS = 16, 1024
"""Steps that are kept between two looks at them: at first, and later on."""

_SHAPES: dict[int, Callable[[Array], Array]] = {
    FULL: lambda matrices: matrices,
    TIED: lambda matrices: matrices[0],
    DIAGONAL: lambda matrices: np.diagonal(matrices, axis1=1, axis2=2),
    SPHERICAL: lambda matrices: matrices[:, 0, 0],
}
"""From matrices to the shapes in which models keep covariances."""


def is_small(covariance: Covariance, n: int, d: int, k: int) -> bool:
    """Whether whole starts on n rows of d features with k components are to be compiled."""
    return type(covariance) in KINDS and n <= _MOST_ROWS and n * k * d**2 <= _MOST_NUMBERS


@dataclass(frozen=True, eq=False)
class SmallProblem:
    """A mixture to be fitted to a few rows.

    Parameters
    ----------
    rows
        The rows; what is computed from them waits until they have been checked.
    clusterer
        Its options.
    covariance
        Its covariance type.
    """

    rows: Rows
    clusterer: GaussianMixture
    covariance: Covariance

    @property
    def kind(self) -> int:
        """What the kernels call the covariance type."""
        return KINDS[type(self.covariance)]

    @cached_property
    def features(self) -> Array:
        """The rows' values, shape (d, n)."""
        return np.ascontiguousarray(self.rows.array.T)

    @cached_property
    def weights(self) -> Array:
        """Weight of each row, shape (n,)."""
        return np.ones(len(self.rows)) if self.rows.weights is None else self.rows.weights.copy()

    @cached_property
    def limits(self) -> tuple[float, Callable[[GaussianMixtureModel], NDArray[np.bool_]]]:
        """What is added to every variance, and what finds the components of a model that have collapsed."""
        return self.clusterer.limits(EStep(self.rows, "numpy"))

    def start(self, rng: np.random.Generator) -> Trace[GaussianMixtureModel]:
        """EM from clusters of k-means, to its end."""
        from gradmix_clustering.small_kernels import em_steps

        k, d = self.clusterer.n_components, len(self.features)
        joint = self.clusters(k, rng) * self.weights
        model = np.empty(k), np.tile(self.features.mean(axis=1), (k, 1)), np.empty((k, d, d))
        tol, most = self.clusterer.tol * self.rows.total_weight, self.clusterer.max_iter
        values, steps, done, end = [], [], 0, MORE
        while end == MORE and done < most:
            room = min(max(_FEWEST_STEPS, min(done, _MOST_STEPS)), most - done)
            trace, kept = np.empty(room), np.empty((room, k * (1 + d + d * d)))
            count, end = em_steps(
                self.features, self.weights, done == 0, self.kind, self.limits[0], tol, joint, *model, trace, kept
            )
            values.append(trace[:count])
            steps.append(kept[:count])
            done += count
        error = None if end in (MORE, CONVERGED) else self._error(end, *model)
        found = np.concatenate(values)
        return Trace(found, partial(self._iteration, found, np.concatenate(steps), end == CONVERGED), error)

    def clusters(self, k: int, rng: np.random.Generator) -> Array:
        """Responsibilities of a start, which are those of the clusters of k-means, shape (k, n)."""
        from gradmix_clustering.small_kernels import clusters as cluster

        before = rng.bit_generator.state
        uniforms = rng.random(1 + (k - 1) * (2 + int(np.log(k))))
        labels = np.empty(len(self.weights), dtype=np.intp)
        centers = np.empty((k, len(self.features)))
        if cluster(self.features, self.weights, uniforms, centers, labels, KMEANS_ITERATIONS):
            return np.asarray(labels == np.arange(k)[:, None], dtype=float)
        rng.bit_generator.state = before  # a cluster has lost all its rows, which happens seldom
        (block,) = self.rows.blocks()
        return find_start("kmeans", self.rows, k, rng)(block)

    def _iteration(
        self, values: Array, steps: Array, has_converged: bool, number: int
    ) -> Iteration[GaussianMixtureModel]:
        k, d = self.clusterer.n_components, len(self.features)
        weights, means, matrices = np.split(steps[number], [k, k + k * d])
        model = self._model(weights, means.reshape(k, d), matrices.reshape(k, d, d))
        metrics = {"log_likelihood": float(values[number])}
        is_last = number == len(values) - 1
        return Iteration(model, metrics, has_converged and is_last, collapsed=int(self.limits[1](model).sum()))

    def _model(self, weights: Array, means: Array, matrices: Array) -> GaussianMixtureModel:
        covariances = _SHAPES[self.kind](matrices).copy()
        model = GaussianMixtureModel(weights.copy(), means.copy(), covariances, self.clusterer.covariance_type)
        vars(model)["covariance"] = self.covariance  # it need not be looked up
        return model

    def _error(self, end: int, weights: Array, means: Array, matrices: Array) -> NumericalError:
        """What the E-step says of a model that has no likelihood."""
        try:
            EStep(self.rows, "numpy")(self._model(weights, means, matrices))
        except NumericalError as error:
            return error
        word = "a covariance became singular" if end == SINGULAR else "the log-likelihood is not finite"
        return NumericalError(f"{word}: raise reg_covar, lower n_components, or choose another covariance type.")
