"""Data: rows, labels and names of a data set."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gradmix.contracts.dataset import Data
from gradmix.contracts.errors import DataError
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

_LOAD = "component.load()"
_ROUNDING = 1e-9


def load_is_repeatable(subject: Subject) -> None:
    """Data loaded twice, or by two components with equal options and seed, are equal to the last bit."""
    made = subject.make()
    first = made.load()
    for who, again in (("loaded again", made.load()), ("another component", subject.make().load())):
        _require_equal(first, again, who)


def loads_fresh_data(subject: Subject) -> None:
    """Changing loaded data in place does not change the data that are loaded next."""
    made = subject.make()
    expected, spoilt = subject.make().load(), made.load()
    for array in (spoilt.X, spoilt.labels):
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array[...] = array[-1] if array.ndim == 1 else 0.0
    _require_equal(expected, made.load(), "loaded again, after X[...] = 0")


def has_rows_of_finite_numbers(subject: Subject) -> None:
    """X is a finite matrix of float64 with at least one row and one column."""
    X = subject.make().load().X
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype != np.float64 or 0 in X.shape:
        found = f"{type(X).__name__} of the shape {np.shape(X)}, {getattr(X, 'dtype', '')}"
        raise BrokenPromiseError("an array of float64, shape (n, d)", found, "X", _LOAD)
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise BrokenPromiseError("finite numbers", str(X[row, column]), f"row {row}, column {column}", _LOAD)


def has_a_label_for_each_row(subject: Subject) -> None:
    """If the true groups are known, labels have the shape (n,) and none is missing."""
    data = subject.make().load()
    if data.labels is None:
        raise NotApplicableError("its true groups are not known")
    if np.shape(data.labels) != (len(data.X),):
        raise BrokenPromiseError(f"shape ({len(data.X)},)", f"shape {np.shape(data.labels)}", "labels", _LOAD)
    if len(set(np.asarray(data.labels).tolist())) == len(data.X) > 1:
        raise BrokenPromiseError("fewer groups than rows", f"{len(data.X)} different labels", "labels", _LOAD)


def has_a_name_for_each_column(subject: Subject) -> None:
    """Names of columns are strings, all different, one for each column; or there are none at all."""
    data = subject.make().load()
    names = data.feature_names
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise BrokenPromiseError("a tuple of strings", repr(names), "feature_names", _LOAD)
    if names and len(set(names)) != data.X.shape[1]:
        raise BrokenPromiseError(f"{data.X.shape[1]} different names, or none", repr(names), "feature_names", _LOAD)


def can_be_standardised(subject: Subject) -> None:
    """With `standardise` every column has mean 0 and standard deviation 1; number of rows and labels do not change."""
    plain, scaled = subject.make(standardise=False).load(), _standardised(subject).load()
    means, deviations = scaled.X.mean(axis=0), scaled.X.std(axis=0)
    if np.abs(means).max() > _ROUNDING or np.abs(deviations - 1).max() > _ROUNDING:
        found = f"means {shown(means)}, standard deviations {shown(deviations)}"
        raise BrokenPromiseError("means 0, standard deviations 1", found, "standardise=True")
    if len(scaled.X) != len(plain.X) or plain_value(scaled.labels) != plain_value(plain.labels):
        raise BrokenPromiseError("the same rows and labels", "others", "standardise=True")


def preparation_is_right(subject: Subject) -> None:
    """`preparation`, applied to the rows as they were read, gives the rows as they were loaded."""
    made = _standardised(subject)
    raw, data = made.read(), made.load()
    if data.preparation is None:
        raise BrokenPromiseError("a Preparation", "None", "preparation", _LOAD)
    again = data.preparation.apply(np.asarray(raw.X, dtype=float))
    if not np.array_equal(again, data.X):
        raise BrokenPromiseError("the loaded rows", "other rows", "preparation.apply(read().X)")


def depends_on_its_seed(subject: Subject) -> None:
    """Random data differ between values of the option of the type `Seed`."""
    if not subject.seed:
        raise NotApplicableError("it has no option of the type gradmix.Seed")
    first, second = (subject.make(**{subject.seed: seed}).load() for seed in (1, 2))
    if np.array_equal(first.X, second.X):
        raise BrokenPromiseError("different rows", "equal rows", f"{subject.seed}=1 and {subject.seed}=2")


def states_its_source(subject: Subject) -> None:
    """`source` is a string, empty if the data are made or come with the plugin."""
    source = subject.make().source()
    if not isinstance(source, str):
        raise BrokenPromiseError("a string", repr(source), "source()", "component.source()")


def _standardised(subject: Subject) -> Any:
    made = subject.make(standardise=True)
    try:
        made.load()
    except DataError as refusal:
        made = subject.make(standardise=True, drop_constant=True)
        try:
            made.load()
        except DataError:
            raise NotApplicableError(f"it cannot be standardised: {refusal}") from None
    return made


def _require_equal(first: Data, again: Data, who: str) -> None:
    for field in dataclasses.fields(Data):
        was, now = (plain_value(getattr(data, field.name)) for data in (first, again))
        if was != now:
            raise BrokenPromiseError(f"{field.name} as before", _first_difference(was, now), who, _LOAD)


def _first_difference(was: Any, now: Any) -> str:
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        place = next(i for i, pair in enumerate(zip(was, now, strict=True)) if pair[0] != pair[1])
        return f"entry {place} was {was[place]}, is {now[place]}"
    return f"{str(was)[:200]} became {str(now)[:200]}"
