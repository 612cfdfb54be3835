"""The ranking and the effects of a comparison as rows of text, for the terminal, Markdown and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gradmix.contracts.meaning import Meaning
from gradmix.reports.cells import evidence, runs_text, summary_text, versus
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.grouping import Group
from gradmix.reports.intervals import FEWEST
from gradmix.reports.pairs import Verdict

Kind = Literal["text", "number", "mark"]

EFFECT_COLUMNS = ("choice", "against", "metric", "difference", "evidence")
"""Columns of the table of effects."""

_ARROWS = {"lower": "↓", "higher": "↑", None: ""}
"""Which way is better, beside a metric's name."""


@dataclass(frozen=True)
class Row:
    """A group in the ranking: how it compares with the best, in a word, and the texts of all columns."""

    group: Group
    mark: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """The groups of a comparison, ranked.

    Columns have a name and a kind; `primary` is the index of the one that ranks. The legend says what arrows, brackets
    and marks mean, as far as they are used.
    """

    columns: Sequence[tuple[str, Kind]]
    primary: int
    rows: Sequence[Row]
    legend: str


def ranking(comparison: Comparison, metrics: Sequence[Meaning], n_full: int) -> Ranking:
    """Rows of the groups with some metrics, the first `n_full` of them with their intervals."""
    factors, is_ranked = comparison.factors, bool(comparison.ranked)
    before: list[tuple[str, Kind]] = [(factors.short[key], "text") for key in factors.given]
    before += [("", "number")] if is_ranked else []
    before += [*((factors.short[key], "text") for key in factors.choices), ("runs", "number")]
    after: list[tuple[str, Kind]] = [
        (f"{each.name} {_ARROWS[each.better]}".strip() if each is comparison.primary else each.name, "number")
        for each in metrics
    ]
    after[1:1] = [("vs best", "number"), ("", "mark")] if is_ranked else []
    rows = []
    for section in comparison.sections:
        for rank, group in enumerate(section.groups, start=1):
            verdict = group.versus_best.verdict if group.versus_best else None
            mark = "" if not section.is_ranked else verdict.mark if verdict else "best"
            cells = [text_of(value) for value in group.given.values()]
            cells += [str(rank) if section.is_ranked else ""] if is_ranked else []
            cells += [*map(text_of, group.settings.values()), runs_text(group)]
            values = [
                summary_text(group.summaries.get(metric.name), metric, plain=index >= n_full)
                for index, metric in enumerate(metrics)
            ]
            values[1:1] = [versus(group.versus_best), mark] if is_ranked else []
            rows.append(Row(group, mark, (*cells, *values)))
    return Ranking([*before, *after], len(before), rows, _legend(comparison, rows, metrics[:n_full]))


def _legend(comparison: Comparison, rows: Sequence[Row], full: Sequence[Meaning]) -> str:
    summaries = [row.group.summaries[each.name] for row in rows for each in full if each.name in row.group.summaries]
    differences = [row.group.versus_best for row in rows if row.group.versus_best]
    spreads = {each.has_interval for each in summaries if each.low != each.high}
    marks = {row.mark for row in rows}
    better = comparison.primary.better if comparison.primary else None
    said = {
        f"{_ARROWS[better]} {better} is better": better is not None,
        "[ ] 95 % interval of the median": True in spreads,
        "no number counts as worst; – is the end of an interval that reaches there": (
            sum(each.n_broken for each in summaries) + sum(each.n_broken for each in differences) > 0
        ),
        f"( ) smallest and largest: fewer than {FEWEST} values, or not repetitions": False in spreads,
        "≈ best: within noise of it": "≈ best" in marks,
        "worse?: too few repetitions to be sure": "worse?" in marks,
        "mixed: better than the best in some pairs or conditions": "mixed" in marks,
        "no mark: not repeated, so the difference is as measured": any(
            each.verdict is Verdict.SINGLE for each in differences
        ),
    }
    return " · ".join(text for text, is_used in said.items() if is_used)


def effects_heading(comparison: Comparison) -> str:
    """What the table of effects shows."""
    return "One choice at a time, all else being equal" if len(comparison.factors.choices) > 1 else "By pairs of runs"


def effect_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One choice at a time, all else being equal: each value against the best one."""
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
