"""Rows of numbers: the one place where a matrix of data is checked."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import DataError, DataTypeError

Matrix = NDArray[np.float64]
"""A matrix of float64: n rows of d features."""

_FLOAT64 = np.dtype(np.float64)
_TILE = 4096
"""Number of rows that are checked together, so that checking all rows takes almost no memory."""
_FEW = 2**13
_VANISHING = 1e-150
"""A bound on all numbers whose squares underflow to zero."""


def as_rows(X: Any, feature_names: Sequence[str] = (), source: str = "X") -> Matrix:
    """Return `X` as a finite matrix of float64, rows first.

    Parameters
    ----------
    X
        Anything that NumPy reads as a matrix of numbers, shape (n, d): an array, nested lists, a data frame of pandas
        or Polars, a table of PyArrow.
    feature_names
        Names of the columns, for messages.
    source
        The name of the data in messages.

    Raises
    ------
    DataError
        If it is not a matrix, or contains anything but finite real numbers (the message names the first such row and
        column). Masked values count as missing; a masked array without masked values is accepted. For sparse data and
        for objects that are not numbers, the error is also a TypeError.
    """
    return rows_and_reach(X, feature_names, source)[0]


def rows_and_reach(X: Any, feature_names: Sequence[str] = (), source: str = "X") -> tuple[Matrix, float]:
    """Return the matrix of `as_rows` and a bound on the magnitude of all numbers, which the check finds."""
    if type(X) is np.ndarray and X.dtype is _FLOAT64 and X.ndim == 2 and X.shape[1]:  # by far the most frequent case
        rows = np.ascontiguousarray(X)
        if math.isfinite(reach := _reach(rows)):
            return rows, reach
    names = feature_names or [*map(str, column_labels(X))]
    _check_kind(X, source)
    masked = _masked(X)
    try:
        given = np.asarray(X)
        if not given.ndim:
            raise DataError(f"{source} must be a matrix of rows and columns; given: {reprlib.repr(X)}.")
        if given.dtype.kind == "c":
            raise TypeError("Complex data not supported")
        rows = np.ascontiguousarray(given, dtype=np.float64)
    except DataError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        why = _first_of_other_length(X) or f"must be real numbers only{_first_text(X, names)}: {str(error).rstrip('.')}"
        kind = DataTypeError if isinstance(error, TypeError) else DataError
        raise kind(f"{source} {why}.") from error
    if rows.ndim != 2:
        hint = " Reshape your data by X.reshape(-1, 1) if it has a single feature." if rows.ndim == 1 else ""
        raise DataError(f"{source} must be a matrix of rows and columns; its shape is {rows.shape}.{hint}")
    if not rows.shape[1]:
        raise DataError(f"{source} has 0 feature(s) (shape={rows.shape}) while a minimum of 1 is required.")
    reach = _reach(rows)
    if masked is np.ma.nomask and math.isfinite(reach):
        return rows, reach
    unusable = ~np.isfinite(rows) | masked
    if unusable.any():
        row, column = np.argwhere(unusable)[0]
        value = "masked" if np.broadcast_to(masked, rows.shape)[row, column] else rows[row, column]
        raise DataError(
            f"{source} must be finite numbers, without NaN, infinity or masked values; row {row} (counted from 0), "
            f"column {column_name(column, names)} is {value}, one of {np.count_nonzero(unusable)} such value(s). "
            "Drop or fill those rows first."
        )
    return rows, reach


def as_numbers(values: Any, source: str) -> NDArray[np.float64]:
    """Return a new array of float64, of any shape.

    Parameters
    ----------
    values
        Anything that NumPy reads as an array of real numbers.
    source
        The name of the numbers in messages.

    Raises
    ------
    DataError
        If they are anything else, or one is masked. For complex numbers and sparse arrays, the error is also a
        TypeError.
    """
    _check_kind(values, source)
    try:
        if np.asarray(values).dtype.kind == "c":
            raise TypeError("Complex data not supported")
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        kind = DataTypeError if isinstance(error, TypeError) else DataError
        text = _first_text(values, ())
        raise kind(f"{source} must be real numbers only{text}: {str(error).rstrip('.')}.") from error
    if np.any(masked := _masked(values)):
        place = np.argwhere(np.broadcast_to(masked, numbers.shape))[0]
        raise DataError(f"{source} must not be masked; {_place(place)} (counted from 0) is.")
    return numbers


def _check_kind(X: Any, source: str) -> None:
    if hasattr(X, "nnz") and hasattr(X, "toarray"):
        raise DataTypeError(f"{source} is sparse, and sparse input is not supported. Convert it by X.toarray().")
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M", "V"):
        raise DataError(f"{source} must be numbers; given: {X.dtype}.")


def _reach(rows: Matrix) -> float:
    """Return a bound on the magnitude of all numbers; infinite if one is not finite."""
    if (
        rows.size <= _FEW and (squares := float(np.vdot(rows, rows))) < math.inf
    ):  # takes a sixth of the time of the loop below
        return math.sqrt(squares) * (1 + 2**-20) + _VANISHING
    reach = 0.0
    for start in range(0, len(rows), _TILE):
        tile = rows[start : start + _TILE]
        low, high = np.minimum.reduce(tile, axis=None), np.maximum.reduce(tile, axis=None)
        if not (low > -math.inf and high < math.inf):  # also true for NaN
            return math.inf
        reach = max(reach, -low, high)
    return float(reach)


def _masked(X: Any) -> Any:
    """Return the mask of a masked array or of a list of masked rows; False for anything else."""
    if isinstance(X, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in X):
        X = np.ma.array(X)
    return np.ma.getmask(X)


def column_labels(X: Any) -> list[Any]:
    """Return the labels of the columns of a data frame or table; empty for an array."""
    for name in ("column_names", "columns", "feature_names"):  # PyArrow; pandas and Polars; Rows
        if hasattr(X, name):
            return list(getattr(X, name))
    return []


def feature_names_of(X: Any) -> tuple[str, ...]:
    """Return the names of the features of a data frame or table; empty if its columns are only numbered.

    Raises
    ------
    DataError
        If only some labels of columns are strings, as in scikit-learn.
    """
    if type(X) is np.ndarray:
        return ()
    labels = column_labels(X)
    strings = [label for label in labels if isinstance(label, str)]
    if strings and len(strings) < len(labels):
        kinds = sorted({type(label).__name__ for label in labels})
        raise DataError(
            f"Feature names are only supported if all columns have string names; X has names of the types "
            f"{', '.join(kinds)}. Convert them by X.columns = X.columns.astype(str)."
        )
    return tuple(strings)


def column_name(column: int, names: Sequence[str]) -> str:
    """Return a column's number, and its name if it has one, for a message."""
    return f"{column} ({names[column]!r})" if column < len(names) else str(column)


def _first_of_other_length(X: Any) -> str:
    """Describe the first row whose length differs from row 0; empty if there is none or if X is not a list of lists."""
    lengths = [len(row) for row in X if isinstance(row, list | tuple)] if isinstance(X, list | tuple) else []
    if not lengths or len(lengths) != len(X) or len(set(lengths)) == 1:
        return ""
    row = next(number for number, length in enumerate(lengths) if length != lengths[0])
    return (
        f"must have rows of one length; row 0 has {lengths[0]} numbers, row {row} (counted from 0) has {lengths[row]}"
    )


def _first_text(X: Any, names: Sequence[str]) -> str:
    values = np.asarray(X, dtype=object)
    for place in np.ndindex(values.shape) if values.ndim else ():
        try:
            float(values[place])
        except (TypeError, ValueError, OverflowError):
            return f"; {_place(place, names)} is {values[place]!r}"
    return ""


def _place(place: Sequence[int], names: Sequence[str] = ()) -> str:
    return f"row {place[0]}" + (f", column {column_name(place[1], names)}" if len(place) > 1 else "")


def constant_columns(X: Matrix) -> list[int]:
    """Return the numbers of the columns in which all rows are equal."""
    constant = np.flatnonzero(X[:1] == X[-1:]) if len(X) else np.arange(X.shape[1])
    for start in range(0, len(X), _TILE):
        constant = constant[(X[start : start + _TILE, constant] == X[0, constant]).all(axis=0)]
    return [int(column) for column in constant]


def extremes(*arrays: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest value of each column, shape (d,) each; there must be at least one row."""
    low, high = [], []
    for X in arrays:
        for start in range(0, len(X), _TILE):
            columns = np.ascontiguousarray(X[start : start + _TILE].T)  # NumPy is slow along short rows
            low.append(np.minimum.reduce(columns, axis=1))
            high.append(np.maximum.reduce(columns, axis=1))
    return reduce(np.minimum, low), reduce(np.maximum, high)
