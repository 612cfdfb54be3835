"""Models: the result of a fit, saved and loaded, and the conventions of scikit-learn's estimators."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gradmix.config.models import read_model, restore, write_model
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.errors import PluginError
from gradmix.contracts.iteration import INERTIA, LOG_LIKELIHOOD
from gradmix.contracts.option_values import plain
from gradmix.registry.registry import registry
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers.fits import KNOWN_CODE, known_rows, overlapping_rows, patient
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

_ROUNDING = 1e-6


def saves_and_loads_its_model(subject: Subject) -> None:
    """A model that is saved to a file and loaded predicts the same and has the same numbers."""
    X, _ = known_rows()
    made = subject.make().fit(X)
    again = _reread(subject, made)
    if plain_value(again.model_) != plain_value(made.model_):
        raise BrokenPromiseError(shown(made.model_), shown(again.model_), "write_model, read_model")
    if not np.array_equal(again.predict(X), made.predict(X)):
        raise BrokenPromiseError(shown(made.predict(X)), shown(again.predict(X)), "predict after read_model")


def names_the_class_of_its_models(subject: Subject) -> None:
    """`model_class` is the class of the models that a fit yields."""
    made = subject.make().fit(known_rows()[0])
    if not isinstance(made.model_, made.model_class()):
        raise BrokenPromiseError(made.model_class().__name__, type(made.model_).__name__, "type(model_)")


def makes_immutable_models(subject: Subject) -> None:
    """A model is a frozen dataclass: its fields cannot be set."""
    model = subject.make().fit(known_rows()[0]).model_
    if not dataclasses.is_dataclass(model):
        raise BrokenPromiseError("a frozen dataclass", type(model).__name__, "model_")
    name = dataclasses.fields(model)[0].name if dataclasses.fields(model) else "anything"
    try:
        setattr(model, name, None)
    except AttributeError:
        return
    raise BrokenPromiseError("dataclasses.FrozenInstanceError", "no error", f"model_.{name} = None")


def scores_with_finite_numbers(subject: Subject) -> None:
    """The model's `scores` of the rows, such as ``bic``, are finite numbers."""
    X, _ = known_rows()
    scores = subject.make().fit(X).model_.scores(X)
    for name, value in scores.items():
        if not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise BrokenPromiseError("a finite number", repr(value), f"scores(X)[{name!r}]", f"{KNOWN_CODE}")


def objective_agrees_with_model(subject: Subject) -> None:
    """`inertia_` sums the squared distances to the model's centers, `log_likelihood_` the model's log-densities."""
    X, _ = known_rows()
    made: Any = patient(subject)
    made.fit(X)
    expected, found = _objective_of(made, X), getattr(made, f"{made.objective.metric}_")
    if not abs(found - expected) <= _ROUNDING * max(abs(expected), _ROUNDING):
        what = f"{made.objective.metric}_"
        raise BrokenPromiseError(
            f"{what} = {expected!r}", repr(found), "known groups", f"{KNOWN_CODE}\ncomponent.fit(X).{what}"
        )


def _objective_of(made: Clusterer[Any], X: Any) -> float:
    """Compute the objective from the fitted model and the rows.

    Raises
    ------
    NotApplicableError
        If the model has no value to compare with.
    """
    model = made.model_
    if made.objective == LOG_LIKELIHOOD and hasattr(model, "score_samples"):
        return float(np.sum(model.score_samples(X)))
    if made.objective == LOG_LIKELIHOOD and hasattr(model, "log_likelihood"):
        return float(model.log_likelihood(X))
    is_inertia = made.objective.metric == INERTIA.metric
    if is_inertia and hasattr(model, "centers") and getattr(model, "metric", "euclidean") == "euclidean":
        centers, labels = np.asarray(model.centers), np.asarray(made.labels_)
        if labels.min() >= 0 and labels.max() < len(centers):
            return float(np.sum((X - centers[labels]) ** 2))
    raise NotApplicableError(f"its model does not compute the {made.objective.metric} of rows")


def fits_and_returns_itself(subject: Subject) -> None:
    """`fit` returns the clusterer, and sets only attributes that end in an underscore."""
    made = subject.make()
    before = set(vars(made))
    if made.fit(known_rows()[0]) is not made:
        raise BrokenPromiseError("the clusterer itself", "something else", "fit(X)", f"{KNOWN_CODE}\ncomponent.fit(X)")
    added = [name for name in vars(made) if name not in before and not name.endswith("_")]
    if added:
        raise BrokenPromiseError("names that end in an underscore", ", ".join(added), "attributes that fit has set")


def forgets_an_earlier_fit(subject: Subject) -> None:
    """A second fit, to other rows, gives the same result as a first fit to them."""
    X, other = overlapping_rows(100, 2, 0), overlapping_rows(60, 3, 1)
    made = subject.make().fit(other).fit(X)
    fresh = subject.make().fit(X)
    if plain_value(made.model_) != plain_value(fresh.model_):
        raise BrokenPromiseError(shown(fresh.model_), shown(made.model_), "fit(other rows).fit(X)")


def can_be_cloned(subject: Subject) -> None:
    """scikit-learn's `clone` and `get_params` return its options, and a clone is not fitted."""
    from sklearn.base import clone

    made = subject.make().fit(known_rows()[0])
    copy = clone(made)
    if copy.get_params() != made.get_params() or type(copy) is not type(made):
        raise BrokenPromiseError(str(made.get_params()), str(copy.get_params()), "sklearn.base.clone(component)")
    if hasattr(copy, "labels_"):
        raise BrokenPromiseError("a clone that is not fitted", "one with labels_", "sklearn.base.clone(component)")


def sets_its_options_by_name(subject: Subject) -> None:
    """`set_params` sets the options that `get_params` returns."""
    made = subject.make()
    options = made.get_params()
    wanted = {field.name for field in dataclasses.fields(made) if field.init}
    own = set(made.get_params(deep=False))
    if own != wanted:
        raise BrokenPromiseError(f"{sorted(wanted)}", f"{sorted(own)}", "get_params(deep=False)")
    made.set_params(**options)
    if made.get_params() != options:
        raise BrokenPromiseError(str(options), str(made.get_params()), "set_params(**get_params())")


def _reread(subject: Subject, made: Clusterer[Any]) -> Clusterer[Any]:
    try:
        made.model_class()
    except PluginError as reason:
        raise NotApplicableError(str(reason)) from None
    if registry().entry_of(made) is None:  # a model file has the component's name, and this component is not installed
        fields = {field.name: plain(getattr(made.model_, field.name)) for field in dataclasses.fields(made.model_)}
        return restore(subject.make(), json.loads(json.dumps(fields)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        write_model(path, made, made.model_)
        return read_model(path)
