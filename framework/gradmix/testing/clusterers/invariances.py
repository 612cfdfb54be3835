"""Invariances: changes of the rows that must not change the groups, if these are far apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix.contracts.rows import Matrix
from gradmix.testing.clusterers.fits import (
    KNOWN_CODE,
    group_option,
    known_rows,
    number_of_groups,
    patient,
    require_partition,
)
from gradmix.testing.subject import Subject


def order_of_rows_makes_no_difference(subject: Subject) -> None:
    """Rows in another order give the same groups."""
    X, _ = known_rows()
    order = np.random.default_rng(2).permutation(len(X))
    expected = patient(subject).fit(X).labels_[order]
    found = patient(subject).fit(X[order]).labels_
    code = f"{KNOWN_CODE}\nimport numpy as np\norder = np.random.default_rng(2).permutation(len(X))"
    require_partition(expected, found, "rows in another order", f"{code}\ncomponent.fit(X[order]).labels_")


def order_of_columns_makes_no_difference(subject: Subject) -> None:
    """Columns in another order give the same groups."""
    _require_same(subject, "X[:, ::-1]", lambda X: X[:, ::-1])


def names_of_columns_make_no_difference(subject: Subject) -> None:
    """A DataFrame gives the same groups as its values, whatever the names of its columns."""
    import pandas as pd

    _require_same(subject, "pd.DataFrame(X, columns=['b', 'a'])", lambda X: pd.DataFrame(X, columns=["b", "a"]))


def an_offset_makes_no_difference(subject: Subject) -> None:
    """Rows shifted by 1000 give the same groups."""
    _require_same(subject, "X + 1000", lambda X: X + 1000)


def a_far_offset_makes_no_difference(subject: Subject) -> None:
    """Rows shifted by a billion times their spread give the same groups: squares do not cancel the differences.

    The shift is ten million times the spread where groups can differ in size, as the unit must be kept then.
    """
    if number_of_groups(subject):
        _require_same(subject, "X / 16 + 1e8", lambda X: X / 16 + 1e8)
    else:
        _require_same(subject, "X + 1e8", lambda X: X + 1e8)


def the_unit_makes_no_difference(subject: Subject) -> None:
    """Rows in a unit 64 times as large or as small give the same groups, if the number of groups is an option."""
    group_option(subject)
    _require_same(subject, "64 * X", lambda X: 64 * X)
    _require_same(subject, "X / 64", lambda X: X / 64)


def _require_same(subject: Subject, what: str, change: Callable[[Matrix], Any]) -> None:
    X, _ = known_rows()
    expected = patient(subject).fit(X).labels_
    found = patient(subject).fit(change(X)).labels_
    require_partition(expected, found, what, f"{KNOWN_CODE}\ncomponent.fit({what}).labels_")
