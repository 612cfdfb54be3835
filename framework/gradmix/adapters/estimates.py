"""Models of fitted estimators, stored as arrays so that they can be written and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pkgutil import resolve_name
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.model import Model
from gradmix.contracts.rows import Matrix


@dataclass(frozen=True, eq=False)
class NearestModel(Model):
    """Reference points with their groups: a row belongs to the group of its nearest point."""

    points: NDArray[np.float64]
    """Centers, or the clustered rows; shape (m, d)."""
    labels: NDArray[Any]
    """Group of each point, shape (m,); -1 is noise."""

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Return the group of the point nearest to each row, shape (n,)."""
        from scipy.spatial import KDTree

        nearest = KDTree(self.points).query(X)[1]
        return np.asarray(self.labels, dtype=np.intp)[nearest]

    @cached_property
    def centers(self) -> NDArray[np.float64]:
        """Mean of the points of each group, without noise; shape (k, d)."""
        groups = np.unique(self.labels[self.labels >= 0])
        return np.array([self.points[self.labels == group].mean(axis=0) for group in groups])


@dataclass(frozen=True, eq=False)
class EstimatorModel(Model):
    """A fitted estimator, stored as its options and its fitted attributes."""

    estimator: ClassVar[str | type[Any]]

    centers: NDArray[np.float64]
    """Centers of its groups, shape (k, d)."""
    options: Mapping[str, Any]
    """Arguments of the estimator's class."""
    fitted: Mapping[str, Any]
    """Public attributes set by fitting; their names end in an underscore."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the content only, because the class is made at run time and is not in any module."""
        return _unpickled, (type(self).__name__, self.estimator, self.centers, self.options, self.fitted)

    @cached_property
    def restored(self) -> Any:
        """The fitted estimator."""
        estimator = imported(self.estimator)(**self.options)
        for name, value in self.fitted.items():
            if name.endswith("_"):
                setattr(estimator, name, np.array(value) if isinstance(value, list | tuple) else value)
        return estimator

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Return the most probable group of each row, shape (n,)."""
        return np.asarray(self.restored.predict(X), dtype=np.intp)

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        """Return the probability of each group given each row, shape (n, k)."""
        return np.asarray(self.restored.predict_proba(X))

    def score_samples(self, X: Matrix) -> NDArray[np.float64]:
        """Return the log-density of each row, in nats, shape (n,)."""
        return np.asarray(self.restored.score_samples(X))

    def scores(self, X: Matrix) -> Mapping[str, float]:
        """Return BIC and AIC, if the estimator has them."""
        return {name: float(getattr(self.restored, name)(X)) for name in ("bic", "aic") if hasattr(self.restored, name)}


@cache
def model_of(name: str, estimator: Any) -> type[EstimatorModel]:
    """Return the class of an estimator's models; the same arguments always give the same class."""
    return type(name, (EstimatorModel,), {"estimator": estimator, "__module__": __name__})


def _unpickled(name: str, estimator: Any, *content: Any) -> EstimatorModel:
    return model_of(name, estimator)(*content)


def nearest_model(estimator: Any, X: Matrix) -> NearestModel:
    """Return the fewest reference points that reproduce the estimator's labels: its centers, or else all rows.

    The labels of one row in a thousand may differ, since a row can lie on the border between two centers.
    """
    labels = np.asarray(estimator.labels_)
    for points, groups in (("subcluster_centers_", "subcluster_labels_"), ("cluster_centers_", None)):
        if hasattr(estimator, points):
            found = np.array(getattr(estimator, points), dtype=np.float64)
            model = NearestModel(found, np.array(getattr(estimator, groups)) if groups else np.arange(len(found)))
            if np.mean(model.predict(X) != labels) <= _ON_THE_BORDER:
                return model
    return NearestModel(X, labels)


def estimator_model(model: type[EstimatorModel], options: Mapping[str, Any], estimator: Any) -> EstimatorModel:
    """Return the model of a fitted estimator; the arrays are copied."""
    fitted = {name: value for name, value in vars(estimator).items() if name.endswith("_") and name[0] != "_"}
    stored = {name: value for name, value in fitted.items() if isinstance(value, (*_PLAIN, *_ARRAYS))}
    copied = {name: np.array(value) if isinstance(value, _ARRAYS) else value for name, value in stored.items()}
    return model(np.array(estimator.means_), dict(options), copied)


_ON_THE_BORDER = 1e-3

_PLAIN = (bool, int, float, np.generic)
_ARRAYS = (np.ndarray, list, tuple)


def dispersion(X: Matrix, labels: NDArray[Any]) -> float:
    """Return the sum of squared distances to the means of the groups; noise counts as one group."""
    return float(
        sum(((X[labels == group] - X[labels == group].mean(axis=0)) ** 2).sum() for group in np.unique(labels))
    )


def imported(estimator: str | type[Any]) -> Any:
    """Return a class that is given directly or by its place ``"package.module:Class"``."""
    return resolve_name(estimator) if isinstance(estimator, str) else estimator
