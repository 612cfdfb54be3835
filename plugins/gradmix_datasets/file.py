"""The data set ``file``: rows from a file of one's own."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Data, DataError, Dataset, regular_file

if TYPE_CHECKING:
    import pandas as pd


_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+\s*"


@dataclass(kw_only=True)
class File(Dataset):
    """Rows of a CSV, Parquet or NumPy (.npy) file.

    Parameters
    ----------
    path
        The file, from the working folder. Its ending says what it is: .csv, .parquet or .npy.
    label
        Name of the column that holds each row's true group, if there is one; for .npy its number, from 0.
    header
        Whether the first line of a CSV file names the columns.
    """

    path: str
    label: str | None = None
    header: bool = True

    def read(self) -> Data:
        """Read the table, and split off the labels."""
        table = self._table()
        names = [str(name) for name in table.columns]
        if self.label is None:
            return self._data(table, names, None)
        if self.label not in names:
            raise DataError(f"{self.path} has no column {self.label!r} for dataset.label. It has: {', '.join(names)}.")
        at = names.index(self.label)
        features = table.drop(columns=table.columns[at])
        return self._data(features, [str(name) for name in features.columns], table.iloc[:, at].to_numpy())

    def content(self) -> tuple[str, ...]:
        """Fingerprint of the file."""
        try:
            seen = regular_file(self.path).stat()
            return (_fingerprint(self.source(), seen.st_size, seen.st_mtime_ns),)
        except OSError as error:
            raise self._unreadable(error) from error

    def source(self) -> str:
        """The file's absolute path."""
        return str(Path(self.path).absolute())

    def _table(self) -> pd.DataFrame:
        suffix = Path(self.path).suffix.lower()
        if suffix not in READERS:
            raise DataError(f"dataset.path={self.path}: its ending must be one of {', '.join(READERS)}.")
        try:
            regular_file(self.path)
            return READERS[suffix](self)
        except DataError:
            raise
        except (OSError, ValueError, EOFError, ImportError, csv.Error) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DataError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return DataError(
            f"cannot read dataset.path={self.path}: {reason.strip().rstrip('.')}. (Read from {Path.cwd()}.)"
        )

    def _data(self, features: pd.DataFrame, names: list[str], labels: Any) -> Data:
        from gradmix.arrays import as_rows

        return Data(as_rows(features.to_numpy(), names, self.path), labels, tuple(names))


@lru_cache(maxsize=64)
def _fingerprint(path: str, size: int, changed: int) -> str:
    """Hash of a file. A sweep asks for it once a job; the file is read again only if its size or time has changed."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_csv(file: File) -> pd.DataFrame:
    import pandas as pd

    with open(file.path, encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, skipinitialspace=True)
        first, second = next(reader, []), next(reader, [])
    if file.header and first and all(_is_number(name) for name in first):
        raise DataError(
            f"the first line of {file.path} holds numbers, not names of columns. If the file has no header, "
            "say dataset.header=false."
        )
    for separator, its_name in _OTHER_SEPARATORS.items():
        if len(first) == 1 and separator in first[0] and separator in ",".join(second):
            raise DataError(
                f"{file.path} separates its fields by {its_name}; it must be commas, and decimal points in numbers. "
                f"pandas rewrites it: pd.read_csv(path, sep={separator!r}).to_csv(path, index=False), with decimal=',' "
                "for decimal commas."
            )
    if len(second) > len(first):  # pandas would take the first column for names of rows, and drop it
        raise DataError(f"the rows of {file.path} have more fields than its first line names columns.")
    table = pd.read_csv(file.path, header=0 if file.header else None, skipinitialspace=True)
    for column in (name for name in table.select_dtypes(exclude="number").columns if str(name) != file.label):
        with_comma = table[column].astype(str).str.fullmatch(_DECIMAL_COMMA)
        if with_comma.any():
            row = int(with_comma.argmax())
            raise DataError(
                f"numbers must have decimal points; row {row} (counted from 0), column {column!r} of {file.path} is "
                f"{table[column].iloc[row]!r}."
            )
    return table


def _read_parquet(file: File) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(file.path)


def _read_npy(file: File) -> pd.DataFrame:
    import pandas as pd

    try:  # mapped first: a header that promises more than the file holds is refused before memory is asked for
        np.load(file.path, mmap_mode="r", allow_pickle=False)
    except MemoryError as error:
        raise ValueError(str(error)) from error
    array = np.load(file.path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise ValueError(f"it holds {getattr(array, 'shape', 'several arrays')}, not a matrix of rows")
    return pd.DataFrame(array)


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


READERS: dict[str, Callable[[File], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npy": _read_npy,
}
"""Ending of a file → how it is read; none of them runs code that a file may hold."""
