"""Models of fitted estimators, as arrays that can be written and read again."""

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
    """Reference points, each with its group: a row belongs to the group of the point that is nearest to it."""

    points: NDArray[np.float64]
    """Centers, or the rows that were clustered; shape (m, d)."""
    labels: NDArray[Any]
    """Group of each point, shape (m,); -1 is noise."""

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Group of the nearest point, shape (n,)."""
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
    """A fitted estimator: the options that it was made with, and the attributes that fitting gave it."""

    estimator: ClassVar[str | type[Any]]

    centers: NDArray[np.float64]
    """Centers of its groups, shape (k, d)."""
    options: Mapping[str, Any]
    """Arguments of its class."""
    fitted: Mapping[str, Any]
    """Its public fitted attributes, which end in an underscore."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle its content: its class is made when it is needed, and no module has it."""
        return _unpickled, (type(self).__name__, self.estimator, self.centers, self.options, self.fitted)

    @cached_property
    def restored(self) -> Any:
        """The estimator as it was after fitting."""
        estimator = imported(self.estimator)(**self.options)
        for name, value in self.fitted.items():
            if name.endswith("_"):
                setattr(estimator, name, np.array(value) if isinstance(value, list | tuple) else value)
        return estimator

    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Most probable group of each row, shape (n,)."""
        return np.asarray(self.restored.predict(X), dtype=np.intp)

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        """Probability of each group given each row, shape (n, k)."""
        return np.asarray(self.restored.predict_proba(X))

    def score_samples(self, X: Matrix) -> NDArray[np.float64]:
        """Log-density of each row, in nats, shape (n,)."""
        return np.asarray(self.restored.score_samples(X))

    def scores(self, X: Matrix) -> Mapping[str, float]:
        """BIC and AIC, where the estimator has them."""
        return {name: float(getattr(self.restored, name)(X)) for name in ("bic", "aic") if hasattr(self.restored, name)}


@cache
def model_of(name: str, estimator: Any) -> type[EstimatorModel]:
    """The class of an estimator's models, always the same."""
    return type(name, (EstimatorModel,), {"estimator": estimator, "__module__": __name__})


def _unpickled(name: str, estimator: Any, *content: Any) -> EstimatorModel:
    return model_of(name, estimator)(*content)


def nearest_model(estimator: Any, X: Matrix) -> NearestModel:
    """The fewest reference points that give rows the estimator's own labels: its centers, or else all rows.

    One row in a thousand may differ, on the border between two centers.
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
    """The model of an estimator that has just been fitted; its arrays are copied."""
    fitted = {name: value for name, value in vars(estimator).items() if name.endswith("_") and name[0] != "_"}
    stored = {name: value for name, value in fitted.items() if isinstance(value, (*_PLAIN, *_ARRAYS))}
    copied = {name: np.array(value) if isinstance(value, _ARRAYS) else value for name, value in stored.items()}
    return model(np.array(estimator.means_), dict(options), copied)


_ON_THE_BORDER = 1e-3

_PLAIN = (bool, int, float, np.generic)
_ARRAYS = (np.ndarray, list, tuple)


def dispersion(X: Matrix, labels: NDArray[Any]) -> float:
    """Sum of squared distances to the means of the groups; rows labelled as noise count as one group."""
    return float(
        sum(((X[labels == group] - X[labels == group].mean(axis=0)) ** 2).sum() for group in np.unique(labels))
    )


def imported(estimator: str | type[Any]) -> Any:
    """A class, given itself or by its place ``"package.module:Class"``."""
    return resolve_name(estimator) if isinstance(estimator, str) else estimator
