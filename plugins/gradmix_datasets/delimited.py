"""Detection of the separator, decimal mark and encoding of text files with separated fields."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix import DataError

SAMPLE = 1 << 18
"""Number of bytes at the beginning of a file that are examined."""
_MOST_LINES = 500
SEPARATORS: Mapping[str, str] = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    " ": "spaces",
}
"""Separator → its name in messages; of equally good separators, the first one is used."""
_BYTE_ORDER_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NUMBERS: Mapping[str, re.Pattern[str]] = {
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    ",": re.compile(r"[+-]?(\d+(,\d+)?|,\d+)([eE][+-]?\d+)?"),
}
"""Decimal mark → numbers written with it."""
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


@dataclass(frozen=True)
class Layout:
    """Layout of a text file, as needed to read it.

    Parameters
    ----------
    encoding, separator, decimal
        In the form that pandas takes; the separator ``" "`` means any spaces and tabs.
    header
        Whether the first line has the names of the columns.
    first
        The fields of the first line.
    """

    encoding: str
    separator: str
    decimal: str
    header: bool
    first: tuple[str, ...]

    @property
    def told(self) -> str:
        """Describe the unusual parts of the layout, in words; empty if there are none."""
        parts = [
            "" if self.separator == "," else f"fields separated by {SEPARATORS.get(self.separator, self.separator)}",
            "" if self.decimal == "." else "decimal commas",
            "" if self.encoding.startswith("utf-8") else f"encoding {self.encoding}",
            "" if self.header else "no header",
        ]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True)
class Said:
    """Options of the user for a text file; None for a property to detect."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    header: bool | None = None


def find_layout(sample: bytes, name: str, said: Said, may_lack_names: bool) -> Layout:
    """Detect the parts of a file's layout that the user does not specify.

    Parameters
    ----------
    sample
        The beginning of the file.
    name
        Name of the file in messages.
    said
        The options that the user specifies.
    may_lack_names
        Whether a first line of numbers is treated as a row, as in file formats that never have names of columns.

    Raises
    ------
    DataError
        If the file is not text. If its first line is numbers, or if a comma may be a separator or a decimal mark, and
        the user does not specify which.
    """
    encoding = said.encoding or _encoding(sample)
    lines = _lines(sample, encoding, name)
    if not lines:
        raise DataError(f"cannot read {name}: it is empty.")
    separators = [said.separator] if said.separator else list(SEPARATORS)
    marks = [said.decimal] if said.decimal else list(_NUMBERS)
    pairs = [(sep, mark) for sep in separators for mark in marks if sep != mark or said.decimal]
    fits = {pair: _fit(lines, *pair) for pair in pairs}
    separator, decimal = best = max(fits, key=fits.__getitem__)
    first = tuple(next(_split(lines[:1], separator)))
    if decimal == "," and len(first) == 1 and not (said.decimal or said.separator):
        raise DataError(
            f"the first line of {name} has one field, and others have commas. If these are decimal commas, say "
            "dataset.decimal=','; if they separate fields, the first line must name every column."
        )
    if decimal == "," and not said.decimal and (number := _maybe_thousands(lines, separator)):
        raise DataError(
            f"numbers of {name}, such as {number!r}, may have decimal commas or commas between thousands. If these are "
            "decimal commas, say dataset.decimal=','; if not, write the numbers without."
        )
    second = next(_split(lines[1:2], separator), [])
    if len(second) > len(first):  # pandas would use the first column as names of rows, and drop it
        raise DataError(f"the rows of {name} have more fields than its first line.")
    numbers = all(_NUMBERS[decimal].fullmatch(field) for field in first)
    if said.header is None and numbers and not may_lack_names:
        raise DataError(
            f"the first line of {name} holds numbers, not names of columns. If the file has no header, say "
            "dataset.header=false; if these are names, dataset.header=true."
        )
    return Layout(encoding, *best, header=not numbers if said.header is None else said.header, first=first)


def _encoding(sample: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _lines(sample: bytes, encoding: str, name: str) -> list[str]:
    """Return the first lines without empty ones, and without the last, which may be cut off, if there are others."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample[:SAMPLE])
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"cannot read {name} as text: {error}. dataset.encoding names another encoding.") from error
    if "\0" in text:
        raise DataError(f"cannot read {name}: it is not a file of text.")
    lines = text.splitlines()
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines = lines[:-1]
    return [line for line in lines if line.strip()][:_MOST_LINES]


def _split(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    if separator == " ":
        yield from (line.split() for line in lines)
    else:
        for fields in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            yield [field.strip() for field in fields]


def _maybe_thousands(lines: Sequence[str], separator: str) -> str:
    """Return a number with a comma if all commas may be thousands separators, else an empty string."""
    fields = [field for row in _split(lines, separator) for field in row]
    numbers = [field for field in fields if "," in field and _NUMBERS[","].fullmatch(field)]
    return numbers[0] if numbers and all(map(_THOUSANDS.fullmatch, numbers)) else ""


def _fit(lines: Sequence[str], separator: str, decimal: str) -> tuple[Any, ...]:
    """Rate how well a layout fits: as many fields in all lines as in the first, several fields, and numbers."""
    try:
        rows = list(_split(lines, separator))
    except csv.Error:
        return (False,)
    width = len(rows[0])
    even = sum(len(row) == width for row in rows) / len(rows)
    fields = [field for row in rows[1:] or rows for field in row if field.lower() not in _MISSING]
    numbers = sum(bool(_NUMBERS[decimal].fullmatch(field)) for field in fields) / max(len(fields), 1)
    return True, width > 1 and even > 0.9, numbers, width, even, decimal == "."
