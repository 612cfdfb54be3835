"""The clusterer ``minibatch_kmeans``: k-means on many rows, by small random samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from gradmix import (
    COLLAPSED,
    INERTIA,
    Bounds,
    GroupCount,
    Iteration,
    Meaning,
    NonNegativeFloat,
    PositiveInt,
    Rows,
    Seed,
)
from gradmix_clustering.kmeans_estimator import Init, KMeansEstimator

if TYPE_CHECKING:
    from gradmix.arrays import Array
    from gradmix_clustering.kmeans_model import KMeansModel
    from gradmix_clustering.minibatch import Sampler


@dataclass
class MiniBatchKMeans(KMeansEstimator):
    """k-means by mini-batches: much faster than `kmeans` on many rows, with a slightly larger inertia.

    An iteration draws a batch of rows with probabilities in proportion to their weights, and moves each center to the
    mean of all rows assigned to it so far. Only a batch and the sample for the start are copied, so the rows may be in
    a memory-mapped file. The same seed gives the same result on every engine.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How a start is chosen: greedy k-means++ or random rows, both from a sample of `init_size` rows, or given
        centers, shape (k, d). In Python it can also be a function of all rows, k and a
        ``numpy.random.Generator`` that returns centers.
    n_init
        Number of starts; the best is kept. ``auto`` is 3 for random rows or a function, otherwise 1. Given centers are
        one start.
    batch_size
        Number of rows in a batch, at most the number of all rows.
    max_iter
        Largest number of passes over the rows: on average, the batches draw each row this often.
    max_no_improvement
        Stop when the smoothed inertia of the batches has not decreased for this many batches; null disables this.
    tol
        Stop when a batch moves the centers less than this: the sum of their squared moves, in units of the features'
        mean variance; 0 disables this.
    init_size
        Number of rows in the sample from which a start is chosen; null for 3 times `batch_size` or 3 times
        `n_clusters`, whichever is more.
    reassignment_ratio
        A center restarts at a row of a batch if the number of rows assigned to it so far is less than this times the
        largest such number.
    random_state
        Seed of the starts and batches.

    Notes
    -----
    Before the last iteration of a start, ``inertia`` is an estimate: the inertia of the batch before the centers move,
    scaled from the number of its rows to the weight of all rows. In the last iteration ``inertia`` is exact, and
    ``n_collapsed`` is the number of clusters without rows. After `fit`: ``cluster_centers_``,
    ``inertia_``, ``n_iter_`` (the number of batches), ``converged_``.

    Sources: Sculley, *Web-scale k-means clustering*, WWW 2010, 1177-1178. The re-seeding and the stopping rule are
    those of scikit-learn's ``MiniBatchKMeans``.

    Examples
    --------
    >>> MiniBatchKMeans(n_clusters=2, random_state=0).fit([[0.0], [0.1], [5.0], [5.2]]).labels_.tolist()
    [1, 1, 0, 0]
    """

    objective = replace(INERTIA, is_estimated=True)
    usual_n_init: ClassVar[int] = 3

    n_clusters: GroupCount = 2
    init: Init = "k-means++"
    n_init: PositiveInt | Literal["auto"] = "auto"
    batch_size: PositiveInt = 1024
    max_iter: PositiveInt = 100
    max_no_improvement: PositiveInt | None = 10
    tol: NonNegativeFloat = 0.0
    init_size: PositiveInt | None = None
    reassignment_ratio: Annotated[float, Bounds(ge=0, le=1)] = 0.01
    random_state: Seed = None

    def metrics(self) -> tuple[Meaning, ...]:
        """Describe the inertia and the number of clusters without rows."""
        return (self.objective.meaning, COLLAPSED)

    def compile_for(self, rows: Rows) -> None:
        """Compile the kernels of the start and of the labels, or load them from disk, unless the problem is small."""
        from gradmix_clustering.assignment import least_problem, nearest_centers
        from gradmix_clustering.compiled import pays
        from gradmix_clustering.plus_plus import choose_centers

        if pays(*rows.shape, self.n_clusters):
            least, k = least_problem(self.n_clusters)
            nearest_centers(least, choose_centers(least, k, np.random.default_rng(0)))

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: KMeansModel | None = None
    ) -> Iterator[Iteration[KMeansModel]]:
        """Process batch after batch from one start."""
        from gradmix_clustering.minibatch import MiniBatchState, Sampler, Smoothed, follow_batch
        from gradmix_clustering.scaling import in_unit, mean_variance, unit_exponent

        unit = unit_exponent(rows.array, reach=rows.reach)
        scaled = rows if unit == 0 else Rows(in_unit(rows.array, unit), rows.weights, rows.engine)
        n, size, sampler = len(rows), min(self.batch_size, len(rows)), Sampler.of(scaled)
        centers = in_unit(state.centers, unit) if state is not None else self._start(rows, sampler, unit, rng)
        tol = self.tol * mean_variance(scaled) if self.tol > 0 else -1.0
        reached, smoothed, most = MiniBatchState(centers, np.zeros(len(centers))), Smoothed(), self.max_iter * n // size
        for number in range(1, most + 1):
            step = follow_batch(sampler, size, reached, self.reassignment_ratio, rng)
            reached, converged = step.state, False
            if number > 1:  # the first batch measures the start
                smoothed += (step.inertia, min(1.0, 2 * size / (n + 1)))
                converged = step.shift <= tol or smoothed.without_gain == self.max_no_improvement
            if converged or number == most:
                yield self._last(scaled, reached.centers, unit, converged)
                return
            estimated = self.in_squared_units(step.inertia * rows.total_weight, unit)
            yield Iteration(self.model_class()(np.ldexp(reached.centers, unit)), {"inertia": estimated})

    def _start(self, rows: Rows, sampler: Sampler, unit: int, rng: np.random.Generator) -> Array:
        """Choose the centers of a start from a sample."""
        size = max(self.init_size or 3 * max(self.batch_size, self.n_clusters), self.n_clusters)
        is_named, scaled = isinstance(self.init, str), sampler.rows
        few = Rows(scaled.array[sampler.draw(size, rng)]) if is_named and size < len(rows) else scaled
        return self.start_centers(rows, few, unit, rng)

    def _last(self, scaled: Rows, centers: Array, unit: int, converged: bool) -> Iteration[KMeansModel]:
        """Return the last iteration, with the exact inertia."""
        from gradmix_clustering.assignment import nearest_centers
        from gradmix_clustering.nearest import inertia_of

        labels = nearest_centers(scaled, centers)
        inertia = self.in_squared_units(inertia_of(scaled, centers, labels), unit)
        empty = np.count_nonzero(np.bincount(labels, scaled.weights, minlength=len(centers)) == 0)
        return Iteration(
            self.model_class()(np.ldexp(centers, unit)),
            {"inertia": inertia},
            converged,
            collapsed=int(empty),
            labels=labels if self.predicts(centers, unit) else None,
        )
