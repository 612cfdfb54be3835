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
_COMMENT = re.compile(r"#+(\s|$)")
"""Start of a line of comments; the first line of a table may begin with a name such as ``#id``."""
_BETWEEN_SPACES = re.compile(r'"([^"]*)"(?=\s|$)|(\S+)')
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


@dataclass(frozen=True)
class Layout:
    """Layout of a text file, as needed to read it.

    Parameters
    ----------
    encoding, separator, decimal
        In the form that pandas takes; the separator ``" "`` means any spaces and tabs.
    n_skipped
        Number of lines before the table.
    header
        Whether the first line of the table is not a row.
    names
        The names of the columns; empty if the file has none. An empty name at the front belongs to names of rows.
    are_elsewhere
        Whether the names differ from the first line, because a comment has them or names of rows have no header.
    doubts
        What is ambiguous about the numbers, in words; empty if nothing is.
    """

    encoding: str
    separator: str
    decimal: str
    n_skipped: int
    header: bool
    names: tuple[str, ...] = ()
    are_elsewhere: bool = False
    doubts: str = ""

    @property
    def told(self) -> str:
        """Describe the unusual parts of the layout, in words; empty if there are none."""
        parts = [
            "" if self.separator == "," else f"fields separated by {SEPARATORS.get(self.separator, self.separator)}",
            "" if self.decimal == "." else "decimal commas",
            "" if self.encoding.startswith("utf-8") else f"encoding {self.encoding}",
            "" if self.names else "without a header",
            self.doubts,
        ]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True)
class Said:
    """Options of the user for a text file; None for a property to detect."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    header: bool | None = None
    thousands: str | None = None
    skip_lines: int = 0
    na_values: tuple[str, ...] = ()


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
    physical = _lines(sample, encoding, name)
    top = _top(physical, said)
    lines = [line for line in physical[top.n_lines :] if line.strip()][:_MOST_LINES]
    if not lines:
        raise DataError(f"cannot read {name}: it is empty.")
    separators = [separator] if (separator := said.separator or top.separator) else list(SEPARATORS)
    marks = [said.decimal] if said.decimal else [mark for mark in _NUMBERS if mark != said.thousands]
    pairs = [(sep, mark) for sep in separators for mark in marks if sep != mark or said.decimal]
    fits = {pair: _fit(lines, *pair, said.thousands) for pair in pairs}
    separator, decimal = max(fits, key=fits.__getitem__)
    rows = list(_split(lines, separator))
    first = rows[0]
    if decimal == "," and len(first) == 1 and not (said.decimal or said.separator):
        raise DataError(
            f"the first line of {name} has one field, but other lines have commas. If these are decimal commas, "
            "set \"dataset.decimal=','\"; if they separate fields, name every column in the first line."
        )
    doubts = "" if said.decimal or said.thousands else _doubts(rows, separator, decimal, name)
    has_names_of_rows = _has_names_of_rows(rows)
    if len(rows) > 1 and len(rows[1]) > len(first) and not has_names_of_rows:
        raise DataError(  # pandas would make one column an index
            f"the second line of {name} has {len(rows[1])} fields, more than the {len(first)} of the first line. "
            "If the first line has the names of columns, name every column."
        )
    is_row = all(_NUMBERS[decimal].fullmatch(field) for field in first)
    header = not is_row if said.header is None else said.header
    names = ["", *first] if has_names_of_rows else first if header else []
    if is_row and said.header is None:
        above = next(_split([top.comment], separator), [])
        names = above if len(above) == len(first) else []
        if not names and not may_lack_names:
            raise DataError(
                f"the first line of {name} contains numbers, not names of columns. If the file has no header, set "
                "dataset.header=false; if these are names, set dataset.header=true."
            )
    are_elsewhere = not header or has_names_of_rows
    return Layout(encoding, separator, decimal, top.n_lines, header, tuple(names), are_elsewhere, doubts)


@dataclass(frozen=True)
class _Top:
    """What precedes the table: the number of lines, a separator that they declare, and the last comment."""

    n_lines: int
    separator: str | None = None
    comment: str = ""


def _top(lines: Sequence[str], said: Said) -> _Top:
    """Find the table below the lines to skip, Excel's declaration of the separator, and comments."""
    start, separator, comment = said.skip_lines, None, ""
    if start < len(lines) and (declared := re.fullmatch(r"sep=(.)", lines[start].strip("\ufeff "))):
        start, separator = start + 1, declared[1]
    for place in range(start, len(lines)):
        line = lines[place].lstrip("\ufeff ")
        if _COMMENT.match(line):
            start, comment = place + 1, line.lstrip("#")
        elif line.strip():
            break
    return _Top(start, separator, comment)


def _has_names_of_rows(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether each row starts with its name, and the first line lacks a name for it, as R writes tables."""
    first, *others = rows
    if not others or any(len(row) != len(first) + 1 for row in others) or not any(row[-1] for row in others):
        return False
    names = [row[0] for row in others]
    return names == [str(i + 1) for i in range(len(names))] or not any(map(_NUMBERS["."].fullmatch, names))


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
    """Return the first lines, without the last one if it may be cut off."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample[:SAMPLE])
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"cannot read {name} as text: {error}. Set dataset.encoding to its encoding.") from error
    if "\0" in text:
        is_utf_16 = text[1:1000:2].count("\0") > len(text[1:1000:2]) // 2
        hint = " If it is UTF-16, set dataset.encoding=utf-16-le." if is_utf_16 else ""
        raise DataError(f"cannot read {name}: it is not a text file.{hint}")
    lines = re.split(r"\r\n?|\n", text)
    return lines[:-1] if len(sample) >= SAMPLE and len(lines) > 1 else lines


def _split(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    if separator == " ":
        yield from ([quoted or plain for quoted, plain in _BETWEEN_SPACES.findall(line)] for line in lines)
    else:
        for fields in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            yield [field.strip() for field in fields]


def _doubts(rows: Sequence[Sequence[str]], separator: str, decimal: str, name: str) -> str:
    """Describe numbers whose decimal mark may group thousands; with commas, raise an error."""
    grouped = _maybe_thousands([field for row in rows for field in row], decimal)
    if grouped and decimal == ",":
        raise DataError(
            f"the commas in numbers of {name}, such as {grouped!r}, may be decimal commas or separate thousands. Set "
            "\"dataset.decimal=','\" or \"dataset.thousands=','\"."
        )
    if grouped and separator == ";":  # which separates fields where points group thousands
        return (
            f"all decimal points are followed by three digits, as in {grouped}; if they separate thousands, set "
            "dataset.thousands=."
        )
    return ""


def _maybe_thousands(fields: Sequence[str], mark: str) -> str:
    """Return a number with a mark if all these marks may be thousands separators, else an empty string."""
    numbers = [field for field in fields if mark in field and _NUMBERS[mark].fullmatch(field)]
    grouped = re.compile(rf"[+-]?[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+")
    return numbers[0] if numbers and all(map(grouped.fullmatch, numbers)) else ""


def marks_of(thousands: str) -> str:
    """Return a pattern of the marks between thousands; a space may be one of those that do not break a line."""
    return "[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)


def _fit(lines: Sequence[str], separator: str, decimal: str, thousands: str | None) -> tuple[Any, ...]:
    """Rate how well a layout fits: as many fields in all lines as in the first, several fields, and numbers."""
    try:
        rows = list(_split(lines, separator))
    except csv.Error:
        return (False,)
    width = len(rows[0])
    even = sum(len(row) == width for row in rows) / len(rows)
    fields = [field for row in rows[1:] or rows for field in row if field.lower() not in _MISSING]
    if thousands:
        fields = [re.sub(marks_of(thousands), "", field) for field in fields]
    numbers = sum(bool(_NUMBERS[decimal].fullmatch(field)) for field in fields) / max(len(fields), 1)
    return True, width > 1 and even > 0.9, numbers, width, even, decimal == "."
