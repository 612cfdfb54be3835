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
from gradmix_clustering.moments import Layout, Moments, Precision

T = TypeVar("T")

Backend = Literal["numba", "numpy"]
"""How the E-step is computed: by compiled kernels (numba) or by NumPy arrays (numpy)."""

_MOST_ROUNDING = 1e-4
"""Largest rounding error of a row in float32, in a component's standard deviations."""
_MOST_REACH = 1e15
"""Largest distance of rows from their center, and largest reciprocal deviation: the squares fit into float32."""


@dataclass(frozen=True, eq=False)
class EStep:
    """The E-step of a fit: a function of the model that returns the moments of all rows.

    Parameters
    ----------
    rows
        All rows, with their weights.
    backend
        How the E-step is computed. Both back ends agree except for the last digits.
    layout
        Layout of the models' covariances; models are then in the best frame for it. With None, they are in the
        coordinates of the data.
    precision
        Precision of all results except those of `exactly` and `around`.
    """

    rows: Rows
    backend: Backend
    layout: Layout | None = None
    precision: Precision = "float64"

    def __call__(self, model: GaussianMixtureModel) -> Moments:
        """Return the moments of all rows under the model's responsibilities, around its means or the rows' center.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite, or distances or moments are too large for floating-point numbers.
        """
        if self.precision == "float32":
            self._check_digits(model)
        return self._in(self.precision, model)

    def exactly(self, model: GaussianMixtureModel) -> Moments:
        """Return the same moments, always in float64."""
        return self._in("float64", model)

    def _in(self, precision: Precision, model: GaussianMixtureModel) -> Moments:
        if self.backend == "numba":
            return self._checked(self._compiled(precision, model))
        if precision == "float32":
            return self._checked(self._fold(Expectation.in_single_precision(model, self._center)))
        return self._checked(self._fold(Expectation.of(model)))

    @property
    def rounding(self) -> float:
        """Relative change of a log-likelihood below which it is only rounding."""
        return float(np.finfo(float).eps) if self.precision == "float64" else float(np.finfo(np.float32).eps) / 100

    def around(self, origins: Array, model: GaussianMixtureModel) -> Moments:
        """Return the moments around given points, shape (k, d); always with NumPy, as this is rarely needed."""
        return self._checked(self._fold(Expectation.of(model, origins)))

    def _fold(self, function: Callable[[Block], T]) -> T:
        return self.rows.fold(self.frame.each(function))

    def _checked(self, moments: Moments) -> Moments:
        if not (np.isfinite(moments.log_likelihood) and np.isfinite(moments.scatter).all()):
            raise NumericalError(
                "the log-likelihood or a second moment exceeds the range of floating-point numbers: some rows are too "
                "far from every component. Scale the data, or drop these rows."
            )
        return moments

    def _compiled(self, precision: Precision, model: GaussianMixtureModel) -> Moments:
        from gradmix_clustering.compiled_expectation import CompiledExpectation

        expect = CompiledExpectation.of(model, self._center, precision)
        moments = self._fold(expect)
        return replace(moments, scatter=self._scatter) if expect.lacks_scatter else moments

    def _check_digits(self, model: GaussianMixtureModel) -> None:
        """Check that float32 is precise enough for rows minus their center, in each component's standard deviations."""
        rounding = np.finfo(np.float32).eps / 2 * model.layout.lengths(self._reach, model.precisions_cholesky)
        if not (rounding < _MOST_ROUNDING).all():
            worst = int(np.argmax(rounding))
            raise NumericalError(
                f"precision=float32 is not precise enough: component {worst} is so narrow compared with the spread of "
                f"all rows that rounding would move rows by {np.max(rounding):.1g} of its standard deviations. "
                "Choose precision=float64."
            )
        if not (self._reach.max() < _MOST_REACH and np.abs(model.precisions_cholesky).max() < _MOST_REACH):
            raise NumericalError(
                "the range of precision=float32 is too small: a variance, or the squares of the centered rows, would "
                "exceed it. Scale the data, or choose precision=float64."
            )

    @cached_property
    def _reach(self) -> Array:
        """Largest distance of a row from the center in each column, shape (d,), in the frame."""
        reaches = self.rows.each(self.frame.each(partial(_reach_of, self._center)))
        return np.max([*reaches], axis=0)  # type: ignore[no-any-return]

    @cached_property
    def center(self) -> Array:
        """Mean of the rows, shape (d,), in the coordinates of the data."""
        return self.rows.fold(_sum) / self.rows.total_weight

    @cached_property
    def frame(self) -> Frame:
        """Coordinates of the models and moments of this E-step."""
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


def _reach_of(center: Array, block: Block) -> Array:
    return np.abs(block.X - center).max(axis=0)  # type: ignore[no-any-return]


def _sum(block: Block) -> Array:
    return total(np.ascontiguousarray(block.X.T), block.weights)  # NumPy is slow along short axes


def _squares_around(center: Array, block: Block) -> Array:
    return total_of_squares(np.ascontiguousarray(block.X.T), block.weights, center)


def total(features: Array, weights: Array | None) -> Array:
    """Return the weighted sum of each feature, shape (d,), from rows with features first, shape (d, n)."""
    return np.add.reduce(features, axis=1) if weights is None else features @ weights


def total_of_squares(features: Array, weights: Array | None, center: Array) -> Array:
    """As `total`, for the squares around a center, shape (d,)."""
    return total((features - center[:, None]) ** 2, weights)


def _scatter_around(center: Array, block: Block) -> Array:
    centered = block.X - center
    return centered.T @ (centered if block.weights is None else centered * block.weights[:, None])


def compile_for(layout: Layout, precision: Precision = "float64") -> None:
    """Compile the kernels of a layout, which takes a second or two, or read them from numba's cache on disk.

    Raises
    ------
    ConfigError
        If numba cannot be imported.
    """
    check_numba()
    from gradmix_clustering import compiled_expectation

    compiled_expectation.compile_for(layout, precision)
