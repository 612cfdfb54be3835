"""Covariance types: each knows which scatter it needs, estimates covariances from it, and whitens rows.

A covariance type is an object and a row of `COVARIANCE_TYPES`; nothing else asks which one it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gradmix import NumericalError
from gradmix.arrays import Array
from gradmix_clustering.moments import Layout


class CovarianceType(ABC):
    """How the covariances of a mixture's components are shaped; k components, d features."""

    name: ClassVar[str]
    moments: ClassVar[Layout]
    """Which second moments it is estimated from."""

    @abstractmethod
    def n_parameters(self, k: int, d: int) -> int:
        """Count the free parameters of the covariances."""

    @abstractmethod
    def estimate(self, counts: Array, scatter: Array, d: int, reg_covar: float) -> Array:
        """Weighted maximum-likelihood estimate of the covariances.

        Parameters
        ----------
        counts
            Sum of each component's responsibilities, shape (k,), positive.
        scatter
            Second moments around the new means, shaped as `moments` says.
        d
            Number of features.
        reg_covar
            Added to every variance.
        """

    @abstractmethod
    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """Factor of each component's precision, shape (k, …).

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """

    @abstractmethod
    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """Rows less each mean, in standard deviations, shape (k, n, d): the squared norm is Mahalanobis's distance."""

    @abstractmethod
    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Log-determinant of each component's precision factor, shape (k,)."""

    @abstractmethod
    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """The covariances as full matrices, shape (k, d, d)."""


class Full(CovarianceType):
    """Each component has a covariance matrix of its own, shape (k, d, d)."""

    name = "full"
    moments: ClassVar[Layout] = "full"

    def n_parameters(self, k: int, d: int) -> int:
        """K symmetric matrices."""
        return k * d * (d + 1) // 2

    def estimate(self, counts: Array, scatter: Array, d: int, reg_covar: float) -> Array:
        """Scatter by count."""
        return _symmetric(scatter / counts[:, None, None]) + reg_covar * np.eye(d)

    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """Transposed inverse Cholesky factors, shape (k, d, d)."""
        return _inverse_cholesky(covariances, "the covariance of component {}")

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ)ᵀ L⁻ᵀ."""
        return centered @ whiteners

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Sum of the diagonal's logarithms."""
        return np.log(np.diagonal(whiteners, axis1=-2, axis2=-1)).sum(axis=-1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return the covariances, which are full matrices already."""
        return covariances


class Tied(Full):
    """All components share one covariance matrix, shape (d, d)."""

    name = "tied"
    moments: ClassVar[Layout] = "pooled"

    def n_parameters(self, k: int, d: int) -> int:
        """One symmetric matrix."""
        return d * (d + 1) // 2

    def estimate(self, counts: Array, scatter: Array, d: int, reg_covar: float) -> Array:
        """Pooled scatter by the number of rows."""
        return _symmetric(scatter / counts.sum()) + reg_covar * np.eye(d)

    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """One factor, seen k times."""
        return np.broadcast_to(_inverse_cholesky(covariances[None], "the shared covariance"), (k, d, d))

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """One matrix, seen k times."""
        return np.broadcast_to(covariances, (k, d, d))


class Diag(CovarianceType):
    """Each component has a variance per feature, shape (k, d)."""

    name = "diag"
    moments = "diagonal"

    def n_parameters(self, k: int, d: int) -> int:
        """K · d variances."""
        return k * d

    def estimate(self, counts: Array, scatter: Array, d: int, reg_covar: float) -> Array:
        """Scatter by count."""
        return scatter / counts[:, None] + reg_covar

    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """Reciprocal standard deviations, shape (k, d)."""
        return _reciprocal_root(covariances)

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None]

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−Σ log σ."""
        return np.log(whiteners).sum(axis=-1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Diagonal matrices."""
        return covariances[:, :, None] * np.eye(d)


class Spherical(CovarianceType):
    """Each component has one variance for all features, shape (k,)."""

    name = "spherical"
    moments = "trace"

    def n_parameters(self, k: int, d: int) -> int:
        """k variances."""
        return k

    def estimate(self, counts: Array, scatter: Array, d: int, reg_covar: float) -> Array:
        """Scatter by count and feature."""
        return scatter / (counts * d) + reg_covar

    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """Reciprocal standard deviations, shape (k,)."""
        return _reciprocal_root(covariances)

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None, None]

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−d log σ."""
        return d * np.log(whiteners)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Multiples of the identity."""
        return covariances[:, None, None] * np.eye(d)


COVARIANCE_TYPES: dict[str, CovarianceType] = {
    covariance.name: covariance for covariance in (Full(), Tied(), Diag(), Spherical())
}


def _symmetric(matrices: Array) -> Array:
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2


def _inverse_cholesky(covariances: Array, whose: str) -> Array:
    """Transposed inverse Cholesky factor of each of k matrices, shape (k, d, d)."""
    from scipy.linalg.lapack import dtrtri  # here, since options are checked by this module's table of types

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
