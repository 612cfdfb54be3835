"""The data set ``mixture``: rows drawn from given Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradmix import Data, DataError, Dataset, PositiveFloat, PositiveInt, Seed

if TYPE_CHECKING:
    from gradmix.arrays import Array

Row = tuple[float, ...]
Covariance = PositiveFloat | Row | tuple[Row, ...]


@dataclass(kw_only=True)
class Mixture(Dataset):
    """Rows drawn from a mixture of given Gaussians; the label of a row is its component.

    Parameters
    ----------
    n
        Number of rows.
    weights
        Mixing coefficients, one per component; they are scaled to sum to 1.
    means
        Means, one per component.
    covariances
        Covariances, one per component: a variance, a list of variances, or a matrix.
    random_state
        Seed of the draw.

    Notes
    -----
    The lecture's generative process: choose component i with probability P(y = i), then draw from N(μᵢ, Σᵢ).

    Examples
    --------
    >>> data = Mixture(n=100, weights=(1.0, 3.0), means=((0.0,), (9.0,)), covariances=(1.0, 2.0), random_state=0).load()
    >>> data.X.shape, int(data.labels.max())
    ((100, 1), 1)
    """

    n: PositiveInt = 500
    weights: tuple[PositiveFloat, ...] = (0.5, 0.3, 0.2)
    means: tuple[Row, ...] = ((0.0, 0.0), (4.0, 1.0), (-1.0, 4.0))
    covariances: tuple[Covariance, ...] = (1.0, (0.5, 2.0), ((1.0, 0.7), (0.7, 1.0)))
    random_state: Seed = None

    def read(self) -> Data:
        """Draw the rows."""
        self._check_shapes()
        rng = np.random.default_rng(self.random_state)
        weights, means = np.array(self.weights), np.array(self.means, dtype=float)
        labels = rng.choice(len(weights), size=self.n, p=weights / weights.sum())
        factors = np.stack([self._factor(i) for i in range(len(weights))])
        noise = rng.standard_normal((self.n, means.shape[1]))
        return Data(means[labels] + np.einsum("nij,nj->ni", factors[labels], noise), labels)

    def _check_shapes(self) -> None:
        if not len(self.weights) == len(self.means) == len(self.covariances) > 0:
            raise DataError(
                "dataset.weights, means and covariances must each have one entry for each component; they have "
                f"{len(self.weights)}, {len(self.means)} and {len(self.covariances)}."
            )
        if len({len(mean) for mean in self.means}) != 1 or not self.means[0]:
            raise DataError("all entries of dataset.means must have the same length, the number of features.")

    def _factor(self, component: int) -> Array:
        """Return the Cholesky factor of a component's covariance."""
        d = len(self.means[0])
        given = np.array(self.covariances[component], dtype=float)
        fits = given.shape in ((), (d,), (d, d))
        matrix = given if given.ndim == 2 or not fits else np.eye(d) * given
        if not fits or not np.array_equal(matrix, matrix.T) or (np.linalg.eigvalsh(matrix) <= 0).any():
            raise DataError(
                f"dataset.covariances[{component}] must be one positive variance, {d} positive variances, or a "
                f"symmetric positive definite {d} × {d} matrix; given: {given.tolist()}."
            )
        return np.linalg.cholesky(matrix)
