"""Covariance types with variable volumes and a common shape or matrix, which are estimated alternately.

Source: Celeux & Govaert, Pattern Recognition 28 (1995) 781-793. Each turn maximises the likelihood over the volumes or
over the common part, so it never lowers the likelihood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradmix import Covariance, PositiveInt
from gradmix.arrays import Array
from gradmix_clustering.covariance import OwnAxes
from gradmix_clustering.volumes import (
    at_least_some_variance,
    at_least_some_variance_in_every_direction,
    at_most_some_variance,
    average,
    correlation_axes,
    principal_axes,
    volumes_of_matrices,
    volumes_of_variances,
)


@dataclass
class VEI(Covariance):
    """Ellipsoids of variable volume and equal shape, parallel to the axes: Σₖ = λₖ A.

    Parameters
    ----------
    max_turns
        Most turns of an M-step.
    """

    moments = "diagonal"

    max_turns: PositiveInt = 50

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Estimate volumes and the shape alternately."""
        variances = at_least_some_variance(average(scatter, counts))
        volumes, shape = _in_turns(variances, _distances_by_variances, counts, previous, tol, self.max_turns)
        return volumes[:, None] * shape

    def n_parameters(self, k: int, d: int) -> int:
        """K volumes and one shape."""
        return k + d - 1


@dataclass
class VEV(OwnAxes):
    """Ellipsoids of variable volume and orientation and equal shape: Σₖ = λₖ Dₖ A Dₖᵀ.

    Parameters
    ----------
    max_turns
        Most turns of an M-step.
    """

    max_turns: PositiveInt = 50

    def along_axes(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> tuple[Array, Array]:
        """Compute the principal axes of each component, then estimate volumes and the shape alternately."""
        variances, axes = principal_axes(average(scatter, counts))
        volumes, shape = _in_turns(variances, _distances_by_variances, counts, previous, tol, self.max_turns)
        return volumes[:, None] * shape, axes

    def n_parameters(self, k: int, d: int) -> int:
        """K volumes, one shape and k orientations."""
        return k + d - 1 + k * d * (d - 1) // 2


@dataclass
class VEE(Covariance):
    """Ellipsoids of variable volume and equal shape and orientation: Σₖ = λₖ D A Dᵀ.

    Parameters
    ----------
    max_turns
        Most turns of an M-step.
    """

    moments = "full"

    max_turns: PositiveInt = 50

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Estimate volumes and the common matrix alternately."""
        covariances = at_least_some_variance_in_every_direction(average(scatter, counts))
        volumes, matrix = _in_turns(covariances, _distances_by_matrix, counts, previous, tol, self.max_turns)
        return volumes[:, None, None] * matrix

    def n_parameters(self, k: int, d: int) -> int:
        """K volumes and one matrix of determinant 1."""
        return k - 1 + d * (d + 1) // 2


def _in_turns(
    covariances: Array,
    distances_by: Callable[[Array, Array], tuple[Array, float]],
    counts: Array,
    previous: Array | None,
    tol: float,
    max_turns: int,
) -> tuple[Array, Array]:
    """Return the maximum-likelihood volumes λₖ, shape (k,), and the common part C of Σₖ = λₖ C.

    Given the volumes, C is the mean of the Sₖ/λₖ; given C, λₖ = tr(Sₖ C⁻¹)/d, from unconstrained covariances Sₖ. Only
    their product matters, so C need not have the determinant 1.

    Parameters
    ----------
    covariances
        Sₖ, shape (k, d, d), or variances, shape (k, d).
    distances_by
        Returns tr(Sₖ C⁻¹), shape (k,), and log |C|, from the Sₖ and C.
    counts, previous, tol, max_turns
        As for the covariance types.
    """
    shares, d = counts / counts.sum(), covariances.shape[1]
    volumes = _volumes(covariances if previous is None else previous)
    greatest = (covariances if covariances.ndim == 2 else np.diagonal(covariances, axis1=1, axis2=2)).max(axis=0)
    cost = np.inf
    for _ in range(max_turns):
        common = np.tensordot(shares / volumes, covariances, axes=1)
        distances, log_determinant = distances_by(covariances, common)
        variances = common if common.ndim == 1 else np.diagonal(common)
        volumes = at_most_some_variance(np.maximum(distances / d, np.finfo(float).tiny), variances, greatest)
        before, cost = cost, 0.5 * (d * float(shares @ np.log(volumes)) + log_determinant)
        if before - cost <= tol:
            break
    return volumes, common


def _volumes(covariances: Array) -> Array:
    return volumes_of_variances(covariances) if covariances.ndim == 2 else volumes_of_matrices(covariances)


def _distances_by_variances(covariances: Array, variances: Array) -> tuple[Array, float]:
    return (covariances / variances).sum(axis=1), float(np.log(variances).sum())


def _distances_by_matrix(covariances: Array, matrix: Array) -> tuple[Array, float]:
    deviations, eigenvalues, axes = correlation_axes(matrix)
    scaled = covariances / (deviations[:, None] * deviations)
    along = ((scaled @ axes) * axes).sum(axis=1)
    return (along / eigenvalues).sum(axis=1), float(2 * np.log(deviations).sum() + np.log(eigenvalues).sum())
