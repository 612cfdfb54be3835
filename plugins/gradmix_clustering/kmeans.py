"""The clusterer ``kmeans``: hard assignments, Lloyd's algorithm."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradmix import INERTIA, Clusterer, DataError, GroupCount, Iteration, NonNegativeFloat, PositiveInt, Seed

if TYPE_CHECKING:
    from gradmix.arrays import Array
    from gradmix_clustering.kmeans_model import KMeansModel


@dataclass
class KMeans(Clusterer["KMeansModel"]):
    """k-means by Lloyd's algorithm from k-means++ starts.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    n_init
        Number of starts; the best is kept.
    tol
        Stop when the centers move less than this: the sum of their squared moves, in units of the features' mean
        variance. It stops in any case when no row changes its cluster.
    max_iter
        Most iterations of a start.
    random_state
        Seed of the starts.

    Notes
    -----
    Source: Lloyd, IEEE Trans. Inf. Theory 28 (1982) 129-137. After `fit`: ``cluster_centers_``, ``inertia_``,
    ``n_iter_``, ``converged_``.

    Examples
    --------
    >>> KMeans(n_clusters=2, random_state=0).fit([[0.0], [0.1], [5.0], [5.2]]).n_iter_ >= 1
    True
    """

    objective = INERTIA

    n_clusters: GroupCount = 2
    n_init: PositiveInt = 1
    tol: NonNegativeFloat = 1e-4
    max_iter: PositiveInt = 300
    random_state: Seed = None

    @classmethod
    def model_class(cls) -> type[KMeansModel]:
        """`KMeansModel`."""
        from gradmix_clustering.kmeans_model import KMeansModel

        return KMeansModel

    def iterate(self, X: Array, rng: np.random.Generator) -> Iterator[Iteration[KMeansModel]]:
        """Lloyd's algorithm from one start."""
        from gradmix_clustering.lloyd import choose_centers, lloyd
        from gradmix_clustering.scaling import in_unit, unit_exponent

        unit = unit_exponent(X)
        X = in_unit(X, unit)
        tol = self.tol * float(X.var(axis=0).mean())
        for _, step in zip(range(self.max_iter), lloyd(X, choose_centers(X, self.n_clusters, rng)), strict=False):
            converged = step.is_fixed or step.shift <= tol
            inertia = self._in_squared_units(step.inertia, 2 * unit)
            yield Iteration(self.model_class()(np.ldexp(step.centers, unit)), {"inertia": inertia}, converged)
            if converged:
                return

    def _in_squared_units(self, inertia: float, exponent: int) -> float:
        try:
            scaled = math.ldexp(inertia, exponent)
        except OverflowError:
            raise DataError(
                "the data are so large that the inertia, a sum of squares, overflows: divide them by a power of two "
                "first."
            ) from None
        if self.n_init > 1 and inertia > 0 and scaled < sys.float_info.min:
            raise DataError(
                "the data are so small that the inertia, a sum of squares, vanishes and cannot tell which start is "
                "best: multiply them by a power of two first, or set n_init=1."
            )
        return scaled

    @property
    def cluster_centers_(self) -> Array:
        """Centers, shape (k, d)."""
        return self.fitted("centers")  # type: ignore[no-any-return]
