"""Common methods and attributes of the clusterers whose model is centers, with scikit-learn's names."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np

from gradmix import INERTIA, AlsoInPython, DataError, FoldingClusterer, PositiveInt, Rows
from gradmix.arrays import as_rows

if TYPE_CHECKING:
    from gradmix.arrays import Array
    from gradmix_clustering.kmeans_model import KMeansModel

Init = Annotated[Literal["k-means++", "random"] | list[list[float]], AlsoInPython(np.ndarray, Callable)]
"""How a start is chosen: by name, as given centers (in Python an array) or, in Python, by a function."""

_USUAL = 2.0**200
"""Centers below this do not influence the unit in which labels are computed (`gradmix_clustering.scaling`)."""


class KMeansEstimator(FoldingClusterer["KMeansModel"]):
    """Base of the clusterers that search for centers with a small inertia."""

    objective = INERTIA

    n_clusters: int
    init: Any
    n_init: PositiveInt | Literal["auto"]
    usual_n_init: ClassVar[int]
    """Number of starts with ``n_init=auto`` if `init` is random rows or a function."""

    @classmethod
    def model_class(cls) -> type[KMeansModel]:
        """Return `KMeansModel`."""
        from gradmix_clustering.kmeans_model import KMeansModel

        return KMeansModel

    def n_starts(self) -> int:
        """Return the number of starts: one for given centers, as all starts would be the same."""
        if not isinstance(self.init, str) and not callable(self.init):
            return 1
        if self.n_init == "auto":
            return 1 if self.init == "k-means++" else self.usual_n_init
        return self.n_init

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit the model to `X`, as every clusterer does; warn if `n_init` requests several equal starts."""
        if isinstance(self.n_init, int) and self.n_init > self.n_starts():
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(self).__name__} instead of n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=2,
            )
        return super().fit(X, y, sample_weight)

    def start_centers(self, rows: Rows, few: Rows, unit: int, rng: np.random.Generator) -> Array:
        """Return the centers of a start, chosen or given, in the unit 2ᵉ.

        Parameters
        ----------
        rows
            All rows, in the unit of the data.
        few
            The rows from which centers are chosen, in the unit 2ᵉ.
        unit
            Exponent e.
        rng
            The only source of random numbers.
        """
        from gradmix_clustering.plus_plus import choose_centers
        from gradmix_clustering.scaling import in_unit

        k = self.n_clusters
        if rows.weights is not None and np.count_nonzero(rows.weights) < k:
            usable = np.count_nonzero(rows.weights)
            raise DataError(f"the data have {usable} rows of positive weight, fewer than n_clusters={k}.")
        if isinstance(self.init, str):
            if self.init == "k-means++":
                return choose_centers(few, k, rng)
            p = None if few.weights is None else few.weights / few.weights.sum()
            return few.array[rng.choice(len(few), size=k, replace=False, p=p)]
        given: Any = self.init
        centers = as_rows(given(rows.array, k, rng) if callable(given) else given, source="init").copy()
        if centers.shape != (k, rows.shape[1]):
            raise DataError(
                f"init must give centers of the shape (n_clusters, n_features) = ({k}, {rows.shape[1]}); "
                f"given: {centers.shape}."
            )
        with np.errstate(over="ignore"):
            centers = in_unit(centers, unit)
        if not (np.abs(centers) < sys.float_info.max / (4 * len(rows))).all():
            raise DataError("init must give centers nearer to the rows: the sum of the distances to them overflows.")
        return centers

    def in_squared_units(self, inertia: float, unit: int) -> float:
        """Convert an inertia from the unit 2ᵉ to the unit of the data; raise an error if it overflows or vanishes."""
        try:
            scaled = math.ldexp(inertia, 2 * unit)
        except OverflowError:
            raise DataError(
                "the data are so large that the inertia, a sum of squares, overflows. Divide the data by a power of "
                "two first."
            ) from None
        if self.n_starts() > 1 and inertia > 0 and scaled < sys.float_info.min:
            raise DataError(
                "the data are so small that the inertia, a sum of squares, underflows and cannot show which start is "
                "best. Multiply the data by a power of two first, or set n_init=1."
            )
        return scaled

    def predicts(self, centers: Array, unit: int) -> bool:
        """Whether labels found in the unit 2ᵉ can be kept because `predict` certainly finds the same.

        With a center that is far from all rows, `predict` may compute in another unit. Labels of several starts are not
        kept, as they would take too much memory.
        """
        return unit == 0 and self.n_starts() == 1 and bool(np.abs(centers).max() < _USUAL)

    @property
    def cluster_centers_(self) -> Array:
        """Centers, shape (k, d)."""
        return self.fitted("centers")  # type: ignore[no-any-return]

    def transform(self, X: Any) -> Any:
        """Return the distances of rows to the centers, shape (n, k), in the format chosen by `set_output`."""
        from gradmix_clustering.data_frames import framed

        return framed(self.fitted("distances")(self.rows(X)), X, self.get_feature_names_out(), self._output)

    def fit_transform(self, X: Any, y: object = None, sample_weight: Any = None) -> Any:
        """Fit to `X`, then return the distances of its rows to the centers, as `transform` does."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self:
        """Choose what `transform` returns, as in scikit-learn: an array (``default``) or a data frame.

        None changes nothing. If this is never called, scikit-learn's setting ``transform_output`` applies.
        """
        from gradmix_clustering.data_frames import check_output

        if transform is not None:
            self._sklearn_output_config = {"transform": check_output(transform)}
        return self

    @property
    def _output(self) -> str:
        """Return the name of the output format of `transform`."""
        chosen = getattr(self, "_sklearn_output_config", {}).get("transform")
        if chosen is None and (sklearn := sys.modules.get("sklearn")):
            chosen = sklearn.get_config()["transform_output"]
        return chosen or "default"

    def __sklearn_clone__(self) -> Self:
        copied = super().__sklearn_clone__()
        return copied.set_output(transform=getattr(self, "_sklearn_output_config", {}).get("transform"))

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Return the names of the columns that `transform` returns: kmeans0, kmeans1 and so on."""
        name = type(self).__name__.lower()
        return np.array([f"{name}{number}" for number in range(len(self.cluster_centers_))], dtype=object)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """Return minus the inertia of rows at the fitted centers, weighted as in `fit`; higher is better."""
        rows = self.rows(X)
        return -float(self.fitted("inertia")(Rows(rows, sample_weight)))

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Choose whether scikit-learn's metadata routing passes ``sample_weight`` to `score`."""
        return self.request_weights(score=sample_weight)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        return tags
