"""Volumes, shapes and principal axes of covariances, also of singular ones.

A component on too few different rows has variances of zero. They are raised to what rounding leaves of the others, so
that volumes are positive and logarithms finite; whoever regularises covariances does so afterwards.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from gradmix.arrays import Array

_EPS = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).tiny)
_ELONGATED = 1e-6
"""Ratio of the shortest to the longest variance below which an eigenvalue has lost too many digits."""
_MOST_SWEEPS = 30


def average(scatter: Array, counts: Array) -> Array:
    """Covariances of greatest likelihood without a constraint: scatter by count, for arrays of shape (k, …)."""
    return scatter / counts.reshape(-1, *[1] * (scatter.ndim - 1))


def at_least_some_variance(variances: Array) -> Array:
    """Variances of shape (k, d), none of them below ε² times the greatest of its feature."""
    return np.maximum(variances, np.maximum(_EPS**2 * variances.max(axis=0), _TINY))


def at_least_some_variance_in_every_direction(covariances: Array) -> Array:
    """Covariances of shape (k, d, d) with variances as above, and correlations that are not singular."""
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
    """Volumes, shape (k,), by which no variance, of the shape (d,), becomes more than 1/ε² times the greatest.

    Where a component has no variance in some direction and others must have the same shape, the likelihood may grow
    without end with their volumes.
    """
    with np.errstate(over="ignore"):  # an overflow means that nothing bounds it
        most = greatest / np.maximum(variances, _TINY) / _EPS**2
    return np.minimum(volumes, most.min())


def volumes_of_variances(variances: Array) -> Array:
    """Geometric mean of each component's variances, shape (k,), from shape (k, d)."""
    return np.exp(np.log(variances).mean(axis=1))


def volumes_of_matrices(covariances: Array) -> Array:
    """|Σₖ|^(1/d), shape (k,), from shape (k, d, d)."""
    deviations, eigenvalues, _ = correlation_axes(covariances)
    return np.exp((2 * np.log(deviations) + np.log(eigenvalues)).mean(axis=1))


def correlation_axes(covariances: Array) -> tuple[Array, Array, Array]:
    """Standard deviations of features, shape (…, d), and eigenvalues and eigenvectors of their correlations.

    Unlike the principal axes, these lose no digits where features have different units.
    """
    deviations = np.sqrt(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), _TINY))
    eigenvalues, axes = _correlations(covariances, deviations)
    return deviations, np.maximum(eigenvalues, _EPS * covariances.shape[-1]), axes


def _correlations(covariances: Array, deviations: Array) -> tuple[Array, Array]:
    """Eigenvalues in rising order, and eigenvectors; a correlation that cannot be is what rounding has left, and 0."""
    correlations = covariances / (deviations[..., :, None] * deviations[..., None, :])
    eigenvalues, axes = np.linalg.eigh(np.where(np.abs(correlations) <= 2, correlations, 0.0))
    return eigenvalues, axes


def principal_axes(covariances: Array) -> tuple[Array, Array]:
    """Variances along the principal axes in rising order, shape (k, d), and the axes as columns, shape (k, d, d)."""
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
    """As `principal_axes` of one matrix, by Jacobi's rotations of its Cholesky factor; None if it is singular.

    Source: Demmel & Veselić, SIAM J. Matrix Anal. Appl. 13 (1992) 1204-1245: however elongated an ellipsoid is, its
    short axes keep their digits if the matrix is well-conditioned but for the features' units.
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
    """Whether matrices with such variances along axes, shape (k, d), would lose digits of the short axes."""
    return bool((variances.min(axis=1) < _ELONGATED * variances.max(axis=1)).any())


def whiteners_along(variances: Array, axes: Array) -> Array:
    """Upper triangular P with P Pᵀ = D V⁻¹ Dᵀ, shape (k, d, d), for variances in rising order and axes as columns.

    They keep the digits of short axes that the matrices D V Dᵀ, and their factors, would lose.
    """
    scaled = np.swapaxes(axes / np.sqrt(variances)[:, None, :], 1, 2)
    factors = np.linalg.qr(scaled[:, :, ::-1])[1]
    signed = factors * np.where(np.diagonal(factors, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, :, None]
    return np.ascontiguousarray(np.swapaxes(signed, 1, 2)[:, ::-1, ::-1])


def square_root(covariance: Array) -> Array:
    """R of S = R Rᵀ, shape (d, d): a Cholesky factor or, if S is singular, axes of the lengths that rounding leaves."""
    deviations = np.sqrt(np.maximum(np.diagonal(covariance), _TINY))
    if _correlations(covariance, deviations)[0][0] >= _EPS * len(covariance):
        try:
            return np.asarray(np.linalg.cholesky(covariance), dtype=covariance.dtype)
        except np.linalg.LinAlgError:  # singular but for rounding: the axes below have lengths all the same
            pass
    variances, axes = np.linalg.eigh(covariance)
    return axes * np.sqrt(np.maximum(variances, np.maximum(_EPS * variances[-1], _TINY)))


def ellipsoids(variances: Array, axes: Array) -> Array:
    """D V Dᵀ, symmetric to the last bit: from variances, shape (k, d) or (d,), and axes, shape (k, d, d) or (d, d)."""
    half = axes * np.sqrt(variances)[..., None, :]
    return half @ np.swapaxes(half, -1, -2)
