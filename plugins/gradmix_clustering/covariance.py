"""Covariance types whose M-step has a closed form.

They are named as in mclust, by volume, shape and orientation of the components' ellipsoids: equal (E), variable (V), or
trivial (I). Σₖ = λₖ Dₖ Aₖ Dₖᵀ, with volume λₖ, shape Aₖ (diagonal, |Aₖ| = 1) and orientation Dₖ.

Source: Celeux & Govaert, Pattern Recognition 28 (1995) 781-793.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradmix import Covariance
from gradmix.arrays import Array


@dataclass
class VII(Covariance):
    """Spheres of variable volume: Σₖ = λₖ I; scikit-learn's ``spherical``."""

    moments = "trace"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Mean variance of the features."""
        return scatter / counts

    def n_parameters(self, k: int, d: int) -> int:
        """k volumes."""
        return k


@dataclass
class VVI(Covariance):
    """Ellipsoids of variable volume and shape, parallel to the axes: Σₖ = λₖ Aₖ; scikit-learn's ``diag``."""

    moments = "diagonal"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Variance of each feature."""
        return scatter / counts[:, None]

    def n_parameters(self, k: int, d: int) -> int:
        """K · d variances."""
        return k * d


@dataclass
class EEE(Covariance):
    """Ellipsoids of equal volume, shape and orientation: Σₖ = λ D A Dᵀ; scikit-learn's ``tied``."""

    moments = "pooled"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Pooled covariance."""
        return scatter / counts.sum()

    def n_parameters(self, k: int, d: int) -> int:
        """One symmetric matrix."""
        return d * (d + 1) // 2


@dataclass
class VVV(Covariance):
    """Ellipsoids of variable volume, shape and orientation: Σₖ = λₖ Dₖ Aₖ Dₖᵀ; scikit-learn's ``full``."""

    moments = "full"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Covariance of each component."""
        return scatter / counts[:, None, None]

    def n_parameters(self, k: int, d: int) -> int:
        """K symmetric matrices."""
        return k * d * (d + 1) // 2
