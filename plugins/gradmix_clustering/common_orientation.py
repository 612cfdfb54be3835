"""Covariance types with variable shapes and a common orientation, for which there is no closed form.

The orientation D is searched for among the orthogonal matrices; volumes and shapes follow from D. Source of the
models: Celeux & Govaert, Pattern Recognition 28 (1995) 781-793, and Browne & McNicholas, Adv. Data Anal. Classif. 8
(2014) 217-226. Their algorithm minorises the likelihood, which takes hundreds of steps if components are elongated.
Quasi-Newton steps over all pairs of axes, as in Pham, SIAM J. Matrix Anal. Appl. 22 (2001) 1136-1152, need only a few.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from gradmix import Covariance, PositiveInt
from gradmix.arrays import Array
from gradmix_clustering.volumes import (
    at_least_some_variance,
    average,
    ellipsoids,
    principal_axes,
    square_root,
    volumes_of_variances,
)

_LARGEST_ANGLE = 0.5
"""Largest rotation between two axes in a step, in radians; beyond, the likelihood is hardly quadratic."""
_MOST_HALVINGS = 10


@dataclass
class CommonOrientation(Covariance):
    """Base of the covariance types VVE and EVE.

    Parameters
    ----------
    max_steps
        Most steps of the search for the orientation in an M-step.
    """

    moments = "full"

    max_steps: PositiveInt = 20

    @abstractmethod
    def cost(self, variances: Array, shares: Array) -> tuple[float, Array]:
        """Return the negative log-likelihood per row up to a constant, from the variances along the axes.

        Parameters
        ----------
        variances
            Shape (k, d).
        shares
            Share of each component, shape (k,).

        Returns
        -------
        cost, weights
            The cost in nats, and its derivatives with respect to half the logarithms of the variances, shape (k,).
            These are the same for all axes.
        """

    @abstractmethod
    def constrained(self, variances: Array, shares: Array) -> Array:
        """Return the maximum-likelihood variances along the axes, shape (k, d), from unconstrained ones."""

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Search for the orientation, starting from the previous one."""
        covariances, shares = average(scatter, counts), counts / counts.sum()
        axes = _common_axes(np.tensordot(shares, covariances, axes=1) if previous is None else _mixed(previous))
        roots = np.array([*map(square_root, covariances)])
        rotated = _rotated(roots, axes)
        cost, weights = self.cost(_variances(rotated), shares)
        for _ in range(self.max_steps):
            angles = _newton_angles(rotated, weights)
            for _ in range(_MOST_HALVINGS):
                rotation = _cayley(angles)
                new_rotated = _rotated(roots, axes @ rotation)
                new_cost, new_weights = self.cost(_variances(new_rotated), shares)
                if new_cost <= cost:
                    break
                angles /= 2
            else:
                break
            gain = cost - new_cost
            axes, rotated, cost, weights = axes @ rotation, new_rotated, new_cost, new_weights
            if gain <= tol:
                break
        return ellipsoids(self.constrained(_variances(rotated), shares), axes)


@dataclass
class VVE(CommonOrientation):
    """Ellipsoids of variable volume and shape and equal orientation: Σₖ = λₖ D Aₖ Dᵀ."""

    def cost(self, variances: Array, shares: Array) -> tuple[float, Array]:
        """Return ½ Σ pₖ log |Σₖ|."""
        return 0.5 * float(shares @ np.log(variances).sum(axis=1)), shares

    def constrained(self, variances: Array, shares: Array) -> Array:
        """Return the variances unchanged."""
        return variances

    def n_parameters(self, k: int, d: int) -> int:
        """K · d variances and one orientation."""
        return k * d + d * (d - 1) // 2


@dataclass
class EVE(CommonOrientation):
    """Ellipsoids of equal volume and orientation and variable shape: Σₖ = λ D Aₖ Dᵀ."""

    def cost(self, variances: Array, shares: Array) -> tuple[float, Array]:
        """Return d/2 log Σ pₖ λₖ."""
        volumes = shares * volumes_of_variances(variances)
        return 0.5 * variances.shape[1] * float(np.log(volumes.sum())), volumes / volumes.sum()

    def constrained(self, variances: Array, shares: Array) -> Array:
        """Scale the variances to the mean volume."""
        volumes = volumes_of_variances(variances)
        return (shares @ volumes / volumes)[:, None] * variances

    def n_parameters(self, k: int, d: int) -> int:
        """One volume, k shapes and one orientation."""
        return 1 + k * (d - 1) + d * (d - 1) // 2


def _mixed(covariances: Array) -> Array:
    """Return a weighted sum of matrices with common axes; by the weights, hardly any two axes get the same sum."""
    weights = np.arange(1, len(covariances) + 1) ** 0.5
    return np.tensordot(weights / np.trace(covariances, axis1=1, axis2=2), covariances, axes=1)


def _common_axes(matrix: Array) -> Array:
    return principal_axes(matrix[None])[1][0]


def _rotated(roots: Array, axes: Array) -> Array:
    """Return Dᵀ S D from S = R Rᵀ; unlike the direct product, this keeps the digits of short axes."""
    turned = axes.T @ roots
    return turned @ np.swapaxes(turned, 1, 2)


def _variances(matrices: Array) -> Array:
    """Return the diagonals, shape (k, d), each at least as large as the rounding error of its axis."""
    return at_least_some_variance(np.diagonal(matrices, axis1=1, axis2=2))


def _newton_angles(rotated: Array, weights: Array) -> Array:
    """Return the rotation angle of each pair of axes, an antisymmetric matrix, from covariances in the current axes.

    The gradient is exact. Second derivatives that vanish for diagonal covariances are omitted; this leaves one
    non-negative number for each pair.
    """
    variances = _variances(rotated)
    slopes = np.einsum("k,kij,kj->ij", weights, rotated, 1 / variances)
    ratios = np.einsum("k,ki,kj->ij", weights, variances, 1 / variances)
    gradient, curvature = slopes - slopes.T, ratios + ratios.T - 2 * weights.sum()
    steepest = np.maximum(np.maximum(curvature, np.abs(gradient) / _LARGEST_ANGLE), np.finfo(float).tiny)
    return -gradient / steepest


def _cayley(angles: Array) -> Array:
    """Return the rotation (I − Ω/2)⁻¹ (I + Ω/2) of an antisymmetric matrix Ω."""
    one = np.eye(len(angles))
    return np.asarray(np.linalg.solve(one - angles / 2, one + angles / 2), dtype=angles.dtype)
