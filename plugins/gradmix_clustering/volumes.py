"""Volumes, shapes and principal axes of covariances, also of singular ones.

A component on too few different rows has variances of zero. They are raised to what rounding leaves of the others, so
that volumes are positive and logarithms finite; whoever regularises covariances does so afterwards.
"""

from __future__ import annotations

import numpy as np

from gradmix.arrays import Array

_EPS = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).tiny)


def average(scatter: Array, counts: Array) -> Array:
    """Covariances of greatest likelihood without a constraint: scatter by count, for arrays of shape (k, …)."""
    return scatter / counts.reshape(-1, *[1] * (scatter.ndim - 1))


def at_least_some_variance(variances: Array) -> Array:
    """Variances of shape (k, d), none of them below ε² times the greatest of its feature."""
    return np.maximum(variances, np.maximum(_EPS**2 * variances.max(axis=0), _TINY))


def at_least_some_variance_in_every_direction(covariances: Array) -> Array:
    """Covariances of shape (k, d, d) with variances as above, and correlations that rounding does not make singular."""
    d = covariances.shape[1]
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    raised = (1 + _EPS * d) * at_least_some_variance(variances) - variances
    return covariances + raised[:, :, None] * np.eye(d)


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
    eigenvalues, axes = np.linalg.eigh(covariances / (deviations[..., :, None] * deviations[..., None, :]))
    return deviations, np.maximum(eigenvalues, _EPS * covariances.shape[-1]), axes


def principal_axes(covariances: Array) -> tuple[Array, Array]:
    """Variances along the principal axes in rising order, shape (k, d), and the axes as columns, shape (k, d, d)."""
    variances, axes = np.linalg.eigh(covariances)
    return np.maximum(variances, np.maximum(_EPS * variances[:, -1:], _TINY)), axes


def ellipsoids(variances: Array, axes: Array) -> Array:
    """D V Dᵀ, symmetric to the last bit: from variances, shape (k, d) or (d,), and axes, shape (k, d, d) or (d, d)."""
    half = axes * np.sqrt(variances)[..., None, :]
    return half @ np.swapaxes(half, -1, -2)
