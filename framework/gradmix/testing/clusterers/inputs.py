"""Inputs: everything that users may pass as rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradmix.contracts.errors import DataError, GradmixError, NotFittedError
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.clusterers.fits import answer_or_refusal, known_rows, looking_for, patient, require_partition
from gradmix.testing.law import for_all
from gradmix.testing.subject import Subject
from gradmix.testing.values import shown, written

_REFUSED = "a DataError that says what is wrong"
_ANSWER = "an answer, or a GradmixError that says what is wrong"
_EXAMPLES = 40


def takes_lists_and_tables(subject: Subject) -> None:
    """Lists of lists and DataFrames are accepted like arrays."""
    import pandas as pd

    _require_as_good(subject, {"a list of lists": lambda X: X.tolist(), "a DataFrame": lambda X: pd.DataFrame(X)})


def takes_any_numbers(subject: Subject) -> None:
    """Rows of integers or float32 give the same result as the same values in float64."""
    X = np.round(known_rows()[0] * 8)
    expected = patient(subject).fit(X).labels_
    for kind in (np.int64, np.int16, np.float32):
        found = patient(subject).fit(X.astype(kind)).labels_
        require_partition(expected, found, f"rows of {np.dtype(kind).name}")


def takes_any_memory_layout(subject: Subject) -> None:
    """Fortran-ordered, strided and read-only arrays give the same result."""
    _require_as_good(
        subject,
        {
            "Fortran order": np.asfortranarray,
            "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
            "read-only rows": _read_only,
        },
    )


def takes_one_column(subject: Subject) -> None:
    """Rows of one column are clustered."""
    X, labels = known_rows()
    column = np.where(labels[:, None] == 2, 40.0, 0.0) + X[:, :1]
    made = patient(subject).fit(column)
    if np.shape(made.labels_) != (len(column),):
        raise BrokenPromiseError(f"{len(column)} labels", f"shape {np.shape(made.labels_)}", "rows of one column")


def leaves_the_rows_alone(subject: Subject) -> None:
    """`fit` and `predict` do not change the rows that they are given."""
    X, _ = known_rows()
    before = X.copy()
    subject.make().fit(X).predict(X)
    if not np.array_equal(X, before):
        row = int(np.flatnonzero((before != X).any(axis=1))[0])
        raise BrokenPromiseError(shown(before[row]), shown(X[row]), f"row {row} after fit and predict")


def refuses_numbers_that_are_not_finite(subject: Subject) -> None:
    """NaN and infinity raise a `DataError`, in `fit` and in `predict`."""
    X, _ = known_rows()
    fitted = subject.make().fit(X)
    for bad in (np.nan, np.inf, -np.inf):
        rows = X.copy()
        rows[3, 1] = bad
        _require_refusal(partial(subject.make().fit, rows), f"fit, {bad} in row 3")
        _require_refusal(partial(fitted.predict, rows), f"predict, {bad} in row 3")


def refuses_input_that_is_not_a_numeric_matrix(subject: Subject) -> None:
    """Strings, complex numbers, a one-dimensional array and an array without rows raise a `DataError`."""
    for what, rows in {
        "texts": [["a", "b"], ["c", "d"], ["e", "f"]],
        "complex numbers": np.ones((5, 2)) * 1j,
        "a flat array": np.arange(10.0),
        "an array of three dimensions": np.zeros((4, 2, 2)),
        "no rows": np.zeros((0, 2)),
    }.items():
        _require_refusal(partial(subject.make().fit, rows), what)


def refuses_fewer_rows_than_groups(subject: Subject) -> None:
    """Fewer rows than the requested number of groups raise a `DataError`."""
    X = known_rows()[0][:2]
    made = looking_for(subject, 3)
    _require_refusal(lambda: made.fit(X), "2 rows, 3 groups")


def refuses_another_number_of_columns(subject: Subject) -> None:
    """`predict` of rows with more or fewer columns raises a `DataError`."""
    X, _ = known_rows()
    fitted = subject.make().fit(X)
    for rows in (X[:, :1], np.hstack([X, X])):
        _require_refusal(partial(fitted.predict, rows), f"fitted to 2 columns, predict of {rows.shape[1]}")


def refuses_to_predict_before_fit(subject: Subject) -> None:
    """`predict` before `fit` raises a `NotFittedError`."""
    X, _ = known_rows()
    try:
        subject.make().predict(X)
    except NotFittedError:
        return
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise BrokenPromiseError(
            "a NotFittedError", found, "predict before fit", "component.predict([[0.0]])"
        ) from error
    raise BrokenPromiseError("a NotFittedError", "labels", "predict before fit", "component.predict([[0.0]])")


def answers_or_refuses_hard_rows(subject: Subject) -> None:
    """Few rows, equal rows and constant columns give a finite result with a label for each row, or a clear error."""

    def law(entries: list[list[int]]) -> None:
        X = np.array(entries, dtype=float)
        _require_answer_or_refusal(subject, X)

    widths = st.integers(1, 3)
    rows = widths.flatmap(
        lambda d: st.lists(st.lists(st.integers(0, 3), min_size=d, max_size=d), min_size=1, max_size=8)
    )
    for_all(rows, law, _EXAMPLES)


def answers_or_refuses_rows_of_any_size(subject: Subject) -> None:
    """Numbers as large as 1e300 or as small as 1e-300 give a finite result, or a clear error."""
    X, _ = known_rows()
    for factor in (1e300, 1e150, 1e-150, 1e-300):
        _require_answer_or_refusal(subject, X[:9] * factor)


def _require_answer_or_refusal(subject: Subject, X: Any) -> None:
    example, code = f"X = {shown(X)}", f"import numpy as np\nX = {written(X)}\ncomponent.fit(X)"
    fitted = answer_or_refusal(lambda: subject.make().fit(X), _ANSWER, example, code)
    if isinstance(fitted, GradmixError):
        return
    value = getattr(fitted, f"{fitted.objective.metric}_")
    if not np.isfinite(value):
        raise BrokenPromiseError(f"a finite {fitted.objective.metric}", repr(value), example, code)
    if np.shape(fitted.labels_) != (len(X),):
        raise BrokenPromiseError(f"{len(X)} labels", f"shape {np.shape(fitted.labels_)}", example, code)


def _require_as_good(subject: Subject, forms: dict[str, Callable[[Any], Any]]) -> None:
    X, _ = known_rows()
    expected = patient(subject).fit(X).labels_
    for what, change in forms.items():
        require_partition(expected, patient(subject).fit(change(X)).labels_, what)


def _read_only(X: Any) -> Any:
    fixed = X.copy()
    fixed.flags.writeable = False
    return fixed


def _require_refusal(compute: Callable[[], Any], what: str) -> None:
    result = answer_or_refusal(compute, _REFUSED, what)
    if not isinstance(result, DataError):
        found = f"{type(result).__name__}: {result}" if isinstance(result, GradmixError) else "an answer"
        raise BrokenPromiseError(_REFUSED, found, what) from (result if isinstance(result, GradmixError) else None)
