"""A Gaussian mixture as a vector of unconstrained numbers, and its log-likelihood as a function of these.

The vector consists of α, whose softmax gives the weights; the means; and the lower triangular factors Q of the
precisions Σ⁻¹ = QᵀQ: the logarithms of their diagonals, then the entries below. Source for the logarithms: Pinheiro &
Bates, Stat. Comput. 6 (1996) 289-296.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

import gradmix
from gradmix import NumericalError
from gradmix.arrays import Array, IntArray
from gradmix_clustering.layouts import LAYOUTS
from gradmix_clustering.mixture_model import GaussianMixtureModel


@dataclass(frozen=True)
class Shape:
    """Free parameters of a covariance type.

    Parameters
    ----------
    is_shared
        Whether all components share one factor.
    is_correlated
        Whether factors have entries below their diagonals.
    is_round
        Whether factors are multiples of I.
    """

    is_shared: bool = False
    is_correlated: bool = False
    is_round: bool = False


_FULL, _TIED = Shape(is_correlated=True), Shape(is_shared=True, is_correlated=True)
_DIAG, _SPHERICAL = Shape(), Shape(is_round=True)
SHAPES: Mapping[str, Shape] = {
    "full": _FULL,
    "tied": _TIED,
    "diag": _DIAG,
    "spherical": _SPHERICAL,
    "VVV": _FULL,
    "EEE": _TIED,
    "VVI": _DIAG,
    "VII": _SPHERICAL,
}
"""Covariance type → its free parameters."""


_ENTRIES = 2**18
"""Most entries of an array over rows, components and features: two megabytes; a tape keeps tens of such arrays."""


@dataclass(frozen=True, eq=False)
class Unconstrained:
    """Mixtures of k Gaussians of one covariance type as vectors, and their likelihood for some rows.

    Rows are measured from their mean in units of their standard deviations, so that all numbers have similar sizes.

    Parameters
    ----------
    X
        The rows, shape (n, d).
    weights
        Weight of each row, shape (n,); None if all are 1.
    covariance_type
        One of `SHAPES`.
    k
        Number of components.
    """

    X: Array
    weights: Array | None
    covariance_type: str
    k: int

    def vector(self, model: GaussianMixtureModel) -> Array:
        """Return the vector of a model.

        Raises
        ------
        NumericalError
            If a component has no weight, or a covariance is not positive definite.
        """
        if not (model.weights > 0).all():
            raise NumericalError("the start has a component without rows. Try another random_state or init_params.")
        d, of_all = self.X.shape[1], 1 if self._shape.is_shared else self.k
        whiteners = model.whiteners[:of_all]
        if whiteners.ndim == 3:
            factors = np.swapaxes(whiteners, 1, 2) * self._scale
            diagonals, below = np.diagonal(factors, axis1=1, axis2=2), factors[:, *self._below]
        else:
            diagonals = whiteners.reshape(of_all, -1) * self._scale[: 1 if self._shape.is_round else d]
            below = np.zeros(0)
        means = (model.means - self._center) / self._scale
        return np.concatenate([np.log(model.weights), means.ravel(), np.log(diagonals).ravel(), np.ravel(below)])

    def model(self, vector: Array) -> GaussianMixtureModel:
        """Return the model of a vector."""
        alphas, means, logarithms, below = self._parts(vector)
        weights = np.exp(alphas - alphas.max())
        if self._shape.is_correlated:
            deviations = self._scale[:, None] * np.linalg.inv(self._factors(logarithms, below))
            covariances = deviations @ np.swapaxes(deviations, 1, 2)
        else:
            covariances = (self._scale[: logarithms.shape[1]] * np.exp(-logarithms)) ** 2
        if self._shape.is_shared:
            covariances = covariances[0]
        if self._shape.is_round:
            covariances = covariances[:, 0]
        return GaussianMixtureModel(
            weights / weights.sum(), self._center + self._scale * means, covariances, self.covariance_type
        )

    def n_collapsed(self, vector: Array, least: float) -> int:
        """Return the number of collapsed components, as `GaussianMixtureModel.collapsed` defines them.

        Their covariances may be singular, which a `GaussianMixtureModel` does not allow.
        """
        alphas, _, logarithms, below = self._parts(vector)
        weights = np.exp(alphas - alphas.max())
        layout = LAYOUTS[gradmix.covariance(self.covariance_type).moments]
        with np.errstate(over="ignore"):
            if self._shape.is_correlated:
                whiteners = np.swapaxes(self._factors(logarithms, below), 1, 2) / self._scale[:, None]
            else:
                whiteners = np.exp(logarithms) / self._scale[: logarithms.shape[1]]
            is_thin = layout.is_thin(whiteners, 10 * least)
        n = len(self.X) if self.weights is None else self.weights.sum()
        return int(np.count_nonzero(is_thin | (weights / weights.sum() * n < 1)))

    def _factors(self, logarithms: Array, below: Array) -> Array:
        """Return the factor Q of each component, or of all, shape (k or 1, d, d)."""
        every = np.arange(self.X.shape[1])
        factors = np.zeros((len(logarithms), len(every), len(every)))
        factors[:, *self._below] = below
        factors[:, every, every] = np.exp(logarithms)
        return factors

    @cached_property
    def losses(self) -> list[Callable[[Any], Any]]:
        """Return functions of a vector, one per block, whose sum is `loss`; their intermediate arrays are small."""
        rows = max(1, _ENTRIES // (self.k * self.X.shape[1]))
        return [partial(self._loss_of, slice(start, start + rows)) for start in range(0, len(self.X), rows)]

    def loss(self, vector: Any) -> Any:
        """Return minus the mean log-likelihood per row, without `constant`; also for traced numbers."""
        return sum(each(vector) for each in self.losses)

    def _loss_of(self, block: slice, vector: Any) -> Any:
        """Return the contribution of a block of rows to the loss."""
        alphas, means, logarithms, below = self._parts(vector)
        rows, shares = (self.X[block] - self._center) / self._scale, self._shares[block]
        centered = rows[None, :, :] - np.reshape(means, (self.k, 1, self.X.shape[1]))
        whitened = np.exp(logarithms)[:, None, :] * centered
        if self._shape.is_correlated and self.X.shape[1] > 1:
            lower = np.concatenate([np.zeros((len(below), 1)), below], axis=1)[:, self._places]
            whitened = whitened + np.matmul(centered, np.swapaxes(lower, 1, 2))
        determinants = np.sum(logarithms, axis=1) * (self.X.shape[1] if self._shape.is_round else 1)
        joint = np.reshape(alphas + determinants, (self.k, 1)) - 0.5 * np.sum(whitened**2, axis=2)
        largest = np.max(joint, axis=0)
        log_density = np.log(np.sum(np.exp(joint - largest), axis=0)) + largest
        top = np.max(alphas)
        return (np.log(np.sum(np.exp(alphas - top))) + top) * shares.sum() - np.sum(log_density * shares)

    @cached_property
    def constant(self) -> float:
        """Number to subtract from minus the loss to get the mean log-likelihood per row, in nats."""
        return float(np.log(self._scale).sum() + self.X.shape[1] / 2 * np.log(2 * np.pi))

    def _parts(self, vector: Any) -> tuple[Any, Any, Any, Any]:
        """Split into α, (k,); means, (k, d); logarithms of diagonals, (k or 1, d or 1); entries below, (k or 1, …)."""
        k, d = self.k, self.X.shape[1]
        of_all, wide = (1 if self._shape.is_shared else k), (1 if self._shape.is_round else d)
        ends = np.cumsum([k, k * d, of_all * wide])
        return (
            vector[: ends[0]],
            np.reshape(vector[ends[0] : ends[1]], (k, d)),
            np.reshape(vector[ends[1] : ends[2]], (of_all, wide)),
            np.reshape(vector[ends[2] :], (of_all, -1)) if self._shape.is_correlated and d > 1 else np.zeros((1, 0)),
        )

    @property
    def _shape(self) -> Shape:
        return SHAPES[self.covariance_type]

    @cached_property
    def _shares(self) -> Array:
        """Share of each row in the total weight, shape (n,)."""
        weights = np.ones(len(self.X)) if self.weights is None else self.weights
        return np.asarray(weights / weights.sum())

    @cached_property
    def _center(self) -> Array:
        return self._shares @ self.X

    @cached_property
    def _scale(self) -> Array:
        """Standard deviations of the columns; if components are round, their root mean square for each column."""
        variances = self._shares @ (self.X - self._center) ** 2
        return np.sqrt(np.full_like(variances, variances.mean()) if self._shape.is_round else variances)

    @cached_property
    def _below(self) -> tuple[IntArray, IntArray]:
        """Row and column numbers of the entries below the diagonal."""
        rows, columns = np.tril_indices(self.X.shape[1], -1)
        return rows, columns

    @cached_property
    def _places(self) -> IntArray:
        """Positions of entries below the diagonal in a list that begins with a zero; 0 on and above the diagonal."""
        places = np.zeros((self.X.shape[1], self.X.shape[1]), dtype=np.intp)
        places[self._below] = 1 + np.arange(len(self._below[0]))
        return places
