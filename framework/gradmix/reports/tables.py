"""The ranking and the effects of a comparison as rows of text, for the terminal, Markdown and the page alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import ABSENT, text_of
from gradmix.reports.grouping import Group
from gradmix.reports.intervals import FEWEST, Estimate
from gradmix.reports.pairs import Difference, Verdict
from gradmix.reports.wording import measured

Kind = Literal["text", "number", "mark"]

EFFECT_COLUMNS = ("choice", "against", "metric", "difference", "evidence")
"""Columns of the table of effects."""

_ARROWS = {"lower": "↓", "higher": "↑", None: ""}
"""Better direction → arrow beside a metric's name."""


@dataclass(frozen=True)
class Row:
    """A group in the ranking: its mark from the comparison with the best, and the texts of all columns."""

    group: Group
    mark: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """The groups of a comparison, ranked.

    Columns have a name and a kind; `primary` is the index of the metric that ranks. The legend explains the arrows,
    brackets and marks that are used.
    """

    columns: Sequence[tuple[str, Kind]]
    primary: int
    sections: Sequence[Sequence[Row]]
    legend: str

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of all sections."""
        return [row for rows in self.sections for row in rows]


def ranking(
    comparison: Comparison,
    metrics: Sequence[Meaning],
    n_full: int,
    text: Callable[[Estimate | None, Meaning, bool], str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Ranking:
    """Return a row for each group with some metrics, the first `n_full` of them with their intervals.

    `text` formats a median of a metric, the last argument states whether without its interval; `units` has the units
    that are named in the head of a column instead.
    """
    text, units = text or summary_text, units or {}
    factors, is_ranked = comparison.factors, bool(comparison.ranked)
    before: list[tuple[str, Kind]] = [(factors.short[key], "text") for key in factors.given]
    before += [("", "number")] if is_ranked else []
    before += [*((factors.short[key], "text") for key in factors.choices), ("runs", "number")]
    after: list[tuple[str, Kind]] = [
        (f"{each.name} {_ARROWS[each.better] if each is comparison.primary else ''}".strip() + unit, "number")
        for each in metrics
        for unit in [f" ({units[each.name]})" if units.get(each.name) else ""]
    ]
    after[1:1] = [("vs best", "number"), ("", "mark")] if is_ranked else []
    sections: list[list[Row]] = []
    for section in comparison.sections:
        sections.append([])
        for rank, group in enumerate(section.groups, start=1):
            mark = "" if not section.is_ranked else group.versus_best.mark if group.versus_best else "best"
            cells = [text_of(value) for value in group.given.values()]
            cells += [str(rank) if section.is_ranked else ""] if is_ranked else []
            cells += [*map(text_of, group.settings.values()), runs_text(group)]
            values = [
                text(group.summaries.get(metric.name), metric, index >= n_full) + _other_n(group, metric)
                for index, metric in enumerate(metrics)
            ]
            values[1:1] = [versus(group.versus_best), mark] if is_ranked else []
            sections[-1].append(Row(group, mark, (*cells, *values)))
    legend = _legend(comparison, [row for rows in sections for row in rows], metrics[:n_full])
    return Ranking([*before, *after], len(before), sections, legend)


def _other_n(group: Group, metric: Meaning) -> str:
    """Return the number of values if it is not that of the runs: rounds of a timing, or runs without the metric."""
    found = group.summaries.get(metric.name)
    return f" (n = {found.n})" if found is not None and found.n != len(group.finished) else ""


def _legend(comparison: Comparison, rows: Sequence[Row], full: Sequence[Meaning]) -> str:
    summaries = [row.group.summaries[each.name] for row in rows for each in full if each.name in row.group.summaries]
    differences = [row.group.versus_best for row in rows if row.group.versus_best]
    spreads = {each.has_interval for each in summaries if each.low != each.high}
    marks = {row.mark for row in rows}
    better = comparison.primary.better if comparison.primary else None
    said = {
        f"{_ARROWS[better]} {better} is better": better is not None,
        "[ ] 95 % interval of the median": True in spreads,
        "no number counts as worst; – is the end of an interval that includes such runs": (
            any(each.n_broken for each in (*summaries, *(found.estimate for found in differences)))
        ),
        f"( ) smallest and largest: fewer than {FEWEST} values, or not repetitions": False in spreads,
        "≈ best: within noise of the best": "≈ best" in marks,
        "worse?: too few repetitions to be sure": "worse?" in marks,
        "mixed: better than the best in some pairs or conditions": "mixed" in marks,
        "evidence against it: slight up to 2, positive to 6, strong to 10, decisive above": any(
            each.strength for each in differences
        ),
        "no mark: not repeated, so the difference is as measured": any(
            each.verdict is Verdict.SINGLE and not each.strength for each in differences
        ),
    }
    return " · ".join(text for text, is_used in said.items() if is_used)


def effects_heading(comparison: Comparison) -> str:
    """Return the heading of the table of effects."""
    return "One choice at a time, all else being equal" if len(comparison.factors.choices) > 1 else "By pairs of runs"


def effect_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return a row for each value of each choice, compared with the best value, all else being equal."""
    said = comparison.factors.said
    return [
        (
            said(each.factor, each.value),
            said(each.factor, each.reference),
            each.difference.metric.name,
            versus(each.difference),
            evidence(each.difference),
        )
        for each in comparison.effects
    ]


def summary_text(found: Estimate | None, metric: Meaning, plain: bool = False) -> str:
    """Format a median with its interval: ``2314.3 [2314.1, 2315.0]``."""
    if found is None:
        return ""
    if not math.isfinite(found.median):
        return f"no number ({found.n_broken} of {found.n})"
    text = measured(found.median, metric.unit)
    low, high = (measured(end, metric.unit) if math.isfinite(end) else ABSENT for end in (found.low, found.high))
    if not plain and low != high:
        text += _interval(found, low, high)
    return f"{text}, {found.n_broken} no number" if found.n_broken else text


def _interval(found: Estimate, low: str, high: str) -> str:
    return f" [{low}, {high}]" if found.has_interval else f" ({low}, {high})"


def runs_text(group: Group) -> str:
    """Return the number of a group's finished runs, and of all its runs if some have no result."""
    finished = len(group.finished)
    return str(finished) if finished == len(group.runs) else f"{finished} of {len(group.runs)}"


def versus(found: Difference | None) -> str:
    """Format a difference or a ratio with its interval: ``+7.9 [7.1, 8.2]``, ``×1.83``."""
    if found is None:
        return ""
    if found.n == 0:
        return "no pairs"
    if found.verdict is Verdict.EQUAL:
        return "equal"
    if not found.is_finite:
        return ""
    between = found.estimate
    sign = "×" if found.is_ratio else "+" if between.median > 0 else ""
    text = f"{sign}{_amount(between.median, found)}"
    is_range = not found.is_unvarying and (between.has_interval or found.n_conditions > 1)
    low, high = (_amount(end, found) for end in (between.low, between.high))
    return text + _interval(between, low, high) if is_range else text


def _amount(value: float, found: Difference) -> str:
    """Format a difference with its unit, or a ratio; a dash for the open end of an interval with no number."""
    if not math.isfinite(value) or (found.is_ratio and value == 0):
        return ABSENT
    if found.is_ratio:
        return f"{value:.3g}" if 0.001 < value < 1e4 else f"{value:.1e}"
    unit = found.metric.unit
    return measured(value if unit in ("s", "B") else float(f"{value:.3g}"), unit)


def evidence(found: Difference) -> str:
    """Describe the evidence for a difference: ``worse, 8 pairs, the same in each``."""
    verdict, n_broken = found.verdict, found.estimate.n_broken
    broken = f", {n_broken} without a number" if n_broken else ""
    if found.n_conditions > 1:
        n_level = found.n_conditions - found.n_worse - found.n_better
        counts = {"worse in": found.n_worse, "better in": found.n_better, "level in": n_level}
        said = ", ".join(f"{words} {n}" for words, n in counts.items() if n)
        return f"{said} of {found.n_conditions} conditions{broken}"
    if found.strength:
        return f"{found.strength} evidence {'against' if found.is_worse else 'for'} it"
    if verdict is Verdict.SINGLE:
        return f"as measured, not repeated{broken}"
    pairs = f"{found.n} pair{'s' if found.n != 1 else ''}"
    same = ", the same in each" if found.is_unvarying and found.n > 1 and verdict is not Verdict.EQUAL else ""
    return f"{verdict.words}{pairs}{same}{broken}"
