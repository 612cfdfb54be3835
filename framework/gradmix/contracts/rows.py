"""Rows of numbers: the one place where a matrix of data is checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import DataError

Matrix = NDArray[np.float64]
"""n rows of d features, float64."""


def as_rows(X: Any, feature_names: Sequence[str] = (), source: str = "X") -> Matrix:
    """Return `X` as a finite matrix of float64, rows first.

    Parameters
    ----------
    X
        Anything that NumPy reads as a matrix of numbers, shape (n, d).
    feature_names
        Names of the columns, for messages.
    source
        What the data are called in messages.

    Raises
    ------
    DataError
        If it is no matrix, holds anything but numbers, or NaN or infinity (row and column named).
    """
    names = feature_names or list(map(str, getattr(X, "columns", ())))
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M", "V"):
        raise DataError(f"{source} must be numbers; given: {X.dtype}.")
    try:
        rows = np.ascontiguousarray(X, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{source} must be numbers only{_first_text(X, names)}: {error}.") from error
    if np.iscomplexobj(X):
        raise DataError(f"{source} must be real numbers; given: {np.asarray(X).dtype}.")
    if rows.ndim != 2 or not rows.shape[1]:
        hint = " Reshape a single feature by X.reshape(-1, 1)." if rows.ndim == 1 else ""
        raise DataError(f"{source} must be a matrix of rows and columns; its shape is {rows.shape}.{hint}")
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        count = np.count_nonzero(~np.isfinite(rows))
        raise DataError(
            f"{source} must be finite; row {row} (counted from 0), column {column_name(column, names)} is "
            f"{rows[row, column]}, one of {count} such value(s). Drop or fill those rows first."
        )
    return rows


def column_name(column: int, names: Sequence[str]) -> str:
    """Name a column for a message: its number, and its name if it has one."""
    return f"{column} ({names[column]!r})" if column < len(names) else str(column)


def _first_text(X: Any, names: Sequence[str]) -> str:
    values = np.asarray(X, dtype=object)
    for place in np.ndindex(values.shape) if values.ndim else ():
        try:
            float(values[place])
        except (TypeError, ValueError, OverflowError):
            where = f"row {place[0]}" + (f", column {column_name(place[1], names)}" if len(place) > 1 else "")
            return f"; {where} is {values[place]!r}"
    return ""


def constant_columns(X: Matrix) -> list[int]:
    """Numbers of the columns in which all rows are equal."""
    return [int(column) for column in np.flatnonzero((X[:1] == X).all(axis=0))]
