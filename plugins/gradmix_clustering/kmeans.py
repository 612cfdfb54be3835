"""The clusterer ``kmeans``: hard assignments, Lloyd's algorithm."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from gradmix import (
    INERTIA,
    AlsoInPython,
    DataError,
    FoldingClusterer,
    GroupCount,
    Iteration,
    NonNegativeFloat,
    PositiveInt,
    Rows,
    Seed,
)

if TYPE_CHECKING:
    from gradmix.arrays import Array
    from gradmix_clustering.kmeans_model import KMeansModel

_USUAL = 2.0**200
"""Centers below it have no influence on the unit in which labels are computed (`gradmix_clustering.scaling`)."""


@dataclass
class KMeans(FoldingClusterer["KMeansModel"]):
    """k-means by Lloyd's algorithm: exact labels, sums and inertia.

    Parameters
    ----------
    n_clusters
        Number of clusters, k.
    init
        How a start is chosen: greedy k-means++, random rows, or given centers, shape (k, d). In Python also a function
        of the rows, k and a ``numpy.random.Generator`` that returns centers.
    n_init
        Number of starts; the best is kept. ``auto`` is 10 for random rows, otherwise 1. Given centers are one start.
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
    init: Annotated[Literal["k-means++", "random"] | list[list[float]], AlsoInPython(Callable)] = "k-means++"
    n_init: PositiveInt | Literal["auto"] = "auto"
    tol: NonNegativeFloat = 1e-4
    max_iter: PositiveInt = 300
    random_state: Seed = None

    @classmethod
    def model_class(cls) -> type[KMeansModel]:
        """`KMeansModel`."""
        from gradmix_clustering.kmeans_model import KMeansModel

        return KMeansModel

    def compile_for(self, rows: Rows) -> None:
        """Compile the kernels of Lloyd's algorithm, or load them from disk, unless the problem is small."""
        from gradmix_clustering.assignment import nearest_centers
        from gradmix_clustering.compiled import SMALL, pays
        from gradmix_clustering.lloyd import lloyd
        from gradmix_clustering.plus_plus import choose_centers

        if pays(*rows.shape, self.n_clusters):
            least = Rows(np.arange(float(SMALL))[:, None])
            step = next(lloyd(least, choose_centers(least, 2, np.random.default_rng(0))))
            nearest_centers(least, step.centers)

    def n_starts(self) -> int:
        """Number of starts: one from given centers, which are always the same."""
        if not isinstance(self.init, str) and not callable(self.init):
            return 1
        if self.n_init == "auto":
            return 10 if self.init == "random" else 1
        return self.n_init

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: KMeansModel | None = None
    ) -> Iterator[Iteration[KMeansModel]]:
        """Lloyd's algorithm from one start."""
        from gradmix_clustering.lloyd import lloyd
        from gradmix_clustering.scaling import in_unit, mean_variance, unit_exponent

        unit = unit_exponent(rows.array)
        scaled = rows if unit == 0 else Rows(in_unit(rows.array, unit), rows.weights, rows.engine)
        given = None if state is None else state.centers
        centers = self._start_centers(rows, scaled, unit, rng) if given is None else in_unit(given, unit)
        tol = self.tol * mean_variance(scaled) if self.tol > 0 else 0.0
        for number, step in zip(range(1, self.max_iter + 1), lloyd(scaled, centers), strict=False):
            converged = step.is_fixed or step.shift <= tol
            metrics = {"inertia": self._in_squared_units(step.inertia, 2 * unit)}
            model = self.model_class()(np.ldexp(step.centers, unit))
            # After the last step no labels change. `predict` finds the same if it computes in the same unit, which
            # it may not with a center that is far from all rows. Labels of several starts would take memory.
            known = converged or number == self.max_iter
            known = known and unit == 0 and self.n_starts() == 1 and bool(np.abs(step.centers).max() < _USUAL)
            yield Iteration(model, metrics, converged, labels=step.assignment.labels if known else None)
            if converged:
                return

    def _start_centers(self, rows: Rows, scaled: Rows, unit: int, rng: np.random.Generator) -> Array:
        """Choose or take the centers of a start, in the unit 2ᵉ of the scaled rows."""
        from gradmix_clustering.plus_plus import choose_centers
        from gradmix_clustering.scaling import in_unit

        k, chance = self.n_clusters, rows.weights
        if chance is not None and np.count_nonzero(chance) < k:
            raise DataError(f"{np.count_nonzero(chance)} rows of positive weight are fewer than n_clusters={k}.")
        if isinstance(self.init, str):
            if self.init == "k-means++":
                return choose_centers(scaled, k, rng)
            p = None if chance is None else chance / chance.sum()
            return scaled.array[rng.choice(len(rows), size=k, replace=False, p=p)]
        given: Any = self.init
        centers = np.array(given(rows.array, k, rng) if callable(given) else given, dtype=np.float64)
        if centers.shape != (k, rows.shape[1]):
            raise DataError(
                f"init must give centers of the shape ({k}, {rows.shape[1]}), n_clusters and features; "
                f"it is {centers.shape}."
            )
        if not np.isfinite(centers).all():
            raise DataError("init must give finite centers, without NaN and infinity.")
        with np.errstate(over="ignore"):
            centers = in_unit(centers, unit)
        if not np.isfinite(centers).all():
            raise DataError(
                "init must give centers nearer to the rows: as a multiple of their spread, one is infinite."
            )
        return centers

    def _in_squared_units(self, inertia: float, exponent: int) -> float:
        try:
            scaled = math.ldexp(inertia, exponent)
        except OverflowError:
            raise DataError(
                "the data are so large that the inertia, a sum of squares, overflows: divide them by a power of two "
                "first."
            ) from None
        if self.n_starts() > 1 and inertia > 0 and scaled < sys.float_info.min:
            raise DataError(
                "the data are so small that the inertia, a sum of squares, vanishes and cannot tell which start is "
                "best: multiply them by a power of two first, or set n_init=1."
            )
        return scaled

    @property
    def cluster_centers_(self) -> Array:
        """Centers, shape (k, d)."""
        return self.fitted("centers")  # type: ignore[no-any-return]

    def transform(self, X: Any) -> Array:
        """Distances of rows to the centers, shape (n, k)."""
        return self.fitted("distances")(self.rows(X))  # type: ignore[no-any-return]

    def fit_transform(self, X: Any, y: object = None, sample_weight: Any = None) -> Array:
        """Fit to `X`, then return the distances of its rows to the centers, shape (n, k)."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Names of the columns that `transform` returns: kmeans0, kmeans1 and so on."""
        return np.array([f"kmeans{number}" for number in range(len(self.cluster_centers_))], dtype=object)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """Minus the inertia of rows at the fitted centers, weighted as in `fit`; higher is better."""
        rows = self.rows(X)
        return -float(self.fitted("inertia")(Rows(rows, sample_weight)))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        return tags
