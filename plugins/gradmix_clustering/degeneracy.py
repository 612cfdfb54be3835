"""Explain why every component of a mixture is degenerate: too few rows, an outlier, or columns that hardly vary."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradmix import Rows
from gradmix.arrays import Array, IntArray, column_name
from gradmix_clustering.layouts import Layout


def why_degenerate(
    rows: Rows, covariance: Array, columns: IntArray, floor_of: Callable[[float], float], layout: Layout
) -> str:
    """Name the row or the columns that make every component degenerate, in any fit; empty if there are none.

    Parameters
    ----------
    rows
        All rows.
    covariance
        Their covariance, shape (d, d).
    columns
        Numbers of the columns to examine.
    floor_of
        Returns the number added to every variance, from the columns' mean variance.
    layout
        Layout of the covariances.
    """
    names = [column_name(column, rows.feature_names or ()) for column in columns]
    if not _is_degenerate(covariance, columns, floor_of, layout):
        return ""
    if len(rows) <= len(columns):
        return (
            f"{len(rows)} rows are too few to estimate the covariances of {len(columns)} columns. Choose "
            "covariance_type=diag, or leave out columns."
        )
    floor = floor_of(_spread(covariance))
    far = int(np.argmax(np.abs(rows.array - np.average(rows.array, axis=0, weights=rows.weights)).max(axis=1)))
    if not _is_degenerate(_covariance_without(far, rows), columns, floor_of, layout):
        return (
            f"Row {far} (counted from 0) is so far from the other rows that their variance is negligible beside the "
            "number that reg_covar adds. Drop this row, or lower reg_covar."
        )
    covariance = covariance[np.ix_(columns, columns)]
    too_little = [name for name, variance in zip(names, np.diagonal(covariance), strict=True) if variance < 9 * floor]
    if len(too_little) == len(names):
        return f"No column has a much larger variance than the {floor:.3g} that reg_covar adds. Lower reg_covar."
    if too_little:
        one, verb = ("Column", "varies") if len(too_little) == 1 else ("Columns", "vary")
        return (
            f"{one} {', '.join(too_little)} {verb} so little that the variance is negligible beside the number that "
            "reg_covar adds. Scale the columns first (in a run: dataset.standardise=true), or lower reg_covar."
        )
    least = np.abs(np.linalg.eigh(covariance)[1][:, 0])
    dependent = [name for name, share in zip(names, least, strict=True) if share > 1e-3]
    return f"Columns {', '.join(dependent)} are linearly dependent. Drop one, or choose covariance_type=diag."


def _is_degenerate(covariance: Array, columns: IntArray, floor_of: Callable[[float], float], layout: Layout) -> bool:
    """Whether a covariance, shape (d, d), has hardly any variance in some direction of the given columns."""
    floor = floor_of(_spread(covariance))
    if floor == 0:
        return True
    whiteners = layout.whiteners(layout.regularised(layout.of_one(covariance[np.ix_(columns, columns)]), floor))
    return bool(layout.is_thin(whiteners, 10 * floor).any())


def _spread(covariance: Array) -> float:
    """Return the mean variance of the columns."""
    return float(np.trace(covariance)) / len(covariance)


def _covariance_without(row: int, rows: Rows) -> Array:
    """Return the covariance of all rows except one, shape (d, d)."""
    weights = None if rows.weights is None else np.delete(rows.weights, row)
    if weights is not None and not weights.any():
        return np.zeros((rows.shape[1], rows.shape[1]))
    return np.atleast_2d(np.cov(np.delete(rows.array, row, axis=0), rowvar=False, ddof=0, aweights=weights))
