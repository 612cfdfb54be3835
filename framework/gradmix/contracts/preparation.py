"""Preparation: the treatment of the columns of data before a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from gradmix.contracts.errors import DataError, listing
from gradmix.contracts.rows import Matrix, column_name, constant_columns, feature_names_of


@dataclass(frozen=True)
class Preparation:
    """How a data set treated its columns, stored so that new rows can be treated alike.

    Parameters
    ----------
    n_columns
        Number of columns that were read.
    names
        Their names; empty if they have none.
    kept
        Numbers of the columns that were kept, in order.
    means, scales
        The value subtracted from each kept column, and the divisor applied next; empty if columns were not scaled.
    """

    n_columns: int
    names: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        is_sound = (
            isinstance(self.n_columns, int)
            and len(self.names) in (0, self.n_columns)
            and all(isinstance(column, int) and 0 <= column < self.n_columns for column in self.kept)
            and len(self.means) == len(self.scales)
            and len(self.means) in (0, len(self.kept))
        )
        if not is_sound:
            raise DataError(f"the columns and their preparation do not match: {self}.")

    @classmethod
    def fitted(cls, X: Matrix, names: tuple[str, ...], drop_constant: bool = False, standardise: bool = False) -> Self:
        """Return a preparation that drops constant columns, standardises the others (mean 0, deviation 1), or both.

        Raises
        ------
        DataError
            If no column would be left, or if a constant column cannot be scaled.
        """
        constant = constant_columns(X) if drop_constant or standardise else []
        if drop_constant and len(constant) == X.shape[1]:
            raise DataError("every column of the data is constant; dataset.drop_constant would leave none.")
        if constant and not drop_constant:
            raise DataError(
                f"column {column_name(constant[0], names)} is constant and cannot be scaled to standard deviation 1. "
                "Drop such columns with dataset.drop_constant=true."
            )
        kept = cls(X.shape[1], names, tuple(column for column in range(X.shape[1]) if column not in constant))
        if not standardise:
            return kept
        rows = kept.apply(X)
        means = rows.mean(axis=0)
        scales = (rows - means).std(axis=0)
        return replace(kept, means=tuple(means.tolist()), scales=tuple(scales.tolist()))

    def select(self, X: Any) -> Any:
        """Return the columns of a table in the order in which they were read, if both have names.

        Raises
        ------
        DataError
            If a column is missing.
        """
        given = feature_names_of(X)
        if not self.names or not given:
            return X
        missing = [name for name in self.names if name not in given]
        if missing:
            raise DataError(f"X has no column {listing(missing)}; the model was fitted to {listing(self.names)}.")
        names = list(self.names)
        return X.select(names) if hasattr(X, "select") else X[names]  # pandas alone has no `select`

    def apply(self, rows: Matrix) -> Matrix:
        """Treat new rows, shape (n, n_columns), as the rows of the fit were treated."""
        if len(self.kept) < self.n_columns:
            rows = np.ascontiguousarray(rows[:, list(self.kept)])
        return (rows - np.array(self.means)) / np.array(self.scales) if self.scales else rows
