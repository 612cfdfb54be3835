"""Tables for papers: one unit for each column, digits as the interval justifies, the best values in bold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gradmix.contracts import markdown
from gradmix.contracts.markdown import escaped
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.terminal import visible
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import follows_seed, text_of, value_of
from gradmix.reports.intervals import Estimate
from gradmix.reports.tables import Kind, ranking
from gradmix.reports.wording import UNITS, measured

_BESIDE = 2
"""Default number of metrics besides the primary one, costs first."""
_DIGITS = 3
"""Significant digits of the width of an interval."""
_MOST_DIGITS = 7
"""Largest number of significant digits of a median."""

_IS_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")


@dataclass(frozen=True)
class PaperTable:
    """A table: columns by name and kind, sections of rows, the best cells, and a legend."""

    columns: Sequence[tuple[str, Kind]]
    sections: Sequence[Sequence[Sequence[str]]]
    best: frozenset[tuple[int, int, int]] = field(default=frozenset())  # section, row, column
    legend: str = ""


def ranking_table(comparison: Comparison, all_metrics: bool) -> PaperTable:
    """Return the ranked groups: their numbers of runs, and the median of each metric with its interval."""
    metrics, found = _metrics(comparison, all_metrics), [group.summaries for group in comparison.groups]
    scales = {each.name: _scale([one[each.name].median for one in found if each.name in one], each) for each in metrics}

    def text(found: Estimate | None, metric: Meaning, plain: bool) -> str:
        return "" if found is None else _estimate_text(found, metric, scales[metric.name][1])

    ranked = ranking(comparison, metrics, len(metrics), text, {name: unit for name, (unit, _) in scales.items()})
    columns = _with_numbers(ranked.columns, [row.cells for row in ranked.rows])
    best = frozenset(
        (i, j, ranked.primary)
        for i, rows in enumerate(ranked.sections)
        for j, row in enumerate(rows)
        if row.mark.endswith("best")
    )
    legend = [ranked.legend, *(["bold: best, or indistinguishable from the best"] if best else [])]
    sections = [[row.cells for row in rows] for rows in ranked.sections]
    return PaperTable(columns, sections, best, " · ".join(filter(None, legend)))


def runs_table(comparison: Comparison, all_metrics: bool) -> PaperTable:
    """Return a row for every run: the factors, the metrics, and its status."""
    factors, metrics = comparison.factors, _metrics(comparison, all_metrics)
    keys = [key for key in factors.varying if not follows_seed(key, comparison.runs)]
    scales = [_scale([run.metrics.get(each.name, math.nan) for run in comparison.runs], each) for each in metrics]
    names = [f"{each.name} ({unit})" if unit else each.name for each, (unit, _) in zip(metrics, scales, strict=True)]
    columns: list[tuple[str, Kind]] = [(factors.short[key], "text") for key in keys]
    columns += [*((name, "number") for name in names), ("status", "text")]
    rows = [
        [
            *(text_of(value_of(run, key)) for key in keys),
            *(
                _number_text(run.metrics[each.name] / size, each) if each.name in run.metrics else ""
                for each, (_, size) in zip(metrics, scales, strict=True)
            ),
            run.status.replace("_", " "),
        ]
        for run in comparison.runs
    ]
    return PaperTable(_with_numbers(columns, rows), [rows])


def _with_numbers(columns: Sequence[tuple[str, Kind]], rows: Sequence[Sequence[str]]) -> list[tuple[str, Kind]]:
    """Return the columns; a column of an option whose values are all numbers is a column of numbers."""
    are_numbers = [all(_IS_NUMBER.fullmatch(row[place]) for row in rows) for place in range(len(columns))]
    return [(name, "number" if is_it else kind) for (name, kind), is_it in zip(columns, are_numbers, strict=True)]


def _metrics(comparison: Comparison, all_metrics: bool) -> list[Meaning]:
    first, others = comparison.metrics[:1], comparison.metrics[1:]
    return [*first, *(others if all_metrics else sorted(others, key=lambda each: not each.is_cost)[:_BESIDE])]


def _scale(values: Sequence[float], metric: Meaning) -> tuple[str, float]:
    """Return the unit that suits all values of a column, and its size."""
    usual = sorted(abs(value) for value in values if math.isfinite(value) and value)
    middle = usual[len(usual) // 2] if usual else 1.0
    return next((unit for unit in UNITS.get(metric.unit, ()) if middle >= unit[1]), (metric.unit, 1.0))


def _number_text(value: float, metric: Meaning) -> str:
    """Format a number without an interval; times and sizes have three digits.

    >>> from gradmix.contracts.meaning import TIME
    >>> _number_text(94.362, TIME), _number_text(1153.2, TIME)
    ('94.4', '1150')
    """
    return f"{float(f'{value:.3g}'):g}" if metric.unit in UNITS and math.isfinite(value) else measured(value)


def _estimate_text(found: Estimate, metric: Meaning, size: float) -> str:
    """Format a median with its interval, with digits as the interval's width justifies: ``2314.3 [2310.1, 2319.8]``."""
    if not math.isfinite(found.median):
        return "no number"
    values = [found.median / size, found.low / size, found.high / size]
    width = values[2] - values[1]
    largest = max(map(abs, values))
    if not math.isfinite(width) or width <= 10.0**-_MOST_DIGITS * largest:
        return _number_text(values[0], metric)
    decimals = min(_DIGITS - math.floor(math.log10(width)), _MOST_DIGITS - math.floor(math.log10(largest))) - 1
    median, low, high = (_rounded(value, decimals) for value in values)
    return f"{median} [{low}, {high}]" if found.has_interval else f"{median} ({low}, {high})"


def _rounded(value: float, decimals: int) -> str:
    """Format a number with so many decimals, in scientific notation if it is tiny.

    >>> _rounded(2314.2871, 1), _rounded(2314.2871, -2), _rounded(-3.14159e-12, 13)
    ('2314.3', '2300', '-3.1e-12')
    """
    if value and abs(value) < 1e-4:
        digits = max(0, decimals + math.floor(math.log10(abs(value))))
        return f"{value:.{digits}e}"
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def as_markdown(table: PaperTable, heading: str) -> str:
    """Return the table as GitHub's Markdown."""
    rows = [
        [f"**{escaped(cell)}**" if (i, j, k) in table.best else escaped(cell) for k, cell in enumerate(row)]
        for i, section in enumerate(table.sections)
        for j, row in enumerate(section)
    ]
    names, kinds = zip(*table.columns, strict=True)
    body = markdown.table([*map(escaped, names)], rows, [kind == "number" for kind in kinds])
    return "\n\n".join(filter(None, [body, escaped(table.legend), escaped(heading)])) + "\n"


def as_latex(table: PaperTable, heading: str) -> str:
    r"""Return the table as a ``tabular`` with the package booktabs, for ``\input``."""
    return "\n".join(_latex_lines(table, heading)) + "\n"


def _latex_lines(table: PaperTable, heading: str) -> Iterator[str]:
    yield r"% \usepackage{booktabs}"
    yield from (f"% {line}" for text in (heading, table.legend) for line in text.splitlines())
    letters = "".join("r" if kind == "number" else "l" for _, kind in table.columns)
    yield rf"\begin{{tabular}}{{@{{}}{letters}@{{}}}}"
    yield r"\toprule"
    yield " & ".join(_tex(name) for name, _ in table.columns) + r" \\"
    for i, section in enumerate(table.sections):
        yield r"\midrule"
        for j, row in enumerate(section):
            cells = [
                (_tex_number if kind == "number" else _tex)(cell)
                for cell, (_, kind) in zip(row, table.columns, strict=True)
            ]
            bold = [rf"\textbf{{{cell}}}" if (i, j, k) in table.best else cell for k, cell in enumerate(cells)]
            yield " & ".join(bold) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


_TEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # LaTeX would read a bracket after the end of a row as a distance
    "]": "{]}",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "–": "--",
    "…": r"\ldots{}",
    "µ": r"$\mu$",
    "\n": " ",
}
_NUMBER = re.compile(r"(?<![\w.])(-?)(\d[\d.]*)(?:e([+-])0*(\d+))?")


def _tex(text: str) -> str:
    r"""Escape text for LaTeX.

    >>> print(_tex("n_components=3 & 50 % of {a}"))
    n\_components=3 \& 50 \% of \{a\}
    """
    return "".join(_TEX.get(sign, sign) for sign in visible(text))


def _tex_number(text: str) -> str:
    r"""Write one or several numbers in LaTeX.

    >>> print(_tex_number("-1130.26 [-1131, 3.1e-12]"))
    $-$1130.26 {[}$-$1131, 3.1$\times$10$^{-12}${]}
    """

    def printed(found: re.Match[str]) -> str:
        minus, digits, sign, exponent = found.groups()
        power = rf"$\times$10$^{{{'-' if sign == '-' else ''}{exponent}}}$" if exponent else ""
        return ("$-$" if minus else "") + digits + power

    pieces, end = [], 0
    for found in _NUMBER.finditer(text):
        pieces += [_tex(text[end : found.start()]), printed(found)]
        end = found.end()
    return "".join(pieces) + _tex(text[end:])
