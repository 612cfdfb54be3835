"""Layouts: the shapes in which a mixture's covariances are kept, and what is computed from them.

A covariance type chooses its layout by its ``moments``; a layout is a row of `LAYOUTS`. Nothing else asks for shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradmix import NumericalError
from gradmix.arrays import Array, IntArray


class Layout(ABC):
    """How the covariances of k components in d features are kept in an array.

    A whitener is a factor of a precision, P with P Pᵀ = Σ⁻¹. Rows less their mean, times P, are in standard
    deviations: their squared norm is Mahalanobis's distance.
    """

    free: str
    """Name of the covariance type that has this layout and no constraint."""
    is_shared: bool = False
    """Whether all components have one covariance."""

    @abstractmethod
    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """Shape of the covariances."""

    @abstractmethod
    def of_one(self, covariance: Array) -> Array:
        """A covariance matrix, shape (d, d), as that of a single component."""

    @abstractmethod
    def averaged(self, scatter: Array, d: int) -> Array:
        """Scatter as a covariance type takes it, from that which a pass over the rows has summed."""

    @abstractmethod
    def regularised(self, covariances: Array, reg_covar: float) -> Array:
        """Covariances with a number added to every variance."""

    @abstractmethod
    def at_least(self, covariances: Array, least: Array) -> Array:
        """Covariances of greatest likelihood that exceed a least one in every direction, from those without the bound.

        `least` is as `of_one` returns it. Source: Ingrassia & Rocci, Comput. Stat. Data Anal. 51 (2007) 5339-5351, in
        coordinates in which the least covariance is I.
        """

    @abstractmethod
    def whiteners(self, covariances: Array) -> Array:
        """Factors of the precisions, in the shape of the covariances; scikit-learn's ``precisions_cholesky_``.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """

    def of_each(self, array: Array, k: int) -> Array:
        """An array in the shape of the covariances, with a first axis of k components."""
        return array

    @abstractmethod
    def precisions(self, whiteners: Array) -> Array:
        """Inverses of the covariances, in their shape."""

    @abstractmethod
    def why_not_precisions(self, precisions: Array) -> str:
        """What an array in the shape of the covariances should be to hold precisions; empty if it is that."""

    @abstractmethod
    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """Rows less each mean, shape (k, n, d), in standard deviations."""

    @abstractmethod
    def lengths(self, step: Array, whiteners: Array) -> Array:
        """Length of a step, shape (d,), in each component's standard deviations, shape (k,), or () if one is for all.

        It is the root of the mean square over the signs of the step's parts.
        """

    @abstractmethod
    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Log-determinant of each whitener, shape (k,), or () if there is one for all."""

    @abstractmethod
    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """Whether each component has less than a variance in some direction, shape (k,), or () if one is for all."""

    @abstractmethod
    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """The covariances as full matrices, shape (k, d, d)."""

    @abstractmethod
    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Covariances of some of the features."""

    @abstractmethod
    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """Covariances of some features where others are given, and how the means follow these.

        Returns
        -------
        covariances
            In the same layout.
        slopes
            Change of the means of the features by those that are given, shape (k or 1, len(columns), len(given)).
        """


class Full(Layout):
    """A matrix for each component, shape (k, d, d)."""

    free = "full"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k, d, d)."""
        return (k, d, d)

    def of_one(self, covariance: Array) -> Array:
        """The matrix itself."""
        return covariance[None]

    def averaged(self, scatter: Array, d: int) -> Array:
        """Symmetric to the last bit."""
        return _symmetric(scatter)

    def regularised(self, covariances: Array, reg_covar: float) -> Array:
        """Σ + c I."""
        return covariances + reg_covar * np.eye(covariances.shape[-1])

    def at_least(self, covariances: Array, least: Array) -> Array:
        """L max(L⁻¹ Σ L⁻ᵀ, 1) Lᵀ, where L Lᵀ is the least covariance; covariances that exceed it keep their bits."""
        factor = np.linalg.cholesky(least)
        half = np.linalg.solve(factor, covariances)
        variances, axes = np.linalg.eigh(_symmetric(np.linalg.solve(factor, np.swapaxes(half, -1, -2))))
        back = (factor @ axes) * np.sqrt(np.maximum(variances, 1.0))[..., None, :]
        is_low = (variances[..., :1] < 1.0)[..., None]
        return np.where(is_low, back @ np.swapaxes(back, -1, -2), covariances)

    def whiteners(self, covariances: Array) -> Array:
        """Transposed inverse Cholesky factors, shape (k, d, d)."""
        return _inverse_cholesky(covariances, "the covariance of component {}")

    def precisions(self, whiteners: Array) -> Array:
        """P Pᵀ."""
        return whiteners @ np.swapaxes(whiteners, -1, -2)

    def why_not_precisions(self, precisions: Array) -> str:
        """Symmetric, up to rounding, with positive eigenvalues."""
        is_symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
        is_definite = is_symmetric and (np.linalg.eigvalsh(precisions) > 0).all()
        return "" if is_definite else "symmetric, positive-definite"

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ)ᵀ L⁻ᵀ."""
        return centered @ whiteners

    def lengths(self, step: Array, whiteners: Array) -> Array:
        """Root of the sum of the squares of all products."""
        return np.linalg.norm(step[:, None] * whiteners, axis=(-2, -1))

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Sum of the diagonal's logarithms."""
        return np.log(np.diagonal(whiteners, axis1=-2, axis2=-1)).sum(axis=-1)

    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """1 / |P|₂² is the smallest variance; the sum of the squares of P bounds |P|₂² and mostly suffices."""
        bounds = (whiteners**2).sum(axis=(-2, -1))
        if (bounds * variance < 1).all():
            return np.zeros(bounds.shape, dtype=bool)
        if not np.isfinite(bounds).all():
            return ~np.isfinite(bounds)
        return np.asarray(np.linalg.norm(whiteners, ord=2, axis=(-2, -1)) ** 2 * variance > 1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return the covariances, which are full matrices already."""
        return covariances

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Rows and columns of the matrices."""
        return covariances[..., columns[:, None], columns]

    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """Σaa − Σab Σbb⁻¹ Σba, and Σab Σbb⁻¹, by Cholesky factors of Σbb, so that the difference stays symmetric."""
        matrices = covariances.reshape(-1, *covariances.shape[-2:])
        factors = _inverse_cholesky(self.marginal(matrices, given), "the covariance of component {}")
        half = matrices[:, columns[:, None], given] @ factors
        left = _symmetric(self.marginal(matrices, columns) - half @ np.swapaxes(half, -1, -2))
        return left.reshape(*covariances.shape[:-2], *left.shape[-2:]), half @ np.swapaxes(factors, -1, -2)


class Pooled(Full):
    """One matrix for all components, shape (d, d)."""

    free = "tied"
    is_shared = True

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(d, d)."""
        return (d, d)

    def of_one(self, covariance: Array) -> Array:
        """The matrix itself."""
        return covariance

    def whiteners(self, covariances: Array) -> Array:
        """One factor, shape (d, d)."""
        return _inverse_cholesky(covariances[None], "the shared covariance")[0]

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """One matrix, seen k times."""
        return np.broadcast_to(covariances, (k, d, d))

    def of_each(self, array: Array, k: int) -> Array:
        """The one matrix, seen k times."""
        return np.broadcast_to(array, (k, *array.shape))


class Diagonal(Layout):
    """A variance for each component and feature, shape (k, d)."""

    free = "diag"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k, d)."""
        return (k, d)

    def of_one(self, covariance: Array) -> Array:
        """Its diagonal."""
        return np.diagonal(covariance)[None]

    def averaged(self, scatter: Array, d: int) -> Array:
        """Return the scatter."""
        return scatter

    def regularised(self, covariances: Array, reg_covar: float) -> Array:
        """σ² + c."""
        return covariances + reg_covar

    def at_least(self, covariances: Array, least: Array) -> Array:
        """The greater of two variances."""
        return np.maximum(covariances, least)

    def whiteners(self, covariances: Array) -> Array:
        """Reciprocal standard deviations, shape (k, d)."""
        return _reciprocal_root(covariances)

    def precisions(self, whiteners: Array) -> Array:
        """Reciprocal variances."""
        return whiteners**2

    def why_not_precisions(self, precisions: Array) -> str:
        """All positive."""
        return "" if (precisions > 0).all() else "positive"

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None]

    def lengths(self, step: Array, whiteners: Array) -> Array:
        """|s / σ|, whatever the signs."""
        return np.linalg.norm(step * whiteners.reshape(len(whiteners), -1), axis=-1)

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−Σ log σ."""
        return np.log(whiteners).sum(axis=-1)

    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """Whether the smallest of the variances is less."""
        return np.asarray(whiteners.reshape(len(whiteners), -1).max(axis=1) ** 2 * variance > 1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Diagonal matrices."""
        return covariances[:, :, None] * np.eye(d)

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Variances of the features."""
        return covariances[:, columns]

    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """As the marginal: features are independent within a component."""
        return self.marginal(covariances, columns), np.zeros((1, len(columns), len(given)))


class Trace(Diagonal):
    """A variance for each component, the same for all features, shape (k,)."""

    free = "spherical"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k,)."""
        return (k,)

    def of_one(self, covariance: Array) -> Array:
        """Mean of its diagonal."""
        return np.diagonal(covariance).mean(keepdims=True)

    def averaged(self, scatter: Array, d: int) -> Array:
        """Mean of the features, instead of their sum."""
        return scatter / d

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None, None]

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−d log σ."""
        return d * np.log(whiteners)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Multiples of the identity."""
        return covariances[:, None, None] * np.eye(d)

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Return the same variances."""
        return covariances


LAYOUTS: Mapping[str, Layout] = {"full": Full(), "pooled": Pooled(), "diagonal": Diagonal(), "trace": Trace()}
"""What a covariance type calls its moments → the layout."""


def _symmetric(matrices: Array) -> Array:
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2


def _inverse_cholesky(covariances: Array, whose: str) -> Array:
    """Transposed inverse Cholesky factor of each of k matrices, shape (k, d, d)."""
    from scipy.linalg.lapack import dtrtri

    try:
        factors = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError as error:
        raise _singular(whose.format(_first_not_definite(covariances))) from error
    return np.stack([dtrtri(factor, lower=1)[0].T for factor in factors])


def _first_not_definite(covariances: Array) -> int:
    return int(np.argmin(np.linalg.eigvalsh(covariances)[:, 0]))


def _reciprocal_root(variances: Array) -> Array:
    if not (variances > 0).all():
        raise _singular(f"a variance of component {int(np.argwhere(~(variances > 0))[0][0])}")
    return 1 / np.sqrt(variances)


def _singular(what: str) -> NumericalError:
    return NumericalError(
        f"{what} became singular: the component has collapsed onto too few different rows. "
        "Raise reg_covar, lower n_components, or choose a covariance_type with fewer parameters."
    )
