"""The clusterer ``kmeans``: hard assignments, Lloyd's algorithm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from gradmix import GroupCount, Iteration, NonNegativeFloat, PositiveInt, Rows, Seed
from gradmix_clustering.kmeans_estimator import Init, KMeansEstimator

if TYPE_CHECKING:
    from gradmix_clustering.kmeans_model import KMeansModel


@dataclass
class KMeans(KMeansEstimator):
    """k-means by Lloyd's algorithm: exact labels, sums and inertia.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How a start is chosen: greedy k-means++, random rows, or given centers, shape (k, d). In Python it can also be a
        function of the rows, k and a ``numpy.random.Generator`` that returns centers.
    n_init
        Number of starts; the best is kept. ``auto`` is 10 for random rows or a function, otherwise 1. Given centers
        are one start.
    tol
        Stop when the centers move less than this: the sum of their squared moves, in units of the features' mean
        variance. A start also stops when no row changes its cluster.
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

    usual_n_init: ClassVar[int] = 10

    n_clusters: GroupCount = 2
    init: Init = "k-means++"
    n_init: PositiveInt | Literal["auto"] = "auto"
    tol: NonNegativeFloat = 1e-4
    max_iter: PositiveInt = 300
    random_state: Seed = None

    def compile_for(self, rows: Rows) -> None:
        """Compile the kernels of Lloyd's algorithm, or load them from disk, unless the problem is small."""
        from gradmix_clustering.assignment import least_problem, nearest_centers
        from gradmix_clustering.compiled import pays
        from gradmix_clustering.lloyd import lloyd
        from gradmix_clustering.plus_plus import choose_centers

        if pays(*rows.shape, self.n_clusters):
            least, k = least_problem(self.n_clusters)
            *_, last = islice(lloyd(least, choose_centers(least, k, np.random.default_rng(0))), 2)
            nearest_centers(least, last.centers)

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: KMeansModel | None = None
    ) -> Iterator[Iteration[KMeansModel]]:
        """Run Lloyd's algorithm from one start."""
        from gradmix_clustering.lloyd import lloyd
        from gradmix_clustering.scaling import in_unit, mean_variance, unit_exponent

        unit = unit_exponent(rows.array, reach=rows.reach)
        scaled = rows if unit == 0 else Rows(in_unit(rows.array, unit), rows.weights, rows.engine)
        given = None if state is None else state.centers
        centers = self.start_centers(rows, scaled, unit, rng) if given is None else in_unit(given, unit)
        tol = self.tol * mean_variance(scaled) if self.tol > 0 else 0.0
        for number, step in zip(range(1, self.max_iter + 1), lloyd(scaled, centers), strict=False):
            converged = step.is_fixed or step.shift <= tol
            metrics = {"inertia": self.in_squared_units(step.inertia, unit)}
            model = self.model_class()(np.ldexp(step.centers, unit))
            known = (converged or number == self.max_iter) and self.predicts(step.centers, unit)
            yield Iteration(model, metrics, converged, labels=step.assignment.labels if known else None)
            if converged:
                return
