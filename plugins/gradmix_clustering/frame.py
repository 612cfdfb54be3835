"""Frames: coordinates in which EM loses fewer digits than in those of the data."""

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
"""Standard deviations from the origin up to which a column is left where it is: its means lose three digits at most."""
_ELONGATED = 1e6
"""Condition number of the rows' correlations up to which matrices are kept in the axes of the data."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An origin and axes: rows x have the coordinates (x − origin) · axes.

    A mean that is far from 0, in standard deviations, has no digits left for what is small beside it, and small changes
    grow where EM is about to tell components apart. In a matrix with one long axis, all short ones are lost beside it
    unless they are parallel to features. So columns are measured from their means where these are far from 0, and
    matrices from the principal axes of all rows where these are elongated. Most data need neither.

    Parameters
    ----------
    origin
        Shape (d,); None for 0.
    axes
        An orthogonal matrix, shape (d, d); None for those of the data.
    """

    origin: Array | None = None
    axes: Array | None = None

    def coordinates(self, X: Array) -> Array:
        """Points of the data, shape (…, d), in this frame."""
        moved = X if self.origin is None else X - self.origin
        return moved if self.axes is None else moved @ self.axes

    def each(self, function: Callable[[Block], T]) -> Callable[[Block], T]:
        """A function of a block of rows, made from one of a block in this frame; picklable if that is."""
        return function if self.origin is None and self.axes is None else _InFrame(self, function)

    def covariances_here(self, covariances: Array) -> Array:
        """Covariances of the data, shape (…, d, d), in this frame; those of axes of their own as they are."""
        return covariances if self.axes is None else _congruent(covariances, self.axes)

    def here(self, model: GaussianMixtureModel) -> GaussianMixtureModel:
        """A mixture of the data in this frame."""
        if self.origin is None and self.axes is None:
            return model
        return model.updated(model.weights, self.coordinates(model.means), self.covariances_here(model.covariances))

    def back(self, model: GaussianMixtureModel) -> GaussianMixtureModel:
        """A mixture in this frame as one of the data."""
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
    """Aᵀ S A, symmetric to the last bit."""
    turned = axes.T @ matrices @ axes
    return (turned + np.swapaxes(turned, -1, -2)) / 2


def best_frame(layout: Layout, center: Array, variances: Array, covariance: Callable[[], Array]) -> Frame:
    """The frame for rows of a mean and variances, shape (d,) each, whose covariance is only asked for if it matters."""
    far = np.abs(center) > FAR * np.sqrt(variances)
    origin = np.where(far, center, 0.0) if far.any() else None
    if layout in ("diagonal", "trace") or not (variances > 0).all():
        return IN_PLACE if origin is None else Frame(origin)
    deviations = np.sqrt(variances)
    matrix = covariance()
    lengths = np.linalg.eigvalsh(matrix / deviations / deviations[:, None])
    axes = np.linalg.eigh(matrix)[1] if lengths[-1] > _ELONGATED * lengths[0] else None
    return IN_PLACE if origin is None and axes is None else Frame(origin, axes)
