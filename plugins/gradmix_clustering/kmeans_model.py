"""The model of k-means: centers, to which rows are assigned by distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradmix import DataError, Model, Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.assignment import nearest_centers
from gradmix_clustering.blocks import blocks
from gradmix_clustering.nearest import inertia_of, squared_distances
from gradmix_clustering.scaling import in_unit, unit_exponent


@dataclass(frozen=True, eq=False)
class KMeansModel(Model):
    """k centers in d dimensions.

    Parameters
    ----------
    centers
        Shape (k, d).
    """

    centers: Array

    def __post_init__(self) -> None:
        if self.centers.ndim != 2:
            raise DataError(f"centers must have the shape (n_clusters, n_features); given: {self.centers.shape}.")

    def check(self) -> None:
        """Check that the centers are finite."""
        if not np.isfinite(self.centers).all():
            raise DataError("the centers of a model must be finite numbers.")

    def predict(self, X: Array) -> IntArray:
        """Return the nearest center of each row, shape (n,)."""
        if not len(X):
            return np.empty(0, dtype=np.intp)
        unit = unit_exponent(X, self.centers)
        return nearest_centers(Rows(in_unit(X, unit)), in_unit(self.centers, unit))

    def distances(self, X: Array) -> Array:
        """Return the distance of each row to each center, shape (n, k)."""
        unit = unit_exponent(X, self.centers)
        near = in_unit(self.centers, unit)
        distances = np.empty((len(X), len(near)))
        for rows in blocks(X, len(near)):
            scaled = np.sqrt(squared_distances(in_unit(X[rows], unit), near))
            with np.errstate(over="ignore"):  # a distance may exceed the largest number; then it is infinite
                distances[rows] = np.ldexp(scaled, unit)
        return distances

    def inertia(self, rows: Rows) -> float:
        """Return the sum of the rows' squared distances to their nearest centers, times their weights."""
        return inertia_of(rows, self.centers, self.predict(rows.array)) if len(rows) else 0.0
