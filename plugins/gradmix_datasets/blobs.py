"""The data set ``blobs``: any number of random Gaussians in any number of dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradmix import Data, Dataset, NonNegativeFloat, PositiveInt, Seed


@dataclass(kw_only=True)
class Blobs(Dataset):
    """Rows drawn from k random Gaussians in d dimensions, for studies of how cost and quality scale.

    Parameters
    ----------
    n
        Number of rows.
    d
        Number of columns.
    k
        Number of Gaussians, all of the same weight.
    separation
        Standard deviation of the coordinates of the means. Rows have a standard deviation of about 1 around their mean.
    random_state
        Seed of means, covariances and rows.

    Notes
    -----
    The covariances are random, AAᵀ/d with the entries of the d × d matrix A standard normal, plus a tenth of the
    identity.

    Examples
    --------
    >>> data = Blobs(n=100, d=3, k=4, random_state=0).load()
    >>> data.X.shape, sorted(set(data.labels.tolist()))
    ((100, 3), [0, 1, 2, 3])
    """

    n: PositiveInt = 1000
    d: PositiveInt = 2
    k: PositiveInt = 3
    separation: NonNegativeFloat = 4.0
    random_state: Seed = None

    def read(self) -> Data:
        """Draw the rows."""
        rng = np.random.default_rng(self.random_state)
        means = self.separation * rng.standard_normal((self.k, self.d))
        roots = rng.standard_normal((self.k, self.d, self.d)) / np.sqrt(self.d)
        factors = np.linalg.cholesky(roots @ roots.mT + 0.1 * np.eye(self.d))
        labels = rng.permutation(np.arange(self.n) % self.k)
        X = rng.standard_normal((self.n, self.d))
        for group in range(self.k):  # group by group: a factor for each row would be n × d × d
            rows = labels == group
            X[rows] = means[group] + X[rows] @ factors[group].T
        return Data(X, labels)
