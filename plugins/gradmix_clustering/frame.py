"""Frames: coordinates in which EM loses fewer digits than in the coordinates of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from gradmix import Block
from gradmix.arrays import Array
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Layout

T = TypeVar("T")

FAR = 2**10
"""Largest distance of a column's mean from 0, in standard deviations, without a shift: means lose at most 3 digits."""
_ELONGATED = 1e6
"""Largest condition number of the rows' correlations at which matrices stay in the axes of the data."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An origin and axes: rows x have the coordinates (x − origin) · axes.

    A mean that is far from 0, in standard deviations, has no digits left for small differences, and small errors
    grow while EM begins to separate components. In a matrix with one long axis, the digits of all short axes are lost
    unless these are parallel to features. Therefore columns are measured from their means if these are far from 0, and
    matrices are expressed in the principal axes of all rows if the rows are elongated. Most data need neither.

    Parameters
    ----------
    origin
        Shape (d,); None for 0.
    axes
        An orthogonal matrix, shape (d, d); None for the axes of the data.
    """

    origin: Array | None = None
    axes: Array | None = None

    def coordinates(self, X: Array) -> Array:
        """Convert points of the data, shape (…, d), to this frame."""
        moved = X if self.origin is None else X - self.origin
        return moved if self.axes is None else moved @ self.axes

    def each(self, function: Callable[[Block], T]) -> Callable[[Block], T]:
        """Turn a function of a block in this frame into one of a block of rows; picklable if `function` is."""
        return function if self.origin is None and self.axes is None else _InFrame(self, function)

    def covariances_here(self, covariances: Array) -> Array:
        """Convert covariances of the data, shape (…, d, d), to this frame; those with their own axes are unchanged."""
        return covariances if self.axes is None else _congruent(covariances, self.axes)

    def here(self, model: GaussianMixtureModel) -> GaussianMixtureModel:
        """Convert a mixture in the coordinates of the data to this frame."""
        if self.origin is None and self.axes is None:
            return model
        return model.updated(model.weights, self.coordinates(model.means), self.covariances_here(model.covariances))

    def back(self, model: GaussianMixtureModel) -> GaussianMixtureModel:
        """Convert a mixture in this frame to the coordinates of the data."""
        if self.origin is None and self.axes is None:
            return model
        means, covariances = model.means, model.covariances
        if self.axes is not None:
            means, covariances = means @ self.axes.T, _congruent(covariances, self.axes.T)
        return model.updated(model.weights, means if self.origin is None else means + self.origin, covariances)


IN_PLACE = Frame()
"""The coordinates of the data."""


@dataclass(frozen=True, eq=False)
class _InFrame(Generic[T]):
    frame: Frame
    function: Callable[[Block], T]

    def __call__(self, block: Block) -> T:
        X, weights, start = block
        return self.function(Block(self.frame.coordinates(X), weights, start))


def _congruent(matrices: Array, axes: Array) -> Array:
    """Return Aᵀ S A, symmetric to the last bit."""
    turned = axes.T @ matrices @ axes
    return (turned + np.swapaxes(turned, -1, -2)) / 2


def best_frame(layout: Layout, center: Array, variances: Array, covariance: Callable[[], Array]) -> Frame:
    """Return the frame for rows with a mean and variances, shape (d,); the covariance is computed only if needed."""
    far = np.abs(center) > FAR * np.sqrt(variances)
    origin = np.where(far, center, 0.0) if far.any() else None
    if layout in ("diagonal", "trace") or not (variances > 0).all():
        return IN_PLACE if origin is None else Frame(origin)
    deviations = np.sqrt(variances)
    matrix = covariance()
    lengths = np.linalg.eigvalsh(matrix / deviations / deviations[:, None])
    axes = np.linalg.eigh(matrix)[1] if lengths[-1] > _ELONGATED * lengths[0] else None
    return IN_PLACE if origin is None and axes is None else Frame(origin, axes)
