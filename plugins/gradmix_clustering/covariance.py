"""Covariance types whose M-step has a closed form.

They are named as in mclust, by volume, shape and orientation of the components' ellipsoids: equal (E), variable (V), or
trivial (I). Σₖ = λₖ Dₖ Aₖ Dₖᵀ, with volume λₖ, shape Aₖ (diagonal, |Aₖ| = 1) and orientation Dₖ.

Source: Celeux & Govaert, Pattern Recognition 28 (1995) 781-793. The number of parameters is that of mclust's
``nVarParams``.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from gradmix import Covariance
from gradmix.arrays import Array
from gradmix_clustering.volumes import (
    at_least_some_variance,
    at_least_some_variance_in_every_direction,
    average,
    ellipsoids,
    principal_axes,
    volumes_of_matrices,
    volumes_of_variances,
)


@dataclass
class EII(Covariance):
    """Spheres of equal volume: Σₖ = λ I."""

    moments = "trace"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Mean variance of all components."""
        return np.full(len(counts), scatter.sum() / counts.sum())

    def n_parameters(self, k: int, d: int) -> int:
        """One volume."""
        return 1


@dataclass
class VII(Covariance):
    """Spheres of variable volume: Σₖ = λₖ I; scikit-learn's ``spherical``."""

    moments = "trace"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Mean variance of the features."""
        return average(scatter, counts)

    def n_parameters(self, k: int, d: int) -> int:
        """k volumes."""
        return k


@dataclass
class EEI(Covariance):
    """Ellipsoids of equal volume and shape, parallel to the axes: Σₖ = λ A."""

    moments = "diagonal"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Pooled variance of each feature."""
        return np.tile(scatter.sum(axis=0) / counts.sum(), (len(counts), 1))

    def n_parameters(self, k: int, d: int) -> int:
        """One variance of each feature."""
        return d


@dataclass
class EVI(Covariance):
    """Ellipsoids of equal volume and variable shape, parallel to the axes: Σₖ = λ Aₖ."""

    moments = "diagonal"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Variances of each component, scaled to the mean volume."""
        variances = at_least_some_variance(average(scatter, counts))
        volumes = volumes_of_variances(variances)
        return (np.average(volumes, weights=counts) / volumes)[:, None] * variances

    def n_parameters(self, k: int, d: int) -> int:
        """One volume and k shapes."""
        return 1 + k * (d - 1)


@dataclass
class VVI(Covariance):
    """Ellipsoids of variable volume and shape, parallel to the axes: Σₖ = λₖ Aₖ; scikit-learn's ``diag``."""

    moments = "diagonal"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Variance of each feature."""
        return average(scatter, counts)

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


class OwnAxes(Covariance):
    """Base of the types whose components have individual axes, along which the variances have a common shape."""

    moments = "full"

    @abstractmethod
    def along_axes(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> tuple[Array, Array]:
        """Return variances along the axes in rising order, shape (k, d), and the axes as columns, shape (k, d, d)."""

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Return the covariance matrices, from variances and axes."""
        return ellipsoids(*self.along_axes(counts, scatter, previous, tol))


@dataclass
class EEV(OwnAxes):
    """Ellipsoids of equal volume and shape and variable orientation: Σₖ = λ Dₖ A Dₖᵀ."""

    def along_axes(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> tuple[Array, Array]:
        """Principal axes of each component, with the mean variances along them, in order of size."""
        variances, axes = principal_axes(average(scatter, counts))
        return np.tile(counts @ variances / counts.sum(), (len(counts), 1)), axes

    def n_parameters(self, k: int, d: int) -> int:
        """One volume, one shape and k orientations."""
        return d + k * d * (d - 1) // 2


@dataclass
class EVV(Covariance):
    """Ellipsoids of equal volume and variable shape and orientation: Σₖ = λ Dₖ Aₖ Dₖᵀ."""

    moments = "full"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Covariance of each component, scaled to the mean volume."""
        covariances = at_least_some_variance_in_every_direction(average(scatter, counts))
        volumes = volumes_of_matrices(covariances)
        return (np.average(volumes, weights=counts) / volumes)[:, None, None] * covariances

    def n_parameters(self, k: int, d: int) -> int:
        """K symmetric matrices that share one volume."""
        return 1 - k + k * d * (d + 1) // 2


@dataclass
class VVV(Covariance):
    """Ellipsoids of variable volume, shape and orientation: Σₖ = λₖ Dₖ Aₖ Dₖᵀ; scikit-learn's ``full``."""

    moments = "full"

    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Covariance of each component."""
        return average(scatter, counts)

    def n_parameters(self, k: int, d: int) -> int:
        """K symmetric matrices."""
        return k * d * (d + 1) // 2
