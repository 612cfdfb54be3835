"""EM on small data, with whole starts compiled. Where this is not possible, `gradmix_clustering.em` iterates.

A fit makes few calls of the kernels, as a call takes about as long as an iteration.
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
"""Covariance type → its number in the kernels."""
_MOST_ROWS = 2**11
_MOST_NUMBERS = 2**17
"""Most products (rows · components · features²) for which the kernels are faster; they always use full matrices."""
_FEWEST_STEPS, _MOST_STEPS = 32, 1024
"""Most steps in the first call, and in later calls."""
_ROUNDING = float(np.finfo(float).eps)

_SHAPES: dict[int, Callable[[Array], Array]] = {
    FULL: lambda matrices: matrices,
    TIED: lambda matrices: matrices[0],
    DIAGONAL: lambda matrices: np.diagonal(matrices, axis1=1, axis2=2),
    SPHERICAL: lambda matrices: matrices[:, 0, 0],
}
"""Kind → function that converts matrices to the shape of a model's covariances."""


def is_small(covariance: Covariance, n: int, d: int, k: int) -> bool:
    """Whether compiled whole starts are used for n rows of d features with k components."""
    return type(covariance) in KINDS and n <= _MOST_ROWS and n * k * d**2 <= _MOST_NUMBERS


def small_problem(rows: Rows, clusterer: GaussianMixture, covariance: Covariance) -> SmallProblem | None:
    """Return the problem if compiled whole starts are used, else None."""
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
    """Fill one row of random numbers from each generator."""
    if isinstance(rngs, Streams):
        module = _stream_kernels()
        module.uniforms(module.words_of(rngs.entropy), uniforms)
    else:
        for rng, of_one in zip(rngs, uniforms, strict=True):
            rng.random(out=of_one)


@dataclass(frozen=True, eq=False)
class SmallProblem:
    """A mixture to fit to a few rows.

    Parameters
    ----------
    rows
        The rows.
    clusterer
        Its options.
    covariance
        Its covariance type.
    features, weights
        Copies of the rows' values, shape (d, n), and weights, shape (n,): kernels are compiled for writable
        arrays.
    """

    rows: Rows
    clusterer: GaussianMixture
    covariance: Covariance
    features: Array
    weights: Array

    @property
    def kind(self) -> int:
        """Number of the covariance type in the kernels."""
        return KINDS[type(self.covariance)]

    def starts(self, rngs: Sequence[np.random.Generator]) -> list[Trace[GaussianMixtureModel]] | None:
        """Run EM from k-means clusters until it ends, once for each generator; return None if a start breaks down.

        Rows that are far from 0 need another frame; the result is None for them, too.
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
        """Return each start's labels from k-means, shape (s, n), and the features' mean variance.

        The variance is NaN if a cluster loses all its rows, or if a column is far from 0. All `means`, shape
        (s, k, d), are set to the mean of the rows.
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
        """Return each start's log-likelihoods by step; write the last `models`, and to `ends` which converged."""
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
        """Return the last iteration of a start."""
        weights, means, covariances = (each[start] for each in models)
        labels, n = np.empty(len(self.weights), dtype=np.intp), self.rows.total_weight
        are_sure, collapsed = _kernels().judge(self.features, weights, means, covariances, n, 10 * least, labels)
        kept = _SHAPES[self.kind](covariances).copy()
        model = GaussianMixtureModel(weights, means, kept, self.clusterer.covariance_type)
        vars(model)["covariance"] = self.covariance  # saves a look-up
        if collapsed < 0:
            collapsed = model.n_collapsed(least, n, varying_columns(self.rows.array))
        metrics = {"log_likelihood": float(values[start][-1])}
        return Iteration(model, metrics, bool(ends[start]), 0, 0, collapsed, labels if are_sure else None)
