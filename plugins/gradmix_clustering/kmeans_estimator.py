"""What every clusterer offers whose model is centers, with scikit-learn's names."""

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
"""Centers below it have no influence on the unit in which labels are computed (`gradmix_clustering.scaling`)."""


class KMeansEstimator(FoldingClusterer["KMeansModel"]):
    """Base of the clusterers that look for centers with a small inertia."""

    objective = INERTIA

    n_clusters: int
    init: Any
    n_init: PositiveInt | Literal["auto"]
    usual_n_init: ClassVar[int]
    """Number of starts that ``n_init=auto`` makes of random rows, or of a function."""

    @classmethod
    def model_class(cls) -> type[KMeansModel]:
        """`KMeansModel`."""
        from gradmix_clustering.kmeans_model import KMeansModel

        return KMeansModel

    def n_starts(self) -> int:
        """Number of starts: one from given centers, which are always the same."""
        if not isinstance(self.init, str) and not callable(self.init):
            return 1
        if self.n_init == "auto":
            return 1 if self.init == "k-means++" else self.usual_n_init
        return self.n_init

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit the model to `X`, as every clusterer does; warn if `n_init` asks for starts that would be the same."""
        if isinstance(self.n_init, int) and self.n_init > self.n_starts():
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(self).__name__} instead of n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=2,
            )
        return super().fit(X, y, sample_weight)

    def start_centers(self, rows: Rows, few: Rows, unit: int, rng: np.random.Generator) -> Array:
        """Choose or take the centers of a start, in the unit 2ᵉ.

        Parameters
        ----------
        rows
            All of them, as they were given.
        few
            Those of which centers are chosen, in the unit.
        unit
            Exponent e.
        rng
            The only source of random numbers.
        """
        from gradmix_clustering.plus_plus import choose_centers
        from gradmix_clustering.scaling import in_unit

        k = self.n_clusters
        if rows.weights is not None and np.count_nonzero(rows.weights) < k:
            raise DataError(f"{np.count_nonzero(rows.weights)} rows of positive weight are fewer than n_clusters={k}.")
        if isinstance(self.init, str):
            if self.init == "k-means++":
                return choose_centers(few, k, rng)
            p = None if few.weights is None else few.weights / few.weights.sum()
            return few.array[rng.choice(len(few), size=k, replace=False, p=p)]
        given: Any = self.init
        centers = as_rows(given(rows.array, k, rng) if callable(given) else given, source="init").copy()
        if centers.shape != (k, rows.shape[1]):
            raise DataError(
                f"init must give centers of the shape ({k}, {rows.shape[1]}), n_clusters and features; "
                f"it is {centers.shape}."
            )
        with np.errstate(over="ignore"):
            centers = in_unit(centers, unit)
        if not (np.abs(centers) < sys.float_info.max / (4 * len(rows))).all():
            raise DataError("init must give centers nearer to the rows: sums of distances to them would overflow.")
        return centers

    def in_squared_units(self, inertia: float, unit: int) -> float:
        """An inertia computed in the unit 2ᵉ, in that of the data; an error where it overflows, or tells nothing."""
        try:
            scaled = math.ldexp(inertia, 2 * unit)
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

    def predicts(self, centers: Array, unit: int) -> bool:
        """Whether labels found in the unit 2ᵉ, which are to be kept, are sure to be those that `predict` finds.

        It may compute in another unit with a center that is far from all rows. Labels of several starts would take
        memory.
        """
        return unit == 0 and self.n_starts() == 1 and bool(np.abs(centers).max() < _USUAL)

    @property
    def cluster_centers_(self) -> Array:
        """Centers, shape (k, d)."""
        return self.fitted("centers")  # type: ignore[no-any-return]

    def transform(self, X: Any) -> Any:
        """Distances of rows to the centers, shape (n, k): an array, or a data frame if `set_output` asks for it."""
        from gradmix_clustering.data_frames import framed

        return framed(self.fitted("distances")(self.rows(X)), X, self.get_feature_names_out(), self._output)

    def fit_transform(self, X: Any, y: object = None, sample_weight: Any = None) -> Any:
        """Fit to `X`, then return the distances of its rows to the centers, as `transform` does."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self:
        """Choose what `transform` returns, as in scikit-learn: an array (``default``) or a data frame.

        None changes nothing. Until it is called, scikit-learn's setting ``transform_output`` counts.
        """
        from gradmix_clustering.data_frames import check_output

        if transform is not None:
            self._sklearn_output_config = {"transform": check_output(transform)}
        return self

    @property
    def _output(self) -> str:
        """What `transform` returns."""
        chosen = getattr(self, "_sklearn_output_config", {}).get("transform")
        if chosen is None and (sklearn := sys.modules.get("sklearn")):
            chosen = sklearn.get_config()["transform_output"]
        return chosen or "default"

    def __sklearn_clone__(self) -> Self:
        copied = super().__sklearn_clone__()
        return copied.set_output(transform=getattr(self, "_sklearn_output_config", {}).get("transform"))

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Names of the columns that `transform` returns: kmeans0, kmeans1 and so on."""
        name = type(self).__name__.lower()
        return np.array([f"{name}{number}" for number in range(len(self.cluster_centers_))], dtype=object)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """Minus the inertia of rows at the fitted centers, weighted as in `fit`; higher is better."""
        rows = self.rows(X)
        return -float(self.fitted("inertia")(Rows(rows, sample_weight)))

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Say whether `score` is to be handed ``sample_weight`` by scikit-learn's metadata routing."""
        return self.request_weights(score=sample_weight)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        return tags
