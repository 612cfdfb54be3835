"""Clusterers that delegate the work to a scikit-learn estimator."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from math import isfinite
from typing import Annotated, Any, ClassVar

import numpy as np

from gradmix.adapters.estimates import (
    EstimatorModel,
    NearestModel,
    dispersion,
    estimator_model,
    imported,
    model_of,
    nearest_model,
)
from gradmix.adapters.signature import described, fields_of, make_component
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.errors import DataError, NumericalError, PluginError
from gradmix.contracts.iteration import INERTIA, LOG_LIKELIHOOD, Iteration, Objective
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.model import AIC, BIC, Model
from gradmix.contracts.option_types import Alias, Freedom
from gradmix.contracts.rows import Matrix

_NOT_OPTIONS = ("name", "warm_start", "compute_labels", "verbose", "verbose_interval", "copy", "copy_x")
"""Parameters of estimators that do not change the result, or that the adapter sets."""

_MARKS: Mapping[str, tuple[Any, ...]] = {
    "n_clusters": (Freedom(needs_rows=True), Alias("k")),
    "n_components": (Freedom(needs_rows=True), Alias("k")),
    "covariance_type": (Freedom(),),
}
"""Parameters that let an estimator fit more closely, by scikit-learn's names → markers of their options."""


DISPERSION = Objective(
    "dispersion",
    maximise=False,
    words="sum of squared distances to the means of the groups, which the estimator does not optimise",
    rewards_freedom=True,
)
"""Objective reported for an estimator without a known objective; results are not ranked by it."""


def from_sklearn(
    estimator: type[Any],
    *,
    name: str | None = None,
    objective: Objective | None = None,
    deviates: Mapping[str, str] | None = None,
) -> type[SklearnClusterer]:
    """Make a clusterer from a scikit-learn-compatible estimator.

    The estimator's parameters become the options, and its docstring becomes the help.

    Parameters
    ----------
    estimator
        The estimator's class, with ``fit`` and ``labels_``. A class with ``predict_proba`` and ``score`` is a mixture.
    name
        Name of the returned class, by default that of the estimator. Assign the class to a variable of this name.
    objective
        What the estimator optimises. A fitted estimator has its value as an attribute: ``inertia_`` for
        `gradmix.INERTIA`. By default, it is ``log_likelihood`` for a mixture, and ``inertia`` if the estimator's
        docstring lists ``inertia_``.
    deviates
        Checks of ``gradmix check`` that it cannot pass, each with the reason.

    Notes
    -----
    A fit is one iteration with the metrics ``n_iter`` and the objective. If the objective is unknown, the metric
    ``dispersion`` replaces it: the sum of squared distances to the means of the groups, where noise counts as one
    group. Results are not ranked by it. A mixture with ``warm_start`` yields every iteration, with the total
    ``log_likelihood`` of its data.

    The model consists of a mixture's parameters, or of the centers. If there are no centers, or if they do not
    reproduce the labels, it consists of the labelled rows; a new row then belongs to the group of its nearest row.

    To declare the options by hand, derive from `SklearnClusterer`.

    Examples
    --------
    >>> import gradmix
    >>> from sklearn.cluster import Birch
    >>> Birch = gradmix.from_sklearn(Birch)
    >>> Birch(n_clusters=2).fit([[0.0], [0.1], [5.0], [5.2]]).labels_.tolist()
    [1, 1, 0, 0]
    """
    if not isinstance(estimator, type) or not callable(getattr(estimator, "fit", None)):
        raise TypeError(f"from_sklearn takes the class of an estimator, with a method fit; given: {estimator!r}")
    content = {
        "estimator": estimator,
        "objective": objective or _objective_of(estimator),
        "deviates": {**SklearnClusterer.deviates, **(deviates or {})},
        "__doc__": described(estimator),
    }
    fields = [
        (option, Annotated[kind, *_MARKS[option]] if option in _MARKS else kind, field)
        for option, kind, field in fields_of(estimator, without=_NOT_OPTIONS)
    ]
    return make_component(SklearnClusterer, name or estimator.__name__, fields, content)


def _objective_of(estimator: type[Any]) -> Objective:
    """Infer what an estimator optimises from its methods and its docstring."""
    if hasattr(estimator, "predict_proba"):
        return LOG_LIKELIHOOD
    return INERTIA if "inertia_ :" in (estimator.__doc__ or "") else DISPERSION


def _as_random_state(value: Any) -> Any:
    """Convert a generator to scikit-learn's type, with the same stream; return any other value unchanged."""
    return np.random.RandomState(value.bit_generator) if isinstance(value, np.random.Generator) else value


class SklearnClusterer(Clusterer[Model]):
    """Base of clusterers that delegate to an estimator: a dataclass whose fields are arguments of the estimator.

    `from_sklearn` makes such a class from the estimator's signature. Derive from this class to declare options by hand,
    or to import the estimator only when it is used: ``estimator = "sklearn.cluster:KMeans"``.
    """

    estimator: ClassVar[str | type[Any]]
    """The estimator's class, or its place ``"package.module:Class"``."""
    fixed: ClassVar[Mapping[str, Any]] = {}
    """Arguments of the estimator that are not options."""

    objective = DISPERSION
    deviates: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("respects_n_init", "starts_differ", "starts_do_not_depend_on_their_number"),
        "the estimator draws all its starts from one stream of random numbers",
    )

    @classmethod
    def model_class(cls) -> type[Model]:
        """Return a subclass of `EstimatorModel` for a mixture, `NearestModel` for all others."""
        estimator: Any = cls.estimator
        return model_of(f"{cls.__name__}Model", estimator) if cls.objective is LOG_LIKELIHOOD else NearestModel

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the meanings of the metrics: the objective and, for a mixture, BIC and AIC."""
        own = super().metrics()
        if self.objective is DISPERSION:
            return tuple(dataclasses.replace(each, better=None) for each in own)
        return (BIC, *own, AIC) if self.objective is LOG_LIKELIHOOD else own

    def iterations(self, X: Any, sample_weight: Any = None) -> Iterator[Iteration[Model]]:
        """Check the data and yield the iterations; all starts share one random stream, as in scikit-learn."""
        rows = self._unweighted(self._checked_rows(X, sample_weight))
        if not self._has_steps:
            yield dataclasses.replace(self._whole(rows), step=1)
            return
        state = _as_random_state(getattr(self, "random_state", None))
        random = state if isinstance(state, np.random.RandomState) else np.random.RandomState(state)
        for start in range(getattr(self, "n_init", 1)):
            for step, iteration in enumerate(self._steps(rows, random), start=1):
                yield dataclasses.replace(iteration, start=start, step=step)

    def iterate(self, X: Matrix, rng: np.random.Generator) -> Iterator[Iteration[Model]]:
        """Yield the iterations of one start, with random numbers from `rng`."""
        random = np.random.RandomState(rng.bit_generator)
        return self._steps(X, random) if self._has_steps else iter((self._whole(X, random_state=random),))

    def setup(self) -> None:
        """Import the estimator."""
        super().setup()
        imported(self.estimator)

    def exhaust(self, X: Any) -> None:
        """Fit once as the estimator does without the adapter: with all starts, not stopping at each iteration."""
        self._fit_estimator(self._new(), self._unweighted(self._checked_rows(X)))

    @property
    def _has_steps(self) -> bool:
        return {"warm_start", "max_iter", "n_init"} <= _parameters(type(self))

    def _steps(self, X: Matrix, random: Any) -> Iterator[Iteration[Model]]:
        """Yield the iterations of one start by repeated fits of one iteration each, with ``warm_start``."""
        estimator = self._new(n_init=1, max_iter=1, warm_start=True, random_state=random)
        for _ in range(self.max_iter):  # type: ignore[attr-defined]
            self._fit_estimator(estimator, X)
            yield Iteration(self._model(estimator, X), self._reached(estimator, X), bool(estimator.converged_))
            if estimator.converged_:
                return

    def _whole(self, X: Matrix, **changes: Any) -> Iteration[Model]:
        estimator = self._fit_estimator(self._new(**changes), X)
        made, allowed = getattr(estimator, "n_iter_", None), getattr(self, "max_iter", None)
        metrics = {**self._reached(estimator, X), **({} if made is None else {"n_iter": float(made)})}
        return Iteration(self._model(estimator, X), metrics, made is None or allowed is None or made < allowed)

    def _new(self, **changes: Any) -> Any:
        known = _parameters(type(self))
        changed = {name: value for name, value in changes.items() if name in known}
        options = {name: _as_random_state(value) for name, value in self.get_params().items()}
        return imported(self.estimator)(**{**options, **self.fixed, **changed})

    def _fit_estimator(self, estimator: Any, X: Matrix) -> Any:
        from sklearn.exceptions import ConvergenceWarning

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # iterations report whether they have converged
                return estimator.fit(X)
        except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError) as error:
            raise DataError(f"{type(estimator).__name__} cannot fit these data with these options: {error}") from error

    def _reached(self, estimator: Any, X: Matrix) -> Mapping[str, float]:
        if self.objective is LOG_LIKELIHOOD:
            return {"log_likelihood": float(estimator.score(X)) * len(X)}
        metric = self.objective.metric
        own = None if self.objective is DISPERSION else getattr(estimator, f"{metric}_", None)
        if own is None and self.objective is not DISPERSION:
            raise PluginError(f"a fitted {type(estimator).__name__} must have the attribute {metric}_, its objective.")
        reached = dispersion(X, estimator.labels_) if own is None else float(own)
        if not isfinite(reached):
            raise NumericalError(
                f"{type(estimator).__name__} ended with {metric} = {reached}, which is not finite: scale the data."
            )
        return {metric: reached}

    def _model(self, estimator: Any, X: Matrix) -> Model:
        model = self.model_class()
        if issubclass(model, EstimatorModel):
            options = {name: value for name, value in self.get_params().items() if name != "random_state"}
            return estimator_model(model, options, estimator)
        return nearest_model(estimator, X)


@cache
def _parameters(clusterer: type[SklearnClusterer]) -> frozenset[str]:
    return frozenset(inspect.signature(imported(clusterer.estimator)).parameters)
