"""Why every component of a mixture is degenerate: columns in which even all rows together hardly vary."""

from __future__ import annotations

import numpy as np

from gradmix import Rows
from gradmix.arrays import Array, IntArray, column_name
from gradmix_clustering.layouts import Layout


def blamed_columns(rows: Rows, covariance: Array, columns: IntArray, floor: float, layout: Layout) -> str:
    """Say which of some columns make every component degenerate, however it is estimated; empty if none do.

    Parameters
    ----------
    rows
        All rows.
    covariance
        Their covariance, shape (d, d).
    columns
        Numbers of the columns that are judged.
    floor
        What is added to every variance.
    layout
        How covariances are kept.
    """
    names = [column_name(column, rows.feature_names or ()) for column in columns]
    covariance = covariance[np.ix_(columns, columns)]
    of_all_rows = layout.whiteners(layout.regularised(layout.of_one(covariance), floor))
    if not layout.is_thin(of_all_rows, 10 * floor).any():
        return ""
    too_little = [name for name, variance in zip(names, np.diagonal(covariance), strict=True) if variance < 9 * floor]
    if too_little:
        one, verb = ("Column", "varies") if len(too_little) == 1 else ("Columns", "vary")
        return (
            f"{one} {', '.join(too_little)} {verb} too little beside the others, less than reg_covar can tell from "
            "zero. Scale the columns first, in a run by dataset.standardise=true, or lower reg_covar."
        )
    least = np.abs(np.linalg.eigh(covariance)[1][:, 0])
    dependent = [name for name, share in zip(names, least, strict=True) if share > 1e-3]
    return f"Columns {', '.join(dependent)} depend on each other linearly: drop one, or choose covariance_type=diag."
