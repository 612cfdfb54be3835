"""Text from outside in Markdown: tables, and special characters that are shown instead of obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[bool] = ()) -> str:
    """Return a table in GitHub's Markdown. Columns of `numbers` are aligned to the right; the cells are Markdown, too.

    >>> print(table(["a", "b"], [["1", ""]], numbers=[True, False]))
    | a | b |
    | ---: | --- |
    | 1 |   |
    """
    ruler = ["---:" if is_number else "---" for is_number in numbers] or ["---"] * len(columns)
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in cells)} |" for cells in (columns, ruler, *rows))


def escaped(text: str) -> str:
    r"""Return a text on one line, with Markdown's special characters escaped.

    >>> print(escaped("n_init = 3 | *"))
    n\_init = 3 \| \*
    """
    plain = " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")  # MLflow shows the backslash in "\>"
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", plain)
