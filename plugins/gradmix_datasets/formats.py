"""Readers of table files, by format. No reader executes code that a file may contain."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gradmix import DataError
from gradmix_datasets.delimited import SAMPLE, Said, find_layout

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
            raise DataError(f"{path} must hold one file; it holds {len(members)}: {', '.join(members[:10])}.")
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
            f"dataset.path={source.path}: its ending must be one of {', '.join(FORMATS)}; after "
            f"{', '.join(texts)} also {', '.join(filter(None, COMPRESSIONS))}."
        )
    return reader(source)


def _read_text(source: Source) -> Read:
    import pandas as pd

    with source.opened() as stream:
        sample = stream.read(SAMPLE)
    ending, _ = source.endings
    layout = find_layout(sample, source.path, source.said, may_lack_names=ending == ".data")
    with source.opened() as stream:
        table = pd.read_csv(
            stream,
            sep=r"\s+" if layout.separator == " " else layout.separator,
            decimal=layout.decimal,
            encoding=layout.encoding,
            header=0 if layout.header else None,
            skipinitialspace=True,
            low_memory=False,
        )
    remarks = [layout.told] if layout.told else []
    if layout.header and not layout.first[-1] and table.iloc[:, -1].isna().all():
        table = table.iloc[:, :-1]  # each line ends with a separator
    if layout.header and not layout.first[0]:
        table = _without_row_names(table, source.path)
        remarks.append("first column, which has no name, left out as names of rows")
    return Read(table, tuple(remarks))


def _without_row_names(table: pd.DataFrame, path: str) -> pd.DataFrame:
    """Remove an unnamed first column of row numbers or strings, which pandas writes for its index."""
    import pandas as pd

    first = table.iloc[:, 0]
    numbers = pd.api.types.is_integer_dtype(first) and first.is_monotonic_increasing and first.is_unique
    if not (numbers or pd.api.types.is_string_dtype(first)):
        raise DataError(
            f"the first column of {path} has no name. If it is data, name it; if not, leave it out by "
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
    import pandas as pd

    try:  # mapped first: a header that claims more data than the file has fails before memory is allocated
        np.load(source.path, mmap_mode="r", allow_pickle=False)
    except MemoryError as error:
        raise ValueError(str(error)) from error
    array = np.load(source.path, allow_pickle=False)
    return Read(pd.DataFrame(_matrix(array)))


def _read_npz(source: Source) -> Read:
    import pandas as pd

    with np.load(source.path, allow_pickle=False) as archive:
        names = list(archive.files)
        matrices = [name for name in names if archive[name].ndim == 2]
        key = source.key or (matrices[0] if len(matrices) == 1 else None)
        if key not in names:
            asked = f"has no array {key!r}" if key else "has several matrices, or none"
            raise DataError(f"{source.path} {asked}; dataset.key must be one of {', '.join(names) or '(no arrays)'}.")
        table = pd.DataFrame(_matrix(archive[key]))
        if source.label in names:
            table[source.label] = archive[source.label]
    return Read(table, () if source.key or len(names) == 1 else (f"the array {key}",))


def _matrix(array: Any) -> Any:
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise ValueError(f"it holds {getattr(array, 'shape', 'several arrays')}, not a matrix of rows")
    return array


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
