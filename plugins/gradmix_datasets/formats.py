"""Readers of table files, by format. No reader executes code that a file may contain."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gradmix import DataError
from gradmix_datasets.delimited import SAMPLE, Said, find_layout, marks_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Read:
    """A table that was read from a file.

    Parameters
    ----------
    table
        All columns, by name.
    remarks
        Descriptions of the layout that was detected, in words.
    """

    table: pd.DataFrame
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A file to read, and the user's options about it."""

    path: str
    said: Said
    key: str | None = None
    label: str | None = None

    @property
    def endings(self) -> tuple[str, str]:
        """Return its format's ending and its compression's ending, or an empty string, in lower case."""
        path = Path(self.path.lower())
        return (Path(path.stem).suffix, path.suffix) if path.suffix in COMPRESSIONS else (path.suffix, "")

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the file, decompressed, as bytes."""
        _, compression = self.endings
        with COMPRESSIONS[compression](self.path) as stream:
            yield stream


@contextmanager
def _only_member(path: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if len(members) != 1:
            raise DataError(f"{path} must contain one file; it contains {len(members)}: {', '.join(members[:10])}.")
        with archive.open(members[0]) as stream:
            yield stream


COMPRESSIONS: Mapping[str, Callable[[str], Any]] = {
    "": partial(open, mode="rb"),
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _only_member,
}
"""Ending of a compressed file → function that opens it as bytes."""


def read(source: Source) -> Read:
    """Read a file in the format of its ending.

    Raises
    ------
    DataError
        If its ending is unknown, or its content does not have the format of the ending.
    """
    ending, compression = source.endings
    reader = FORMATS.get(ending)
    if reader is None or (compression and reader is not _read_text):
        texts = [each for each, its in FORMATS.items() if its is _read_text]
        raise DataError(
            f"the ending of dataset.path={source.path} must be one of {', '.join(FORMATS)}; {', '.join(texts)} may be "
            f"followed by one of {', '.join(filter(None, COMPRESSIONS))}. Convert other files with pandas, as in "
            "pandas.read_excel('table.xlsx').to_csv('table.csv', index=False)."
        )
    return reader(source)


def _read_text(source: Source) -> Read:
    import pandas as pd

    with source.opened() as stream:
        sample = stream.read(SAMPLE)
    ending, _ = source.endings
    layout = find_layout(sample, source.path, source.said, may_lack_names=ending == ".data")
    try:
        with source.opened() as stream, _below(stream, layout.n_skipped, layout.encoding) as rest:
            table = pd.read_csv(
                rest,
                sep=r"\s+" if layout.separator == " " else layout.separator,
                decimal=layout.decimal,
                encoding=layout.encoding,
                header=0 if layout.header else None,
                names=_distinct(layout.names) if layout.names and layout.are_elsewhere else None,
                na_values=list(source.said.na_values),
                skipinitialspace=True,
                low_memory=False,
            )
    except pd.errors.ParserError as error:
        raise _uneven(error, source.path, layout.n_skipped) from error
    if source.said.thousands:
        table = table.apply(_without_thousands, args=(source.said.thousands, layout.decimal))
    remarks = [layout.told] if layout.told else []
    if layout.names and not layout.names[-1] and table.iloc[:, -1].isna().all():
        table = table.iloc[:, :-1]  # each line ends with a separator
    if layout.names and not layout.names[0]:
        table = _without_row_names(table, source.path)
        remarks.append("unnamed first column left out as names of rows")
    return Read(table, tuple(remarks))


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names of columns, made distinct as pandas does it: a, a.1; a missing name is "Unnamed: 0"."""
    distinct: list[str] = []
    for place, name in enumerate(names):
        wanted = name or f"Unnamed: {place}"
        free = (wanted if i == 0 else f"{wanted}.{i}" for i in count())
        distinct.append(next(each for each in free if each not in distinct))
    return distinct


@contextmanager
def _below(stream: IO[bytes], n_lines: int, encoding: str) -> Iterator[IO[Any]]:
    """Skip so many lines of text."""
    if n_lines == 0:
        yield stream  # pandas decodes bytes faster than a stream of text
        return
    with io.TextIOWrapper(stream, encoding) as text:
        for _ in range(n_lines):
            text.readline()
        yield text


def _uneven(error: Exception, path: str, n_skipped: int) -> Exception:
    """Reword pandas' error about a line with too many fields."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if found is None:
        return error
    expected, line, seen = map(int, found.groups())
    line += n_skipped
    return DataError(
        f"line {line} of {path} has {seen} fields, but a line before it has {expected}. If the table begins with line "
        f"{line}, set dataset.skip_lines={line - 1}."
    )


def _without_thousands(column: pd.Series[Any], mark: str, decimal: str) -> pd.Series[Any]:
    """Return a column of text as numbers if all its values are numbers, with marks only between thousands."""
    import pandas as pd

    if not pd.api.types.is_string_dtype(column):
        return column
    marks = marks_of(mark)
    number = rf"[+-]?(\d+|\d{{1,3}}({marks}\d{{3}})+)({re.escape(decimal)}\d*)?"
    if not column.dropna().str.fullmatch(number).all():
        return column
    return pd.to_numeric(column.str.replace(marks, "", regex=True).str.replace(decimal, ".", regex=False))


def _without_row_names(table: pd.DataFrame, path: str) -> pd.DataFrame:
    """Remove an unnamed first column of row numbers or strings, which pandas writes for its index."""
    import pandas as pd

    first = table.iloc[:, 0]
    numbers = pd.api.types.is_integer_dtype(first) and first.is_monotonic_increasing and first.is_unique
    if not (numbers or pd.api.types.is_string_dtype(first)):
        raise DataError(
            f"the first column of {path} has no name. If it is data, name it; if not, leave it out with "
            f'dataset.drop=["{table.columns[0]}"].'
        )
    return table.drop(columns=table.columns[0])


def _read_parquet(source: Source) -> Read:
    import pandas as pd

    return Read(pd.read_parquet(source.path))  # a stored index becomes the index of the data frame again


def _read_feather(source: Source) -> Read:
    import pandas as pd

    return Read(pd.read_feather(source.path))


def _read_npy(source: Source) -> Read:
    try:  # mapped first: a header that claims more data than the file has fails before memory is allocated
        np.load(source.path, mmap_mode="r", allow_pickle=False)
    except MemoryError as error:
        raise ValueError(str(error)) from error
    array = np.load(source.path, allow_pickle=False)
    return Read(_table(array))


def _read_npz(source: Source) -> Read:
    with np.load(source.path, allow_pickle=False) as archive:
        names = list(archive.files)
        matrices = [name for name in names if archive[name].ndim == 2]
        key = source.key or (matrices[0] if len(matrices) == 1 else None)
        if key not in names:
            asked = f"has no array {key!r}" if key else "does not have exactly one matrix"
            raise DataError(f"{source.path} {asked}; dataset.key must be one of {', '.join(names) or '(no arrays)'}.")
        table = _table(archive[key])
        if source.label in names:
            table[source.label] = archive[source.label]
    return Read(table, () if source.key or len(names) == 1 else (f"the array {key}",))


def _table(array: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(array, np.ndarray):
        raise ValueError("it contains several arrays, not a matrix of rows")
    if array.ndim != (1 if array.dtype.names else 2):
        raise ValueError(f"it contains an array of the shape {array.shape}, not a matrix of rows")
    return pd.DataFrame(array)


FORMATS: Mapping[str, Callable[[Source], Read]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".dat": _read_text,
    ".data": _read_text,
    ".parquet": _read_parquet,
    ".feather": _read_feather,
    ".npy": _read_npy,
    ".npz": _read_npz,
}
"""Ending of a file → its reader."""
