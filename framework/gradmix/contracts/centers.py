"""Centers, and the rows that are nearest to each: the model of many clusterers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.model import Model
from gradmix.contracts.rows import Matrix


@dataclass(frozen=True, eq=False)
class Centers(Model):
    """A row belongs to the center that is nearest to it; of several, to the first.

    Parameters
    ----------
    centers
        Shape (k, d).
    metric
        What near means, by the name that `scipy.spatial.distance.cdist` has for it.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.Centers([[0.0, 0.0], [5.0, 5.0]]).predict([[1.0, 1.0], [4.0, 5.0]]).tolist()
    [0, 1]
    """

    centers: Matrix
    metric: str = "euclidean"

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Nearest center of each row, shape (n,)."""
        from scipy.spatial.distance import cdist

        return cdist(X, self.centers, self.metric).argmin(axis=1)  # type: ignore[call-overload, no-any-return]
