"""The data set ``file``: rows from a file of the user."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradmix import ConfigError, Data, DataError, Dataset, NonNegativeInt, regular_file

if TYPE_CHECKING:
    import pandas as pd

    from gradmix_datasets.formats import Read


_NAMES_ROWS = re.compile(
    r"(?i:unnamed: \d+|level_\d+|index|idx|#|(.*[ _.-])?id|row[ _.-]?(id|nr|no|num|number))|.*[a-z]I[Dd]"
)
"""Names of columns that number the rows, as pandas and people write them."""


@dataclass(kw_only=True)
class File(Dataset):
    """Rows of a file: text with separated fields, Parquet, Feather or NumPy's .npy and .npz.

    Separator, decimal mark and encoding of a text file are detected. The run's summary states them if they are not the
    usual ones. Comments above the table, which begin with "# ", are skipped; without a header, the last may name the
    columns. Columns that only number the rows are left out: those that pandas and R write, and columns such as
    ``id`` without repeated values. If a file ``x.labels0`` beside a file ``x.data`` has the true groups of its rows,
    both are read, as in the collections of clustbench.

    Parameters
    ----------
    path
        Path of the file, relative to the working folder. The ending specifies the format: .csv, .tsv, .txt, .dat or
        .data for text, optionally compressed (.gz, .bz2, .xz, .zip); .parquet; .feather; .npy; .npz.
    label
        Name of the column with the true group of each row, if there is one. For an array, the number of the column,
        from 0; for a .npz file, also the name of another array.
    columns
        Names of the columns to read; null reads all columns except the label and numbers of rows.
    drop
        Names of columns to leave out.
    encode
        Names of columns with categories; each category becomes a column of zeros and ones.
    dates
        Whether dates are converted to numbers: days since 1970.
    missing
        What to do with rows with missing values: raise an error, or drop them.
    header
        Whether the first line of a text file has the names of the columns; with null, it does unless it is numbers.
    separator
        Separator of the fields of a text file; null detects it.
    decimal
        Decimal mark of a text file; null detects it.
    thousands
        Mark between groups of three digits in a text file, such as a comma or a space; null if there is none.
    na_values
        Words that stand for a missing value in a text file, besides an empty field and the usual ones (NA, NaN, null).
    skip_lines
        Number of lines above the table in a text file.
    encoding
        Encoding of a text file, such as latin-1; null detects it.
    key
        Name of the array in a .npz file; null takes the only matrix.
    """

    path: str
    label: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    encode: tuple[str, ...] = ()
    dates: bool = False
    missing: Literal["error", "drop"] = "error"
    header: bool | None = None
    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    na_values: tuple[str, ...] = ()
    skip_lines: NonNegativeInt = 0
    encoding: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.separator is not None and len(self.separator) != 1:
            raise ConfigError(f"dataset.separator must be one character; given: {self.separator!r}.")
        if self.thousands is not None and (len(self.thousands) != 1 or self.thousands == self.decimal):
            raise ConfigError(
                f"dataset.thousands must be one character, and not the decimal mark; given: {self.thousands!r}."
            )

    def read(self) -> Data:
        """Read the table, choose its columns, and split off the labels."""
        found = self._read()
        table, remarks = found.table, list(found.remarks)
        table.columns = [str(name) for name in table.columns]
        labels = self._labels_beside() if self.label is None else table[self._there(table, [self.label], "label")[0]]
        chosen = self._chosen(table)
        if self.columns is None and (numbering := self._numbering(chosen)):
            chosen = chosen.drop(columns=numbering)
            remarks.append(f"{', '.join(numbering)} left out as names of rows; to keep them, set dataset.columns")
        features = self._numbers(chosen)
        missing = features.isna()
        rows = missing.any(axis=1).to_numpy(copy=True)
        if self.missing == "drop":
            rows |= np.zeros(len(rows), bool) if self.label is None else labels.isna().to_numpy()
        if rows.any() and self.missing == "drop":
            features = features[~rows]
            labels = None if labels is None else labels[~rows]
            remarks.append(f"{rows.sum()} of {len(rows)} rows dropped because of missing values")
        elif missing.any(axis=None):
            raise self._misses(missing, rows)
        X = features.to_numpy(np.float64)
        constant = [
            str(name) for name, column in zip(features, X.T, strict=True) if len(X) > 1 and (column == column[0]).all()
        ]
        if constant and not self.drop_constant:
            remarks.append(f"{', '.join(constant)} constant; dataset.drop_constant=true leaves out")
        return Data(
            X,
            None if labels is None else np.asarray(labels),
            tuple(features.columns),
            remarks="; ".join(remarks),
        )

    def content(self) -> tuple[str, ...]:
        """Return the fingerprint of the file, and of the labels beside it."""
        try:
            beside = self._path_of_labels()
            return tuple(_fingerprint_of(path) for path in (self.source(), *([str(beside)] if beside else ())))
        except OSError as error:
            raise self._unreadable(error) from error

    def source(self) -> str:
        """Return the absolute path of the file."""
        return str(Path(self.path).absolute())

    def _read(self) -> Read:
        import zlib
        from lzma import LZMAError
        from zipfile import BadZipFile

        from gradmix_datasets.delimited import Said
        from gradmix_datasets.formats import Source, read

        said = Said(
            self.encoding,
            self.separator,
            self.decimal,
            self.header,
            self.thousands,
            self.skip_lines,
            self.na_values,
        )
        try:
            regular_file(self.path)
            return read(Source(self.path, said, self.key, self.label))
        except DataError:
            raise
        except (OSError, ValueError, EOFError, ImportError, csv.Error, zlib.error, LZMAError, BadZipFile) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DataError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return DataError(
            f"cannot read dataset.path={self.path}: {reason.strip().rstrip('.')}. (Working folder: {Path.cwd()}.)"
        )

    def _path_of_labels(self) -> Path | None:
        """Return the path of the labels beside ``x.data`` or ``x.data.gz``, if it exists and no label is chosen."""
        path = Path(self.path)
        beside = path.with_name(re.sub(r"\.data(?=\.|$)", ".labels0", path.name))
        return beside if self.label is None and beside != path and beside.is_file() else None

    def _labels_beside(self) -> Any:
        from gradmix_datasets.formats import COMPRESSIONS

        path = self._path_of_labels()
        if path is None:
            return None
        try:
            with COMPRESSIONS[path.suffix if path.suffix in COMPRESSIONS else ""](str(regular_file(path))) as stream:
                return np.array([line.strip().decode() for line in stream if line.strip()])
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"cannot read {path.name}, the labels that belong to {self.path}: {error}.") from error

    def _there(self, table: pd.DataFrame, names: Sequence[str], option: str) -> Sequence[str]:
        """Return the names, after a check that the table has all these columns."""
        for name in names:
            if name not in table:
                raise DataError(
                    f"{self.path} has no column {name!r} for dataset.{option}. Its columns: {', '.join(table.columns)}."
                )
        return names

    def _chosen(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the feature columns, in the order of `columns` or, without it, of the file."""
        left_out: Collection[str] = {*self._there(table, self.drop, "drop"), *([self.label] if self.label else ())}
        names = list(table.columns) if self.columns is None else self._there(table, self.columns, "columns")
        return table[[name for name in names if name not in left_out]]

    def _numbering(self, table: pd.DataFrame) -> list[str]:
        """Return the columns that only name the rows, unless there are no others: each value is unique."""
        found = [
            str(name)
            for name, column in table.items()
            if _NAMES_ROWS.fullmatch(str(name)) and name not in self.encode and column.is_unique and len(table) > 1
        ]
        return found if len(found) < table.shape[1] else []

    def _numbers(self, table: pd.DataFrame) -> pd.DataFrame:
        """Convert all columns to numbers: booleans to 1 and 0, dates and categories as the options specify."""
        import pandas as pd

        self._there(table, self.encode, "encode")
        parts, refused = [], []
        for name, column in table.items():
            kind = pd.api.types.infer_dtype(column, skipna=True)
            if name in self.encode:
                values = column.astype("category")
                parts.append(
                    pd.get_dummies(values, prefix=str(name), prefix_sep="=", dtype=float).where(column.notna())
                )
            elif kind in ("floating", "integer", "mixed-integer-float", "boolean", "empty", "decimal"):
                parts.append(_floats(column).to_frame())
            elif (moments := _moments(column, kind)) is not None and self.dates:
                parts.append(((moments - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_frame())
            else:
                refused.append((str(name), column, moments is not None))
        if refused:
            raise self._not_numbers(refused)
        return pd.concat(parts, axis=1) if parts else table

    def _not_numbers(self, refused: Sequence[tuple[str, Any, bool]]) -> DataError:
        from gradmix_datasets.refusal import explain_refusal

        lines = [f"column {name!r} has {explain_refusal(name, column, is_dates)}" for name, column, is_dates in refused]
        names = ",".join(name for name, *_ in refused)
        return DataError(
            f"{self.path} has columns that are not numbers (rows counted from 0). {'; '.join(lines)}. "
            f"To leave them out, set dataset.drop=[{names}]; to use one as the true groups, set dataset.label."
        )

    def _misses(self, missing: pd.DataFrame, rows: Any) -> DataError:
        counts = missing.sum()
        each = ", ".join(f"{name!r} {count}" for name, count in counts[counts > 0].items())
        return DataError(
            f"{rows.sum()} of {len(rows)} rows of {self.path} have missing values, the first is row "
            f"{int(rows.argmax())} (counted from 0); missing values by column: {each}. To leave these rows out, set "
            "dataset.missing=drop."
        )


def _floats(column: pd.Series[Any]) -> pd.Series[float]:
    """Return numbers as float64; an integer beyond its range is infinite."""
    try:
        return column.astype("Float64").astype(np.float64)
    except OverflowError:
        return column.astype(str).astype(np.float64)


def _moments(column: Any, kind: str) -> Any:
    """Return a column of dates or times without time zones; None if the column has another type."""
    import pandas as pd

    if kind not in ("datetime64", "datetime", "date", "string"):
        return None
    try:
        if kind == "string" and not column.dropna().str.match(r"\d{4}-\d{2}-\d{2}").all():
            return None
        return pd.to_datetime(column, utc=True).dt.tz_localize(None)
    except (ValueError, OverflowError):
        return None


def _fingerprint_of(path: str) -> str:
    seen = regular_file(path).stat()
    return _fingerprint(path, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=64)
def _fingerprint(path: str, size: int, changed: int) -> str:
    """Return the hash of a file. Each job of a sweep needs it; it is computed again only if size or time changed."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
