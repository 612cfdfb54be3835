"""EM on small data: whole starts, compiled. Where they cannot be, `gradmix_clustering.em` iterates.

A fit takes few calls, as each costs about as much as an iteration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradmix import Covariance, Iteration, Rows, Streams, Trace
from gradmix.arrays import Array, IntArray
from gradmix_clustering.compiled import check_numba
from gradmix_clustering.covariance import EEE, VII, VVI, VVV
from gradmix_clustering.mixture_estimator import varying_columns
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
_ROUNDING = float(np.finfo(float).eps)

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


def small_problem(rows: Rows, clusterer: GaussianMixture, covariance: Covariance) -> SmallProblem | None:
    """The problem if whole starts are to be compiled, else None."""
    if not is_small(covariance, *rows.shape, clusterer.n_components):
        return None
    weights = np.array(1.0).repeat(len(rows)) if rows.weights is None else rows.weights.copy()
    return SmallProblem(rows, clusterer, covariance, rows.array.T.copy(), weights)


@cache
def _kernels() -> Any:
    check_numba()
    return import_module("gradmix_clustering.small_kernels")


@cache
def _em_kernels() -> Any:
    return import_module("gradmix_clustering.kernels")


@cache
def _stream_kernels() -> Any:
    return import_module("gradmix_clustering.stream_kernels")


def _draw(rngs: Sequence[np.random.Generator], uniforms: Array) -> None:
    """Fill a row for each generator."""
    if isinstance(rngs, Streams):
        module = _stream_kernels()
        module.uniforms(module.words_of(rngs.entropy), uniforms)
    else:
        for rng, of_one in zip(rngs, uniforms, strict=True):
            rng.random(out=of_one)


@dataclass(frozen=True, eq=False)
class SmallProblem:
    """A mixture to be fitted to a few rows.

    Parameters
    ----------
    rows
        The rows.
    clusterer
        Its options.
    covariance
        Its covariance type.
    features, weights
        Copies of the rows' values, shape (d, n), and weights, shape (n,): kernels are compiled for arrays that can be
        written.
    """

    rows: Rows
    clusterer: GaussianMixture
    covariance: Covariance
    features: Array
    weights: Array

    @property
    def kind(self) -> int:
        """What the kernels call the covariance type."""
        return KINDS[type(self.covariance)]

    def starts(self, rngs: Sequence[np.random.Generator]) -> list[Trace[GaussianMixtureModel]] | None:
        """EM from clusters of k-means, to its end, once for each generator; None if a start breaks down.

        Rows that are far from 0 need a frame of their own: for them, too, it is None.
        """
        s, k, d = len(rngs), self.clusterer.n_components, len(self.features)
        models = np.empty((s, k)), np.empty((s, k, d)), np.empty((s, k, d, d))
        labels, spread = self.clusters(rngs, models[1])
        if spread != spread:
            return None
        floor, ends = self.clusterer.floor_of(spread), np.empty(s, dtype=np.bool_)
        values = self._em(labels, models, ends, floor)
        if values is None:
            return None
        last = partial(self._last, values, models, ends, max(floor, _ROUNDING * spread))
        return [Trace(of_one, partial(last, start)) for start, of_one in enumerate(values)]

    def clusters(self, rngs: Sequence[np.random.Generator], means: Array) -> tuple[IntArray, float]:
        """Label of each row in each start's clusters of k-means, shape (s, n), and the features' mean variance.

        That is NaN if a cluster loses all its rows, or a column is far from 0. `means`, shape (s, k, d), all become the
        mean of the rows.
        """
        s, k, _ = means.shape
        uniforms, labels = (
            np.empty((s, 1 + (k - 1) * (2 + int(math.log(k))))),
            np.empty((s, len(self.weights)), np.intp),
        )
        _draw(rngs, uniforms)
        return labels, _kernels().clusters(self.features, self.weights, uniforms, means, labels, KMEANS_ITERATIONS)

    def _em(
        self, labels: IntArray, models: tuple[Array, ...], ends: NDArray[np.bool_], floor: float
    ) -> list[Array] | None:
        """Log-likelihoods of each start by step; `models` become the last ones, and `ends` whether they converged."""
        most = self.clusterer.max_iter
        done = min(_FEWEST_STEPS, most)
        values = self._steps(done, labels, models, ends, floor)
        while values is not None and done < most and not all(ends.tolist()):
            left, room = np.flatnonzero(~ends), min(max(_FEWEST_STEPS, min(done, _MOST_STEPS)), most - done)
            part, still = tuple(each[left] for each in models), ends[left]
            more = self._steps(room, labels[:0], part, still, floor)
            if more is None:
                return None
            for each, changed in zip((*models, ends), (*part, still), strict=True):
                each[left] = changed
            for start, trace in zip(left.tolist(), more, strict=True):
                values[start] = np.concatenate([values[start], trace])
            done += room
        return values

    def _steps(
        self, room: int, labels: IntArray, models: tuple[Array, ...], ends: NDArray[np.bool_], floor: float
    ) -> list[Array] | None:
        traces, counts = np.empty((len(ends), room)), np.empty(len(ends), dtype=np.intp)
        tol = self.clusterer.tol * self.rows.total_weight
        em = _em_kernels().em
        address = 0 if self.rows.weights is None else self.weights.ctypes.data
        if not em(self.features, self.weights, address, labels, self.kind, floor, tol, *models, traces, counts, ends):
            return None
        return [trace[:count] for trace, count in zip(traces, counts.tolist(), strict=True)]

    def _last(
        self, values: list[Array], models: tuple[Array, ...], ends: NDArray[np.bool_], least: float, start: int
    ) -> Iteration[GaussianMixtureModel]:
        """Last iteration of a start."""
        weights, means, covariances = (each[start] for each in models)
        labels, n = np.empty(len(self.weights), dtype=np.intp), self.rows.total_weight
        are_sure, collapsed = _kernels().judge(self.features, weights, means, covariances, n, 10 * least, labels)
        kept = _SHAPES[self.kind](covariances).copy()
        model = GaussianMixtureModel(weights, means, kept, self.clusterer.covariance_type)
        vars(model)["covariance"] = self.covariance  # it need not be looked up
        if collapsed < 0:
            collapsed = model.n_collapsed(least, n, varying_columns(self.rows.array))
        metrics = {"log_likelihood": float(values[start][-1])}
        return Iteration(model, metrics, bool(ends[start]), 0, 0, collapsed, labels if are_sure else None)
