"""Centers: a model that assigns each row to the nearest center, used by many clusterers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import DataError
from gradmix.contracts.model import Model
from gradmix.contracts.rows import Matrix


@dataclass(frozen=True, eq=False)
class Centers(Model):
    """A model in which each row belongs to its nearest center; among equally near centers, to the first.

    Parameters
    ----------
    centers
        The centers, shape (k, d).
    metric
        The distance, by its name in `scipy.spatial.distance.cdist`.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.Centers([[0.0, 0.0], [5.0, 5.0]]).predict([[1.0, 1.0], [4.0, 5.0]]).tolist()
    [0, 1]
    """

    centers: Matrix
    metric: str = "euclidean"

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Return the number of the nearest center of each row, shape (n,)."""
        from scipy.spatial.distance import cdist

        if (shape := np.shape(self.centers)) != (len(self.centers), np.shape(X)[1]):
            raise DataError(f"centers must have the shape (k, {np.shape(X)[1]}), as the rows do; it is {shape}.")
        return cdist(X, self.centers, self.metric).argmin(axis=1)  # type: ignore[call-overload, no-any-return]
