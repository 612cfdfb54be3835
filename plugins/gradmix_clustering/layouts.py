"""Layouts: the shapes in which a mixture's covariances are stored, and computations with them.

A covariance type chooses its layout by its ``moments``; layouts are the entries of `LAYOUTS`. No other code
depends on the shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradmix import NumericalError, PluginError
from gradmix.arrays import Array, IntArray


class Layout(ABC):
    """Layout of the covariances of k components in d features in an array.

    A whitener is a factor of a precision, P with P Pᵀ = Σ⁻¹. Rows minus their mean, times P, are in standard
    deviations: their squared norm is the squared Mahalanobis distance.
    """

    free: str
    """Name of the unconstrained covariance type with this layout."""
    is_shared: bool = False
    """Whether all components share one covariance."""

    @abstractmethod
    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """Return the shape of the covariances."""

    @abstractmethod
    def of_one(self, covariance: Array) -> Array:
        """Convert a covariance matrix, shape (d, d), to the form of a single component."""

    @abstractmethod
    def averaged(self, scatter: Array, d: int) -> Array:
        """Convert the scatter that a pass over the rows has summed to the form that covariance types take."""

    @abstractmethod
    def regularised(self, covariances: Array, reg_covar: float) -> Array:
        """Add a number to every variance."""

    @abstractmethod
    def at_least(self, covariances: Array, least: Array) -> Array:
        """Return the maximum-likelihood covariances with a lower bound in every direction, from those without it.

        The bound `least` is in the form that `of_one` returns. Source: Ingrassia & Rocci, Comput. Stat. Data Anal. 51
        (2007) 5339-5351, in coordinates in which the lower bound is I.
        """

    @abstractmethod
    def whiteners(self, covariances: Array) -> Array:
        """Return factors of the precisions, in the shape of the covariances; scikit-learn's ``precisions_cholesky_``.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """

    def of_each(self, array: Array, k: int) -> Array:
        """Return an array in the shape of the covariances with a first axis of k components."""
        return array

    @abstractmethod
    def precisions(self, whiteners: Array) -> Array:
        """Return the inverses of the covariances, in their shape."""

    @abstractmethod
    def why_not_precisions(self, precisions: Array) -> str:
        """Return the condition that an array violates as precisions; empty if it is valid."""

    @abstractmethod
    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """Convert rows minus each mean, shape (k, n, d), to standard deviations."""

    @abstractmethod
    def lengths(self, step: Array, whiteners: Array) -> Array:
        """Return a step's length in each component's standard deviations, shape (k,), or () if shared.

        It is the root mean square over all combinations of signs of the step's entries; the step has the shape (d,).
        """

    @abstractmethod
    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Return the log-determinant of each whitener, shape (k,), or () if shared."""

    @abstractmethod
    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """Whether each component has less than this variance in some direction, shape (k,), or () if shared."""

    @abstractmethod
    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return the covariances as full matrices, shape (k, d, d)."""

    @abstractmethod
    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Return the covariances of some of the features."""

    @abstractmethod
    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """Return the covariances of some features given others, and the slopes of their means in these.

        Returns
        -------
        covariances
            Conditional covariances, in the same layout.
        slopes
            Derivatives of the features' means by the given features, shape (k or 1, len(columns), len(given)).
        """


class Full(Layout):
    """A matrix for each component, shape (k, d, d)."""

    free = "full"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k, d, d)."""
        return (k, d, d)

    def of_one(self, covariance: Array) -> Array:
        """Return the matrix itself."""
        return covariance[None]

    def averaged(self, scatter: Array, d: int) -> Array:
        """Return the scatter, made symmetric to the last bit."""
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
        """Require symmetry, up to rounding, and positive eigenvalues."""
        is_symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
        is_definite = is_symmetric and (np.linalg.eigvalsh(precisions) > 0).all()
        return "" if is_definite else "symmetric, positive-definite"

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ)ᵀ L⁻ᵀ."""
        return centered @ whiteners

    def lengths(self, step: Array, whiteners: Array) -> Array:
        """Return the root of the sum of squared products of entries."""
        return np.linalg.norm(step[:, None] * whiteners, axis=(-2, -1))

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """Return the sum of the diagonal's logarithms."""
        return np.log(np.diagonal(whiteners, axis1=-2, axis2=-1)).sum(axis=-1)

    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """Compare 1 / |P|₂², the smallest variance; the sum of squares of P bounds |P|₂² and usually decides."""
        bounds = (whiteners**2).sum(axis=(-2, -1))
        if (bounds * variance < 1).all():
            return np.zeros(bounds.shape, dtype=bool)
        if not np.isfinite(bounds).all():
            return ~np.isfinite(bounds)
        return np.asarray(np.linalg.norm(whiteners, ord=2, axis=(-2, -1)) ** 2 * variance > 1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return the covariances, which already are full matrices."""
        return covariances

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Return the selected rows and columns of the matrices."""
        return covariances[..., columns[:, None], columns]

    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """Σaa − Σab Σbb⁻¹ Σba, and Σab Σbb⁻¹, from Cholesky factors of Σbb, which keep the difference symmetric."""
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
        """Return the matrix itself."""
        return covariance

    def whiteners(self, covariances: Array) -> Array:
        """One factor, shape (d, d)."""
        return _inverse_cholesky(covariances[None], "the shared covariance")[0]

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return a view that repeats the matrix k times."""
        return np.broadcast_to(covariances, (k, d, d))

    def of_each(self, array: Array, k: int) -> Array:
        """Return a view that repeats the matrix k times."""
        return np.broadcast_to(array, (k, *array.shape))


class Diagonal(Layout):
    """A variance for each component and feature, shape (k, d)."""

    free = "diag"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k, d)."""
        return (k, d)

    def of_one(self, covariance: Array) -> Array:
        """Return its diagonal."""
        return np.diagonal(covariance)[None]

    def averaged(self, scatter: Array, d: int) -> Array:
        """Return the scatter."""
        return scatter

    def regularised(self, covariances: Array, reg_covar: float) -> Array:
        """σ² + c."""
        return covariances + reg_covar

    def at_least(self, covariances: Array, least: Array) -> Array:
        """Return the elementwise maximum of both variances."""
        return np.maximum(covariances, least)

    def whiteners(self, covariances: Array) -> Array:
        """Reciprocal standard deviations, shape (k, d)."""
        return _reciprocal_root(covariances)

    def precisions(self, whiteners: Array) -> Array:
        """Reciprocal variances."""
        return whiteners**2

    def why_not_precisions(self, precisions: Array) -> str:
        """Require positive numbers."""
        return "" if (precisions > 0).all() else "positive"

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None]

    def lengths(self, step: Array, whiteners: Array) -> Array:
        """Return |s / σ|, which does not depend on signs."""
        return np.linalg.norm(step * whiteners.reshape(len(whiteners), -1), axis=-1)

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−Σ log σ."""
        return np.log(whiteners).sum(axis=-1)

    def is_thin(self, whiteners: Array, variance: float) -> NDArray[np.bool_]:
        """Compare the smallest variance of each component."""
        return np.asarray(whiteners.reshape(len(whiteners), -1).max(axis=1) ** 2 * variance > 1)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return diagonal matrices."""
        return covariances[:, :, None] * np.eye(d)

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Return the variances of the features."""
        return covariances[:, columns]

    def conditional(self, covariances: Array, columns: IntArray, given: IntArray) -> tuple[Array, Array]:
        """Return the marginal variances: features are independent within a component."""
        return self.marginal(covariances, columns), np.zeros((1, len(columns), len(given)))


class Trace(Diagonal):
    """A variance for each component, the same for all features, shape (k,)."""

    free = "spherical"

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """(k,)."""
        return (k,)

    def of_one(self, covariance: Array) -> Array:
        """Return the mean of its diagonal."""
        return np.diagonal(covariance).mean(keepdims=True)

    def averaged(self, scatter: Array, d: int) -> Array:
        """Return the mean over the features instead of the sum."""
        return scatter / d

    def whiten(self, centered: Array, whiteners: Array) -> Array:
        """(x − μ) / σ."""
        return centered * whiteners[:, None, None]

    def log_determinants(self, whiteners: Array, d: int) -> Array:
        """−d log σ."""
        return d * np.log(whiteners)

    def matrices(self, covariances: Array, k: int, d: int) -> Array:
        """Return multiples of the identity."""
        return covariances[:, None, None] * np.eye(d)

    def marginal(self, covariances: Array, columns: IntArray) -> Array:
        """Return the same variances."""
        return covariances


class _Layouts(dict[str, Layout]):
    def __missing__(self, moments: str) -> Layout:
        raise PluginError(f"the moments of a covariance type must be one of {', '.join(self)}; they are {moments!r}.")


LAYOUTS: Mapping[str, Layout] = _Layouts(full=Full(), pooled=Pooled(), diagonal=Diagonal(), trace=Trace())
"""Value of a covariance type's ``moments`` → its layout."""


def _symmetric(matrices: Array) -> Array:
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2


def _inverse_cholesky(covariances: Array, whose: str) -> Array:
    """Return the transposed inverse Cholesky factor of each of k matrices, shape (k, d, d)."""
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
