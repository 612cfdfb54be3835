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
"""What the E-step is computed by: compiled kernels, or arrays of NumPy."""

_MOST_ROUNDING = 1e-4
"""Of a row by float32, in a component's standard deviations."""
_MOST_REACH = 1e15
"""Of rows from their center, and of reciprocal standard deviations: their squares are in the range of float32."""


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
    precision
        Of all but what `exactly` and `around` return.
    """

    rows: Rows
    backend: Backend
    layout: Layout | None = None
    precision: Precision = "float64"

    def __call__(self, model: GaussianMixtureModel) -> Moments:
        """Moments of all rows under the model's responsibilities, around its means or the center of the rows.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite, or distances or moments are too large for floating-point numbers.
        """
        if self.precision == "float32":
            self._check_digits(model)
        return self._in(self.precision, model)

    def exactly(self, model: GaussianMixtureModel) -> Moments:
        """The same, in float64 whatever the precision."""
        return self._in("float64", model)

    def _in(self, precision: Precision, model: GaussianMixtureModel) -> Moments:
        if self.backend == "numba":
            return self._checked(self._compiled(precision, model))
        if precision == "float32":
            return self._checked(self._fold(Expectation.in_single_precision(model, self._center)))
        return self._checked(self._fold(Expectation.of(model)))

    @property
    def rounding(self) -> float:
        """Relative change of a log-likelihood that says nothing."""
        return float(np.finfo(float).eps) if self.precision == "float64" else float(np.finfo(np.float32).eps) / 100

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

    def _compiled(self, precision: Precision, model: GaussianMixtureModel) -> Moments:
        from gradmix_clustering.compiled_expectation import CompiledExpectation

        expect = CompiledExpectation.of(model, self._center, precision)
        moments = self._fold(expect)
        return replace(moments, scatter=self._scatter) if expect.lacks_scatter else moments

    def _check_digits(self, model: GaussianMixtureModel) -> None:
        """Check that float32 can hold the rows, less their center, in each component's standard deviations."""
        rounding = np.finfo(np.float32).eps / 2 * model.layout.lengths(self._reach, model.precisions_cholesky)
        if not (rounding < _MOST_ROUNDING).all():
            worst = int(np.argmax(rounding))
            raise NumericalError(
                f"precision=float32 has too few digits: it would move rows by {np.max(rounding):.1g} standard "
                f"deviations of component {worst}, which is that thin beside the spread of all rows. "
                "Choose precision=float64."
            )
        if not (self._reach.max() < _MOST_REACH and np.abs(model.precisions_cholesky).max() < _MOST_REACH):
            raise NumericalError(
                "precision=float32 has too small a range: squares of the rows, less their center, or a variance would "
                "leave it. Scale the data, or choose precision=float64."
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


def _reach_of(center: Array, block: Block) -> Array:
    return np.abs(block.X - center).max(axis=0)  # type: ignore[no-any-return]


def _sum(block: Block) -> Array:
    return total(np.ascontiguousarray(block.X.T), block.weights)  # NumPy is slow along short rows


def _squares_around(center: Array, block: Block) -> Array:
    return total_of_squares(np.ascontiguousarray(block.X.T), block.weights, center)


def total(features: Array, weights: Array | None) -> Array:
    """Weighted sum of each feature over rows, shape (d,), from rows with features first, shape (d, n)."""
    return np.add.reduce(features, axis=1) if weights is None else features @ weights


def total_of_squares(features: Array, weights: Array | None, center: Array) -> Array:
    """As `total`, of the squares around a center, shape (d,)."""
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
