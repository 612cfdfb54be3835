"""E-step compiled by numba: what `Expectation` does with NumPy, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradmix import Block
from gradmix.arrays import Array
from gradmix_clustering import kernels
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Layout, Moments

_NEAR = 1e3
"""Squared Mahalanobis distance from center to mean up to which the pooled scatter follows from the scatter of all rows.

It is a difference then, which loses as many digits as this has.
"""


@dataclass(frozen=True, eq=False)
class CompiledExpectation:
    """The E-step of one iteration: a function of a block of rows, made once from the model and then sent to the rows.

    Parameters
    ----------
    kernel
        Name of a function of `gradmix_clustering.kernels`.
    parameters
        Its parameters of the model, one behind the other. Features are filled up with zeros to a multiple of four.
    origins
        Points around which it takes moments, shape (k, d).
    layout
        Which second moments are gathered.
    """

    kernel: str
    parameters: Array
    origins: Array
    layout: Layout

    @classmethod
    def in_single_precision(cls, model: GaussianMixtureModel, center: Array) -> CompiledExpectation:
        """The E-step of a model with a matrix for each component, in single precision around `center`, shape (d,).

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """
        means = (model.means - center).astype(np.float32).astype(np.float64)
        narrow = _joined(_filled(means, 1), _filled(np.swapaxes(model.whiteners, 1, 2), 2)).astype(np.float32)
        parameters = _joined(_filled(center, 1), model.log_constants, narrow.view(np.float64))
        return cls("full_single", parameters, center + means, "full")

    @classmethod
    def of(cls, model: GaussianMixtureModel, center: Array) -> CompiledExpectation:
        """The E-step under a model, of rows whose mean is `center`, shape (d,).

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """
        layout, whiteners, means = model.covariance.moments, model.whiteners, model.means
        if layout == "pooled":
            whitened = (means - center) @ whiteners[0]
            if (np.einsum("kd,kd->k", whitened, whitened) <= _NEAR).all():
                around = _filled(center, 1), _filled(whiteners[0].T, 2), _filled(whitened, 2), model.log_constants
                return cls("pooled", _joined(*around), np.broadcast_to(center, means.shape), layout)
        if whiteners.ndim == 3:
            factors = _filled(np.swapaxes(whiteners, 1, 2), 2)
            return cls("full", _joined(_filled(means, 1), factors, model.log_constants), means, layout)
        scales = _filled(whiteners, 2) if whiteners.ndim == 2 else whiteners
        return cls(layout, _joined(_filled(means, 2), scales, model.log_constants), means, layout)

    @property
    def lacks_scatter(self) -> bool:
        """Whether the moments have no scatter: around a common center it is that of all rows, whatever the model."""
        return self.kernel == "pooled"

    def __call__(self, block: Block) -> Moments:
        """Moments of the rows around the origins."""
        X = np.ascontiguousarray(block.X)
        weights = None if block.weights is None else np.ascontiguousarray(block.weights)
        k, d = self.origins.shape
        dp, kp = _multiple_of_four(d), _multiple_of_four(k)
        scratch = np.empty((2 * dp + 2 * kp) * kernels.STRIDE + 7)
        moments = np.zeros(k + kp * dp + _SECOND[self.kernel](k, dp))
        log_likelihood = getattr(kernels, self.kernel)(
            X.ctypes.data,
            0 if weights is None else weights.ctypes.data,
            len(X),
            d,
            k,
            self.parameters.ctypes.data,
            -(-scratch.ctypes.data // 64) * 64,  # vectors that cross a line of the cache take twice as long
            moments.ctypes.data,
        )
        first = moments[k : k + k * dp].reshape(k, dp)[:, :d]
        return Moments(log_likelihood, moments[:k], first, self._scatter(moments[k + k * dp :], k, d), self.origins)

    def _scatter(self, second: Array, k: int, d: int) -> Array:
        if self.lacks_scatter:
            return np.zeros((d, d))
        if self.kernel == "trace":
            return second[:k]
        dp = _multiple_of_four(d)
        if self.kernel == "diagonal":
            return second[: k * dp].reshape(k, dp)[:, :d]
        scatter = second[: k * dp * dp].reshape(k, dp, dp)
        lower = scatter.sum(axis=0) if self.layout == "pooled" else scatter
        strict = np.tril(lower, -1)
        return (lower + np.swapaxes(strict, -1, -2))[..., :d, :d]


_SECOND: dict[str, Callable[[int, int], int]] = {
    "full": lambda k, d: k * d * d,
    "full_single": lambda k, d: k * d * d,
    "pooled": lambda k, d: 0,
    "diagonal": lambda k, d: k * d,
    "trace": lambda k, d: k,
}
"""How many second moments each kernel adds to."""


def compile_for(layout: Layout, precision: str) -> None:
    """Compile the kernels of a layout, or read them from numba's cache on disk; else the first tile would wait."""
    single = ("full_single",) if precision == "float32" else ()
    for kernel in (*single, *(("pooled", "full") if layout == "pooled" else (layout,))):
        CompiledExpectation(kernel, np.zeros(64), np.zeros((1, 1)), layout)(Block(np.zeros((1, 1)), None, 0))


def _joined(*parts: Array) -> Array:
    return np.concatenate([part.ravel() for part in parts])


def _multiple_of_four(d: int) -> int:
    return -(-d // 4) * 4


def _filled(array: Array, axes: int) -> Array:
    """Zeros after an array's last axes, up to a multiple of four."""
    kept = array.ndim - axes
    filled = np.zeros(array.shape[:kept] + tuple(map(_multiple_of_four, array.shape[kept:])))
    filled[tuple(map(slice, array.shape))] = array
    return filled
