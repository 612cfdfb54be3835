"""E-step compiled by numba: the same as `Expectation`, in a fraction of the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradmix import Block
from gradmix.arrays import Array
from gradmix_clustering import kernels
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Layout, Moments, Precision

_NEAR = 1e3
"""Largest squared Mahalanobis distance from center to mean at which pooled scatter is derived from that of all rows.

The derived scatter is a difference, which loses as many digits as this number has.
"""


@dataclass(frozen=True, eq=False)
class CompiledExpectation:
    """The E-step of one iteration: a function of a block of rows, made once from the model and then sent to the rows.

    Parameters
    ----------
    kernel
        Name of a function of `gradmix_clustering.kernels`, in double precision.
    parameters
        The parameters that it needs of the model, concatenated. Features and components are padded with zeros to
        multiples of four.
    origins
        Points around which moments are taken, shape (k, d).
    layout
        Second moments to sum.
    precision
        Precision of rows, means and whiteners. In single precision, the center is subtracted from rows and means.
    """

    kernel: str
    parameters: Array
    origins: Array
    layout: Layout
    precision: Precision = "float64"

    @classmethod
    def of(cls, model: GaussianMixtureModel, center: Array, precision: Precision = "float64") -> CompiledExpectation:
        """Return the E-step under a model, for rows with the mean `center`, shape (d,).

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """
        layout, whiteners, near = model.covariance.moments, model.whiteners, model.means - center
        kernel = "full" if layout == "pooled" and not _are_near(near @ whiteners[0]) else layout
        if kernel == "pooled":
            origins = np.broadcast_to(center, near.shape)
        elif precision == "float32":
            near = near.astype(np.float32).astype(float)
            origins = center + near
        else:
            near = origins = model.means
        exact, rounded = _PARAMETERS[kernel](near, kernels.UNIT * whiteners)
        exact = [_filled(center, 1), _filled(model.log_constants / math.log(2), 1), *exact]
        rest = _joined(*rounded).astype(precision).view(np.float64)
        return cls(kernel, _joined(*exact, rest), origins, layout, precision)

    @property
    def lacks_scatter(self) -> bool:
        """Whether the moments have no scatter: around a common center, it is that of all rows for any model."""
        return self.kernel == "pooled"

    def __call__(self, block: Block) -> Moments:
        """Return the moments of the rows around the origins."""
        X = np.ascontiguousarray(block.X)
        weights = None if block.weights is None else np.ascontiguousarray(block.weights)
        k, d = self.origins.shape
        dp, kp = _multiple_of_four(d), _multiple_of_four(k)
        scratch = np.empty((2 * dp + 2 * kp) * kernels.ROW // 8 + 7)
        moments = np.zeros(k + kp * dp + _SECOND[self.kernel](k, dp))
        log_likelihood = getattr(kernels, self.kernel + _SUFFIX[self.precision])(
            X.ctypes.data,
            0 if weights is None else weights.ctypes.data,
            len(X),
            d,
            k,
            self.parameters.ctypes.data,
            -(-scratch.ctypes.data // 64) * 64,  # aligned, as vectors that cross a cache line take twice as long
            moments.ctypes.data,
        )
        first = moments[k : k + k * dp].reshape(k, dp)[:, :d]
        return Moments(log_likelihood, moments[:k], first, self._scatter(moments[k + kp * dp :], k, d), self.origins)

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
    "pooled": lambda k, d: 0,
    "diagonal": lambda k, d: k * d,
    "trace": lambda k, d: k,
}
"""Number of second moments that each kernel sums."""

_PARAMETERS: dict[str, Callable[[Array, Array], tuple[list[Array], list[Array]]]] = {
    "full": lambda means, whiteners: ([], [_filled(means, 2), _filled(np.swapaxes(whiteners, 1, 2), 2)]),
    "pooled": lambda means, whiteners: ([], [_filled(whiteners[0].T, 2), _filled(means @ whiteners[0], 2)]),
    "diagonal": lambda means, scales: ([], [_filled(means, 2), _filled(scales, 2)]),
    "trace": lambda means, scales: ([_filled(scales, 1)], [_filled(means, 2)]),
}
"""Parameters of each kernel from means and whiteners: first those in double precision, then the rounded ones."""

_SUFFIX: dict[Precision, str] = {"float64": "", "float32": "_single"}


def compile_for(layout: Layout, precision: Precision) -> None:
    """Compile the kernels of a layout before the first tile, or read them from numba's cache on disk.

    This includes the kernels in double precision, which compute the final result of a fit.
    """
    one = np.zeros((1, 1))
    for each in dict.fromkeys(("float64", precision)):
        for kernel in ("pooled", "full") if layout == "pooled" else (layout,):
            CompiledExpectation(kernel, np.zeros(64), one, layout, each)(Block(one, None, 0))


def _are_near(whitened: Array) -> bool:
    """Whether all means are near the center; `whitened` are their offsets in standard deviations, shape (k, d)."""
    return bool((np.einsum("kd,kd->k", whitened, whitened) <= _NEAR).all())


def _joined(*parts: Array) -> Array:
    return np.concatenate([part.ravel() for part in parts])


def _multiple_of_four(d: int) -> int:
    return -(-d // 4) * 4


def _filled(array: Array, axes: int) -> Array:
    """Pad an array's last axes with zeros to multiples of four."""
    kept = array.ndim - axes
    filled = np.zeros(array.shape[:kept] + tuple(map(_multiple_of_four, array.shape[kept:])))
    filled[tuple(map(slice, array.shape))] = array
    return filled
