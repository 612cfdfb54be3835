"""Centers, and the rows that are nearest to each."""

from __future__ import annotations

from dataclasses import dataclass

from gradmix import DataError, Model
from gradmix.arrays import Array, IntArray
from gradmix_clustering.nearest import nearest
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
            raise DataError(f"centers must have the shape (k, d); it is {self.centers.shape}.")

    def predict(self, X: Array) -> IntArray:
        """Nearest center of each row, shape (n,)."""
        unit = unit_exponent(X, self.centers)
        return nearest(in_unit(X, unit), in_unit(self.centers, unit))
