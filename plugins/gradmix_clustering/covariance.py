"""Covariance types: each knows how to gather scatter, estimate covariances from it, whiten rows, and count parameters.

A covariance type is an object and a row of `COVARIANCE_TYPES`; nothing else asks which one it is.
All moments are taken around the *old* means and corrected for the shift of the mean afterwards, so that a common
offset of the data or clusters far apart cost no digits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gradmix import NumericalError
from gradmix.arrays import Array


class CovarianceType(ABC):
    """How the covariances of a mixture's components are shaped; k components, d features."""

    name: ClassVar[str]

    @abstractmethod
    def n_parameters(self, k: int, d: int) -> int:
        """Count the free parameters of the covariances."""

    @abstractmethod
    def scatter(self, centered: Array, weighted: Array) -> Array:
        """Second moment of a block of rows around each component's old mean, shape (k, …): additive over blocks.

        Parameters
        ----------
        centered
            Rows less each old mean, shape (k, n, d).
        weighted
            The same, times each row's responsibility, shape (k, n, d).
        """

    @abstractmethod
    def estimate(self, counts: Array, scatter: Array, shifts: Array, reg_covar: float) -> Array:
        """Weighted maximum-likelihood estimate of the covariances.

        Parameters
        ----------
        counts
            Sum of each component's responsibilities, shape (k,), positive.
        scatter
            Scatter of each component, shape (k, …).
        shifts
            New means less old ones, shape (k, d).
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

    def n_parameters(self, k: int, d: int) -> int:
        """K symmetric matrices."""
        return k * d * (d + 1) // 2

    def scatter(self, centered: Array, weighted: Array) -> Array:
        """Σ r (x − μ)(x − μ)ᵀ, shape (k, d, d)."""
        return np.swapaxes(weighted, 1, 2) @ centered

    def estimate(self, counts: Array, scatter: Array, shifts: Array, reg_covar: float) -> Array:
        """Scatter by count, less the outer product of the shift."""
        covariances = scatter / counts[:, None, None] - shifts[:, :, None] * shifts[:, None, :]
        return _symmetric(covariances) + reg_covar * np.eye(shifts.shape[1])

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

    def n_parameters(self, k: int, d: int) -> int:
        """One symmetric matrix."""
        return d * (d + 1) // 2

    def estimate(self, counts: Array, scatter: Array, shifts: Array, reg_covar: float) -> Array:
        """Pooled scatter, each component's around its own new mean."""
        pooled = (scatter - counts[:, None, None] * shifts[:, :, None] * shifts[:, None, :]).sum(axis=0)
        return _symmetric(pooled / counts.sum()) + reg_covar * np.eye(shifts.shape[1])

    def whiteners(self, covariances: Array, k: int, d: int) -> Array:
        """One factor, seen k times."""
        return np.broadcast_to(_inverse_cholesky(covariances[None], "the shared covariance"), (k, d, d))

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """One matrix, seen k times."""
        return np.broadcast_to(covariances, (k, d, d))


class Diag(CovarianceType):
    """Each component has a variance per feature, shape (k, d)."""

    name = "diag"

    def n_parameters(self, k: int, d: int) -> int:
        """K · d variances."""
        return k * d

    def scatter(self, centered: Array, weighted: Array) -> Array:
        """Σ r (x − μ)², shape (k, d)."""
        return np.einsum("knd,knd->kd", weighted, centered)

    def estimate(self, counts: Array, scatter: Array, shifts: Array, reg_covar: float) -> Array:
        """Scatter by count, less the squared shift."""
        return scatter / counts[:, None] - shifts**2 + reg_covar

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

    def n_parameters(self, k: int, d: int) -> int:
        """k variances."""
        return k

    def scatter(self, centered: Array, weighted: Array) -> Array:
        """Σ r |x − μ|²/d, shape (k,)."""
        return np.einsum("knd,knd->k", weighted, centered) / centered.shape[2]

    def estimate(self, counts: Array, scatter: Array, shifts: Array, reg_covar: float) -> Array:
        """Scatter by count, less the mean squared shift."""
        return scatter / counts - (shifts**2).mean(axis=1) + reg_covar

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
