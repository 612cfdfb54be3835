"""EM on small data: whole starts, compiled. Where they cannot be, `gradmix_clustering.em` iterates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradmix import Covariance, Iteration, Rows, Trace
from gradmix.arrays import Array, IntArray
from gradmix_clustering.covariance import EEE, VII, VVI, VVV
from gradmix_clustering.estep import EStep
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.starts import KMEANS_ITERATIONS

if TYPE_CHECKING:
    from gradmix_clustering.gmm import GaussianMixture

FULL, TIED, DIAGONAL, SPHERICAL = range(4)
KINDS: dict[type[Covariance], int] = {VVV: FULL, EEE: TIED, VVI: DIAGONAL, VII: SPHERICAL}
"""Covariance types that the kernels know."""
_MOST_ROWS = 2**11
_MOST_NUMBERS = 2**17
"""Products of rows, components and squared features up to which the kernels, which always take full matrices, pay."""
_FEWEST_STEPS, _MOST_STEPS = 32, 1024
"""Steps for which there is room in one call: at first, and later on."""

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
    def expectation(self) -> EStep:
        """What the limits follow from."""
        return EStep(self.rows, "numpy")

    @cached_property
    def limits(self) -> tuple[float, Callable[[GaussianMixtureModel], NDArray[np.bool_]]]:
        """What is added to every variance, and what finds the components of a model that have collapsed."""
        return self.clusterer.limits(self.expectation)

    def starts(self, rngs: Sequence[np.random.Generator]) -> list[Trace[GaussianMixtureModel]] | None:
        """EM from clusters of k-means, to its end, once for each generator; None if a start breaks down."""
        labels = self.clusters(rngs)
        if labels is None:
            return None
        s, k, d = len(rngs), self.clusterer.n_components, len(self.features)
        models = np.empty((s, k)), np.empty((s, k, d)), np.empty((s, k, d, d))
        models[1][:] = self.expectation.center
        found = self._em(labels, models)
        if found is None:
            return None
        return [
            Trace(values, partial(self._last, values[-1], has_converged, *model))
            for values, has_converged, *model in zip(*found, *models, strict=True)
        ]

    def clusters(self, rngs: Sequence[np.random.Generator]) -> IntArray | None:
        """Label of each row in each start's clusters of k-means, shape (s, n); None if one loses all its rows."""
        from gradmix_clustering.small_kernels import clusters as cluster

        k = self.clusterer.n_components
        uniforms = np.array([rng.random(1 + (k - 1) * (2 + int(np.log(k)))) for rng in rngs])
        labels = np.empty((len(rngs), len(self.weights)), dtype=np.intp)
        return labels if cluster(self.features, self.weights, uniforms, k, labels, KMEANS_ITERATIONS) else None

    def _em(self, labels: IntArray, models: tuple[Array, ...]) -> tuple[list[Array], NDArray[np.bool_]] | None:
        """Log-likelihoods of each start by step, and which of them converge; `models` become the last ones."""
        from gradmix_clustering.small_kernels import em

        tol, most = self.clusterer.tol * self.rows.total_weight, self.clusterer.max_iter
        values: list[Array] = [np.empty(0)] * len(labels)
        converged = np.zeros(len(labels), dtype=np.bool_)
        left, done = np.arange(len(labels)), 0
        while len(left) and done < most:
            room = min(max(_FEWEST_STEPS, min(done, _MOST_STEPS)), most - done)
            traces, counts, ends = np.empty((len(left), room)), np.empty_like(left), converged[left]
            part = [each[left] for each in models]
            begun = labels[:0] if done else labels
            if not em(self.features, self.weights, begun, self.kind, self.limits[0], tol, *part, traces, counts, ends):
                return None
            for each, changed in zip(models, part, strict=True):
                each[left] = changed
            for start, trace, count in zip(left, traces, counts, strict=True):
                values[start] = np.concatenate([values[start], trace[:count]])
            converged[left] = ends
            left, done = left[~ends], done + room
        return values, converged

    def _last(
        self, value: float, has_converged: bool, weights: Array, means: Array, covariances: Array
    ) -> Iteration[GaussianMixtureModel]:
        """Last iteration of a start."""
        kept = _SHAPES[self.kind](covariances).copy()
        model = GaussianMixtureModel(weights.copy(), means.copy(), kept, self.clusterer.covariance_type)
        vars(model)["covariance"] = self.covariance  # it need not be looked up
        collapsed = int(np.count_nonzero(self.limits[1](model)))
        return Iteration(model, {"log_likelihood": float(value)}, bool(has_converged), collapsed=collapsed)
