"""E-step over all rows of a fit, by one of two back ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, TypeVar

import numpy as np

from gradmix import Block, NumericalError, Rows
from gradmix.arrays import Array
from gradmix_clustering.compiled import check_numba
from gradmix_clustering.expectation import Expectation
from gradmix_clustering.frame import IN_PLACE, Frame, best_frame
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Layout, Moments

T = TypeVar("T")

Backend = Literal["numba", "numpy"]
"""What the E-step is computed by: compiled kernels, or arrays of NumPy."""


@dataclass(frozen=True, eq=False)
class EStep:
    """The E-step of a fit: a function of the model that returns the moments of all rows.

    Parameters
    ----------
    rows
        All rows, with their weights.
    backend
        What it is computed by. Both agree to the last digits.
    layout
        Of the covariances of its models, which then are in the frame that is best for it; None for the coordinates of
        the data.
    """

    rows: Rows
    backend: Backend
    layout: Layout | None = None

    def __call__(self, model: GaussianMixtureModel) -> Moments:
        """Moments of all rows under the model's responsibilities, around its means or the center of the rows.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite, or distances or moments are too large for floating-point numbers.
        """
        moments = self._fold(Expectation.of(model)) if self.backend == "numpy" else self._compiled(model)
        return self._checked(moments)

    def around(self, origins: Array, model: GaussianMixtureModel) -> Moments:
        """The same, with moments around given points, shape (k, d); by NumPy, as it is seldom needed."""
        return self._checked(self._fold(Expectation.of(model, origins)))

    def _fold(self, function: Callable[[Block], T]) -> T:
        return self.rows.fold(self.frame.each(function))

    def _checked(self, moments: Moments) -> Moments:
        if not (np.isfinite(moments.log_likelihood) and np.isfinite(moments.scatter).all()):
            raise NumericalError(
                "the log-likelihood or a second moment is beyond the range of floating-point numbers: some rows are "
                "too far from every component. Scale the data, or drop such rows."
            )
        return moments

    def _compiled(self, model: GaussianMixtureModel) -> Moments:
        from gradmix_clustering.compiled_expectation import CompiledExpectation

        expect = CompiledExpectation.of(model, self._center)
        moments = self._fold(expect)
        return replace(moments, scatter=self._scatter) if expect.lacks_scatter else moments

    @cached_property
    def center(self) -> Array:
        """Mean of the rows, shape (d,), in the coordinates of the data."""
        return self.rows.fold(_sum) / self.rows.total_weight

    @cached_property
    def frame(self) -> Frame:
        """Coordinates of the models that it takes, and of the moments that it returns."""
        if self.layout is None:
            return IN_PLACE
        variances = self._squares / self.rows.total_weight
        return best_frame(self.layout, self.center, variances, lambda: self.covariance)

    @cached_property
    def _squares(self) -> Array:
        """Sum of each column's squares around the center, shape (d,)."""
        return self.rows.fold(partial(_squares_around, self.center))

    @property
    def spread(self) -> float:
        """Mean variance of the columns."""
        return float(self._squares.mean() / self.rows.total_weight)

    @cached_property
    def covariance(self) -> Array:
        """Covariance of the rows, shape (d, d), in the coordinates of the data."""
        return self.rows.fold(partial(_scatter_around, self.center)) / self.rows.total_weight

    @cached_property
    def _center(self) -> Array:
        """Mean of the rows, shape (d,), in the frame."""
        return self.frame.coordinates(self.center)

    @cached_property
    def _scatter(self) -> Array:
        """Scatter of the rows around the center, shape (d, d), in the frame."""
        return self._fold(partial(_scatter_around, self._center))


def _sum(block: Block) -> Array:
    X = np.ascontiguousarray(block.X.T)  # NumPy is slow along short rows
    return X.sum(axis=1) if block.weights is None else X @ block.weights


def _squares_around(center: Array, block: Block) -> Array:
    squares = (np.ascontiguousarray(block.X.T) - center[:, None]) ** 2
    return squares.sum(axis=1) if block.weights is None else squares @ block.weights


def _scatter_around(center: Array, block: Block) -> Array:
    centered = block.X - center
    return centered.T @ (centered if block.weights is None else centered * block.weights[:, None])


def compile_for(layout: Layout) -> None:
    """Compile the kernels of a layout, which takes a second or two, or read them from numba's cache on disk.

    Raises
    ------
    ConfigError
        If numba cannot be imported.
    """
    check_numba()
    from gradmix_clustering import compiled_expectation

    compiled_expectation.compile_for(layout)
