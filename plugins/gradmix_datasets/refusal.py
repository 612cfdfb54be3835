"""Explanation of why a column of a table is not numbers, and which option reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

_MOST_WORDS = 5
"""Largest number of different words among the numbers of a column that are taken for missing values."""
_MOST_CATEGORIES = 20
"""Number of different values that may be categories, even if they are more than half of the rows."""
_GROUPED = "\"dataset.thousands='{}'\" reads them as numbers"
_COMMA = "\"dataset.decimal=','\""
_NO_OPTION = "write plain numbers, because no option reads these"
_WRITTEN: Sequence[tuple[str, str, str, bool]] = (
    (r"[+-]?\d{1,3}(,\d{3})+\.\d*", "commas between thousands", _GROUPED.format(","), True),
    (r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?", "points between thousands", _GROUPED.format("."), True),
    (r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+([.,]\d*)?", "spaces between thousands", _GROUPED.format(" "), True),
    (
        r"[+-]?\d{1,3}(,\d{3})+",
        "decimal commas, or commas between thousands",
        f"{_COMMA} or {_GROUPED.format(',')}",
        False,
    ),
    (r"\s*[+-]?\d+,\d+\s*", "decimal commas", f"{_COMMA} reads them as numbers", True),
    (
        r"(?!\d{4}-\d\d-)\d{1,4}([-/.])\d{1,2}\1\d{1,4}.*",
        "dates in another form than 2024-12-31",
        "write them in this form, then dataset.dates=true converts them to numbers",
        True,
    ),
    (r"\W?[^\w\s]?\s?\d+([.,]\d+)?\s?[^\d.,]{0,5}", "signs or units next to numbers", _NO_OPTION, False),
)
"""How numbers and dates are written: a pattern, its name, the option that reads it, and whether one value suffices."""


def explain_refusal(name: str, column: pd.Series[Any], is_dates: bool) -> str:
    """Describe a column that is not numbers: what it has, where, and which option reads it."""
    texts = column.dropna().astype(str)
    if is_dates:
        return _described("dates", column, texts.iloc[0], "dataset.dates=true converts them to numbers")
    if not isinstance(column.dropna().iloc[0], str):
        kind = type(column.dropna().iloc[0]).__name__
        return _described(kind, column, texts.iloc[0], "no option converts these to numbers")
    words = texts[pd.to_numeric(texts, errors="coerce").isna()]
    if words.empty:
        return _described("numbers with another decimal mark", column, texts.iloc[0], "dataset.decimal specifies it")
    if texts.nunique() > 1 and words.nunique() <= _MOST_WORDS and len(words) < len(texts) / 2:
        listed = ",".join(f'"{word}"' for word in words.unique())
        advice = f"'dataset.na_values=[{listed}]' reads these words as missing values"
        return _described("numbers and text", column, words.iloc[0], advice)
    for pattern, what, advice, is_any in _WRITTEN:
        fits = words.str.fullmatch(pattern)
        if fits.any() if is_any else fits.all():
            return _described(what, column, words[fits].iloc[0], advice)
    many = texts.nunique() > max(_MOST_CATEGORIES, len(texts) // 2)
    encode = f"dataset.encode=[{name}] turns it into columns of 0 and 1"
    advice = "it has too many different values for categories" if many else encode
    return _described("text", column, words.iloc[0], advice)


def _described(what: str, column: pd.Series[Any], example: str, advice: str) -> str:
    row = int((column.astype(str) == example).to_numpy().argmax())
    return f"{what}, such as {example!r} in row {row}: {advice}"
