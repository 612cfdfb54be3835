"""Volumes, shapes and principal axes of covariances, including singular ones.

A component on too few different rows has variances of zero. These are raised to the rounding error of the others, so
that volumes are positive and logarithms finite. Regularisation comes after this.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from gradmix.arrays import Array

_EPS = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).tiny)
_ELONGATED = 1e-6
"""Ratio of the smallest to the largest variance below which an eigenvalue has lost too many digits."""
_MOST_SWEEPS = 30


def average(scatter: Array, counts: Array) -> Array:
    """Return the unconstrained maximum-likelihood covariances: scatter divided by count, for arrays of shape (k, …)."""
    return scatter / counts.reshape(-1, *[1] * (scatter.ndim - 1))


def at_least_some_variance(variances: Array) -> Array:
    """Return variances, shape (k, d), raised to at least ε² times the greatest of their feature."""
    return np.maximum(variances, np.maximum(_EPS**2 * variances.max(axis=0), _TINY))


def at_least_some_variance_in_every_direction(covariances: Array) -> Array:
    """Return covariances, shape (k, d, d), with variances raised as above and with non-singular correlations."""
    d = covariances.shape[1]
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    least = at_least_some_variance(variances)
    deviations = np.sqrt(least)
    most = deviations[:, :, None] * deviations[:, None, :]
    possible = np.where(np.abs(covariances) <= 2 * most, covariances, 0.0)
    is_singular = _correlations(possible, deviations)[0][:, :1] < _EPS * d
    np.einsum("kaa->ka", possible)[:] = np.where(is_singular, (1 + _EPS * d) * least, least)
    return possible


def at_most_some_variance(volumes: Array, variances: Array, greatest: Array) -> Array:
    """Limit volumes, shape (k,), so that no variance of the shape (d,) exceeds 1/ε² times the greatest.

    If a component has no variance in some direction and the others must have the same shape, the likelihood may grow
    without bound as their volumes grow.
    """
    with np.errstate(over="ignore"):  # an overflow means that there is no bound
        most = greatest / np.maximum(variances, _TINY) / _EPS**2
    return np.minimum(volumes, most.min())


def volumes_of_variances(variances: Array) -> Array:
    """Return the geometric mean of each component's variances, shape (k,), from shape (k, d)."""
    return np.exp(np.log(variances).mean(axis=1))


def volumes_of_matrices(covariances: Array) -> Array:
    """Return |Σₖ|^(1/d), shape (k,), from shape (k, d, d)."""
    deviations, eigenvalues, _ = correlation_axes(covariances)
    return np.exp((2 * np.log(deviations) + np.log(eigenvalues)).mean(axis=1))


def correlation_axes(covariances: Array) -> tuple[Array, Array, Array]:
    """Return the features' standard deviations, shape (…, d), and eigenvalues and -vectors of their correlations.

    Unlike the principal axes, these lose no digits where features have different units.
    """
    deviations = np.sqrt(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), _TINY))
    eigenvalues, axes = _correlations(covariances, deviations)
    return deviations, np.maximum(eigenvalues, _EPS * covariances.shape[-1]), axes


def _correlations(covariances: Array, deviations: Array) -> tuple[Array, Array]:
    """Return eigenvalues in rising order, and eigenvectors; impossible correlations, due to rounding, become 0."""
    correlations = covariances / (deviations[..., :, None] * deviations[..., None, :])
    eigenvalues, axes = np.linalg.eigh(np.where(np.abs(correlations) <= 2, correlations, 0.0))
    return eigenvalues, axes


def principal_axes(covariances: Array) -> tuple[Array, Array]:
    """Return variances along principal axes in rising order, shape (k, d), and the axes as columns, shape (k, d, d)."""
    variances, axes = np.linalg.eigh(covariances)
    longest = variances[:, -1:]
    least = np.maximum(_EPS * longest, _TINY)
    for component in np.flatnonzero(variances[:, 0] < _ELONGATED * longest[:, 0]):
        graded = _graded_axes(covariances[component])
        if graded is not None:
            variances[component], axes[component] = graded
            least[component] *= _EPS
    return np.maximum(variances, least), axes


def _graded_axes(covariance: Array) -> tuple[Array, Array] | None:
    """As `principal_axes` for one matrix, by Jacobi rotations of its Cholesky factor; None if it is singular.

    Source: Demmel & Veselić, SIAM J. Matrix Anal. Appl. 13 (1992) 1204-1245: however elongated an ellipsoid is, its
    short axes keep their digits if the matrix is well-conditioned in suitable units of the features.
    """
    try:
        turned = np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:
        return None
    d = len(turned)
    axes = np.eye(d)
    for _ in range(_MOST_SWEEPS):
        largest = 0.0
        for p, q in combinations(range(d), 2):
            a, b = turned[:, p], turned[:, q]
            lengths, product = (a @ a, b @ b), a @ b
            cosine = abs(product) / np.sqrt(lengths[0] * lengths[1])
            largest = max(largest, cosine)
            if cosine > _EPS:
                cotangent = (lengths[1] - lengths[0]) / (2 * product)
                tangent = np.copysign(1.0, cotangent) / (abs(cotangent) + np.hypot(1.0, cotangent))
                rotation = np.array([[1.0, tangent], [-tangent, 1.0]]) / np.hypot(1.0, tangent)
                turned[:, [p, q]], axes[:, [p, q]] = turned[:, [p, q]] @ rotation, axes[:, [p, q]] @ rotation
        if largest <= _EPS * d:
            break
    variances = (turned**2).sum(axis=0)
    order = np.argsort(variances)
    return variances[order], axes[:, order]


def is_elongated(variances: Array) -> bool:
    """Whether matrices with these variances along axes, shape (k, d), would lose digits of the short axes."""
    return bool((variances.min(axis=1) < _ELONGATED * variances.max(axis=1)).any())


def whiteners_along(variances: Array, axes: Array) -> Array:
    """Return upper triangular P with P Pᵀ = D V⁻¹ Dᵀ, shape (k, d, d); variances rise, and axes are columns.

    They keep the digits of short axes that the matrices D V Dᵀ, and their factors, would lose.
    """
    scaled = np.swapaxes(axes / np.sqrt(variances)[:, None, :], 1, 2)
    factors = np.linalg.qr(scaled[:, :, ::-1])[1]
    signed = factors * np.where(np.diagonal(factors, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, :, None]
    return np.ascontiguousarray(np.swapaxes(signed, 1, 2)[:, ::-1, ::-1])


def square_root(covariance: Array) -> Array:
    """Return R with S = R Rᵀ, shape (d, d): a Cholesky factor or, if S is singular, its axes times their lengths."""
    deviations = np.sqrt(np.maximum(np.diagonal(covariance), _TINY))
    if _correlations(covariance, deviations)[0][0] >= _EPS * len(covariance):
        try:
            return np.asarray(np.linalg.cholesky(covariance), dtype=covariance.dtype)
        except np.linalg.LinAlgError:  # singular up to rounding; the lengths of the axes below stay positive
            pass
    variances, axes = np.linalg.eigh(covariance)
    return axes * np.sqrt(np.maximum(variances, np.maximum(_EPS * variances[-1], _TINY)))


def ellipsoids(variances: Array, axes: Array) -> Array:
    """Return D V Dᵀ, exactly symmetric, from variances, shape (k, d) or (d,), and axes, shape (k, d, d) or (d, d)."""
    half = axes * np.sqrt(variances)[..., None, :]
    return half @ np.swapaxes(half, -1, -2)
