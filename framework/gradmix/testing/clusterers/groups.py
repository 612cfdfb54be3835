"""Groups: labels, probabilities, and whether known groups are found."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers import fits
from gradmix.testing.clusterers.fits import (
    CENTERS,
    GROUP_SIZE,
    KNOWN_CODE,
    canonical,
    group_option,
    known_rows,
    looking_for,
    models_of_starts,
    overlapping_rows,
    patient,
    require_partition,
    rows_around,
)
from gradmix.testing.subject import Subject
from gradmix.testing.values import shown

_FIT = f"{KNOWN_CODE}\ncomponent.fit(X)"
_DEVIATIONS = 5.0
_MANY_ROWS = 2000
_STARTS = 400
"""Largest number of starts: six random rows are from six different groups with a probability of only 1/65."""


def labels_every_row(subject: Subject) -> None:
    """`labels_` and `predict` return one integer for each row; there are fewer distinct labels than rows."""
    X = known_rows()[0]
    made = subject.make().fit(X)
    for name, labels in (("labels_", made.labels_), ("predict(X)", made.predict(X))):
        array = np.asarray(labels)
        if array.shape != (len(X),) or not np.issubdtype(array.dtype, np.integer):
            found = f"shape {array.shape}, {array.dtype}"
            raise BrokenPromiseError(f"shape ({len(X)},), integers", found, name, f"{_FIT}\ncomponent.{name}")


def numbers_its_groups_from_zero(subject: Subject) -> None:
    """Labels of a clusterer with an option for the number of groups, k, are 0 … k − 1."""
    k = 3
    made = looking_for(subject, k)
    labels = np.asarray(made.fit(known_rows()[0]).labels_)
    if labels.min() < 0 or labels.max() >= k:
        raise BrokenPromiseError(f"labels from 0 to {k - 1}", f"{sorted(set(labels.tolist()))}", f"k = {k}", _FIT)


def labels_agree_with_predict(subject: Subject) -> None:
    """`labels_`, `predict` of the same rows and `fit_predict` are the same."""
    for name, X in (("known groups", known_rows()[0]), ("overlapping rows", overlapping_rows(100, 2, 0))):
        made = subject.make().fit(X)
        labels = made.labels_
        for other in (made.predict(X), subject.make().fit_predict(X)):
            if not np.array_equal(labels, other):
                rows = np.flatnonzero(np.asarray(labels) != other)
                found = f"{len(rows)} rows differ, first row {rows[0]}"
                raise BrokenPromiseError(
                    "the same labels", found, name, f"{_FIT}\ncomponent.labels_, component.predict(X)"
                )


def predicts_rows_one_by_one(subject: Subject) -> None:
    """A row's label does not depend on what other rows are predicted with it."""
    X = overlapping_rows(100, 2, 0)
    made = subject.make().fit(X)
    alone = np.concatenate([made.predict(X[row : row + 1]) for row in range(0, 100, 7)])
    together = made.predict(X)[::7]
    if not np.array_equal(alone, together):
        raise BrokenPromiseError(shown(together), shown(alone), "predict of single rows")


def probabilities_are_probabilities(subject: Subject) -> None:
    """`predict_proba` returns a row for each row and a column for each group, from 0 to 1; rows sum to 1."""
    X = overlapping_rows(100, 2, 0)
    probabilities = _probabilities(subject, X)
    if np.ndim(probabilities) != 2 or len(probabilities) != len(X):
        raise BrokenPromiseError(f"shape ({len(X)}, k)", f"shape {np.shape(probabilities)}", "predict_proba(X)", _FIT)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise BrokenPromiseError("from 0 to 1", f"{probabilities.min()} to {probabilities.max()}", "predict_proba(X)")
    sums = probabilities.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > 1e-9:
        raise BrokenPromiseError("rows that sum to 1", f"row {worst} sums to {sums[worst]!r}", "predict_proba(X)")


def predicts_the_most_probable_group(subject: Subject) -> None:
    """`predict` returns the group of the largest probability."""
    X = overlapping_rows(100, 2, 0)
    probabilities = _probabilities(subject, X)
    labels = subject.make().fit(X).predict(X)
    wrong = [row for row in range(len(X)) if probabilities[row, labels[row]] < probabilities[row].max()]
    if wrong:
        row = wrong[0]
        found = f"group {labels[row]}, with probabilities {shown(probabilities[row])}"
        raise BrokenPromiseError("the most probable group", found, f"row {row}")


def finds_known_groups(subject: Subject) -> None:
    """Three groups, at least 12 standard deviations apart, are found, with every row in its group."""
    code = _code(subject)
    X, labels = known_rows()
    made = patient(subject).fit(X)
    require_partition(labels, made.labels_, "three groups in the plane", code)


def estimates_known_centers(subject: Subject) -> None:
    """Means or centers of the known groups are right within 5 standard errors; medoids within 5 deviations."""
    code = _code(subject)
    X = known_rows()[0]
    _require_centers(patient(subject).fit(X).model_, CENTERS, X, GROUP_SIZE, code)


def finds_groups_in_many_columns(subject: Subject) -> None:
    """Some start finds three groups that differ in each of 8 columns, centers within 5 standard errors."""
    _require_found(subject, "IN_EIGHT_COLUMNS", GROUP_SIZE)


def finds_many_groups(subject: Subject) -> None:
    """Some start finds six groups, 30 standard deviations apart, centers within 5 standard errors."""
    _require_found(subject, "SIX_CENTERS", GROUP_SIZE)


def finds_groups_in_many_rows(subject: Subject) -> None:
    """Some start finds three groups of 2000 rows each, centers within 5 standard errors."""
    _require_found(subject, "CENTERS", _MANY_ROWS)


def _require_found(subject: Subject, name: str, size: int) -> None:
    """Require that the groups around the named centers are found."""
    centers: Any = getattr(fits, name)
    k = len(centers)
    X, labels = rows_around(centers, size)
    given = f"from gradmix.testing.clusterers.fits import {name}, rows_around\nX = rows_around({name}, {size})[0]"
    code = f"{given}\ncomponent.set_params({group_option(subject)}={k}).fit(X).model_"
    for model in models_of_starts(subject, X, k, _STARTS):
        if canonical(found := model.predict(X)) == canonical(labels):
            with suppress(NotApplicableError):  # the groups are found, but the model has no centers to compare
                _require_centers(model, centers, X, size, code)
            return
    require_partition(labels, found, f"{k} groups of {size} rows of {X.shape[1]} columns, the last start", code)


def _require_centers(model: Any, centers: Any, X: Any, size: int, code: str) -> None:
    name = next((each for each in ("means", "centers") if hasattr(model, each)), None)
    if name is None:
        raise NotApplicableError("its model has neither means nor centers")
    found = np.asarray(getattr(model, name))
    error = max(float(np.abs(found - center).max(axis=1).min()) for center in centers)
    # medoids are rows, so their errors are as large as those of rows
    are_rows = bool((found[:, None] == X).all(axis=2).any(axis=1).all())
    if not error <= _DEVIATIONS / (1.0 if are_rows else np.sqrt(size)):
        raise BrokenPromiseError(f"near {shown(centers)}", shown(found), f"model_.{name}", code)


def _probabilities(subject: Subject, X: Any) -> Any:
    made = subject.make().fit(X)
    if not hasattr(made, "predict_proba"):
        raise NotApplicableError("it has no predict_proba")
    return made.predict_proba(X)


def _code(subject: Subject) -> str:
    return f"{KNOWN_CODE}\ncomponent.set_params({group_option(subject)}=3).fit(X).labels_"
