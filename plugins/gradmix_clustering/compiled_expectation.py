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
        Its parameters of the model. Features are filled up with zeros to a multiple of four.
    origins
        Points around which it takes moments, shape (k, d).
    layout
        Which second moments are gathered.
    """

    kernel: str
    parameters: tuple[Array, ...]
    origins: Array
    layout: Layout

    @classmethod
    def of(cls, model: GaussianMixtureModel, center: Array) -> CompiledExpectation:
        """The E-step under a model, of rows whose mean is `center`, shape (d,).

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """
        layout, whiteners = model.covariance.moments, model.whiteners
        if layout == "pooled":
            whitened = (model.means - center) @ whiteners[0]
            if (np.einsum("kd,kd->k", whitened, whitened) <= _NEAR).all():
                around = (_filled(center, 1), _filled(whitened, 1), _filled(whiteners[0].T, 2), model.log_constants)
                return cls("pooled", around, np.broadcast_to(center, model.means.shape), layout)
        kernel, factors = (
            ("full", _filled(np.swapaxes(whiteners, 1, 2), 2))
            if whiteners.ndim == 3
            else (layout, _filled(whiteners, whiteners.ndim - 1))
        )
        return cls(kernel, (_filled(model.means, 1), factors, model.log_constants), model.means, layout)

    @property
    def lacks_scatter(self) -> bool:
        """Whether the moments have no scatter: around a common center it is that of all rows, whatever the model."""
        return self.kernel == "pooled"

    def __call__(self, block: Block) -> Moments:
        """Moments of the rows around the origins."""
        X = np.ascontiguousarray(block.X)
        weights = None if block.weights is None else np.ascontiguousarray(block.weights)
        k, d = self.origins.shape
        filled = _multiple_of_four(d)
        scratch = np.zeros((2 * filled + 2 * k + 6, kernels.STRIDE))
        counts, first, *scatter = [np.zeros(shape) for shape in _SHAPES[self.kernel](k, filled)]
        log_likelihood = getattr(kernels, self.kernel)(
            _address(X),
            *X.shape,
            _address(weights),
            *(np.require(each, requirements=["C", "W"]) for each in self.parameters),
            scratch,
            counts,
            first,
            *scatter,
        )
        return Moments(log_likelihood, counts, first[:, :d], self._scatter(scatter, d), self.origins)

    def _scatter(self, scatter: list[Array], d: int) -> Array:
        if self.lacks_scatter:
            return np.zeros((d, d))
        if self.kernel != "full":
            return scatter[0][:, :d] if self.kernel == "diagonal" else scatter[0]
        lower = scatter[0].sum(axis=0) if self.layout == "pooled" else scatter[0]
        strict = np.tril(lower, -1)
        return (lower + np.swapaxes(strict, -1, -2))[..., :d, :d]


_SHAPES: dict[str, Callable[[int, int], tuple[tuple[int, ...], ...]]] = {
    "full": lambda k, d: ((k,), (k, d), (k, d, d)),
    "pooled": lambda k, d: ((k,), (k, d)),
    "diagonal": lambda k, d: ((k,), (k, d), (k, d)),
    "trace": lambda k, d: ((k,), (k, d), (k,)),
}
"""Shapes of what each kernel adds to: counts, first and second moments."""


def compile_for(layout: Layout) -> None:
    """Compile the kernels of a layout, or read them from numba's cache on disk; else the first tile would wait."""
    for kernel in ("pooled", "full") if layout == "pooled" else (layout,):
        point, matrix, row = np.zeros((1, 4)), np.zeros((1, 4, 4)), np.zeros(1)
        parameters: dict[str, tuple[Array, ...]] = {
            "full": (point, matrix, row),
            "pooled": (point[0], point, matrix[0], row),
            "diagonal": (point, point, row),
            "trace": (point, row, row),
        }
        CompiledExpectation(kernel, parameters[kernel], np.zeros((1, 1)), layout)(Block(np.zeros((1, 1)), None, 0))


def _address(array: Array | None) -> int:
    return 0 if array is None else array.ctypes.data


def _multiple_of_four(d: int) -> int:
    return -(-d // 4) * 4


def _filled(array: Array, axes: int) -> Array:
    """Zeros after an array's last axes, up to a multiple of four."""
    kept = array.ndim - axes
    return np.pad(array, [(0, 0)] * kept + [(0, _multiple_of_four(size) - size) for size in array.shape[kept:]])
