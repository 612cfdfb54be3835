"""A comparison's cells: medians with intervals, standings and marks, as tables show them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import ABSENT
from gradmix.reports.grouping import Group, Summary
from gradmix.reports.intervals import FEWEST
from gradmix.reports.pairs import Difference, Verdict
from gradmix.reports.wording import measured


def versus(found: Difference | None) -> str:
    """A group against the best, as a cell of a table: ``+7.9 [7.1, 8.2]``."""
    if found is None:
        return ""
    if found.estimate is None:
        return "no pairs"
    if found.verdict is Verdict.EQUAL:
        return "equal"
    if not found.is_finite:
        return ""
    text = amount(found.estimate.median, found, signed=True)
    if found.is_unvarying or not (found.estimate.has_interval or found.n_conditions > 1):
        return text
    ends = ", ".join(_end(value, found) for value in (found.estimate.low, found.estimate.high))
    return f"{text} [{ends}]" if found.estimate.has_interval else f"{text} ({ends})"


def _end(value: float, found: Difference) -> str:
    """An end of an interval; a dash where it is open, because in some pair one has no number."""
    is_open = not math.isfinite(value) or (found.is_ratio and value == 0)
    return ABSENT if is_open else amount(value, found)


def evidence(found: Difference) -> str:
    """What a difference rests on, as a cell of a table: ``worse, 8 pairs, the same in each``."""
    verdict, broken = found.verdict, f", {found.n_broken} without a number" if found.n_broken else ""
    if found.n_conditions > 1:
        n_level = found.n_conditions - found.n_worse - found.n_better
        counts = {"worse in": found.n_worse, "better in": found.n_better, "level in": n_level}
        said = ", ".join(f"{words} {n}" for words, n in counts.items() if n)
        return f"{said} of {found.n_conditions} conditions{broken}"
    if verdict is Verdict.SINGLE:
        return f"as measured, not repeated{broken}"
    pairs = f"{found.n} pair{'s' if found.n != 1 else ''}"
    same = ", the same in each" if found.is_unvarying and found.n > 1 and verdict is not Verdict.EQUAL else ""
    return f"{_EVIDENCE.get(verdict, '')}{pairs}{same}{broken}"


_EVIDENCE = {
    Verdict.NOISE: "within noise, ",
    Verdict.WORSE: "worse, ",
    Verdict.BETTER: "better, ",
    Verdict.LIKELY_WORSE: "worse in all, but too few for an interval: ",
    Verdict.LIKELY_BETTER: "better in all, but too few for an interval: ",
}

MARKS = {
    None: "best",
    Verdict.EQUAL: "= best",
    Verdict.NOISE: "≈ best",
    Verdict.WORSE: "worse",
    Verdict.BETTER: "mixed",
    Verdict.LIKELY_WORSE: "worse?",
    Verdict.LIKELY_BETTER: "mixed",
    Verdict.MIXED: "mixed",
    Verdict.SINGLE: "",
    Verdict.UNPAIRED: "?",
}
"""Verdict → a mark for a table; None is the best itself. What was not repeated has no mark: it is as measured."""


def mark(group: Group, is_ranked: bool = True) -> str:
    """How a group stands to the best, in a word."""
    if not is_ranked:
        return ""
    return MARKS[group.versus_best.verdict if group.versus_best else None]


def legend(comparison: Comparison, metrics: Sequence[Meaning]) -> str:
    """What arrows, brackets and marks mean, as far as they are used, in a table that shows some metrics in full."""
    groups = [group for section in comparison.sections for group in section.groups]
    shown = [group.summaries[each.name] for group in groups for each in metrics if each.name in group.summaries]
    full = {summary.estimate.has_interval for summary in shown if _spreads(summary)}
    used = {mark(group) for section in comparison.sections if section.is_ranked for group in section.groups}
    broken = any(summary.n_broken for summary in shown)
    versus_broken = any(group.versus_best.n_broken for group in groups if group.versus_best)
    is_single = any(group.versus_best and group.versus_best.verdict is Verdict.SINGLE for group in groups)
    direction = {"lower": "↓ lower is better", "higher": "↑ higher is better", None: ""}
    said = {
        direction[comparison.primary.better if comparison.primary else None]: True,
        "[ ] 95 % interval of the median": True in full,
        "no number counts as worst; – is the end of an interval that reaches there": broken or versus_broken,
        f"( ) smallest and largest: fewer than {FEWEST} values, or not repetitions": False in full,
        "≈ best: within noise of it": "≈ best" in used,
        "worse?: too few repetitions to be sure": "worse?" in used,
        "mixed: better than the best in some pairs or conditions": "mixed" in used,
        "no mark: not repeated, so the difference is as measured": is_single,
    }
    return " · ".join(text for text, is_used in said.items() if text and is_used)


def summary_text(summary: Summary | None, metric: Meaning, plain: bool = False) -> str:
    """A median with its interval, as a cell of a table: ``2314.3 [2314.1, 2315.0]``."""
    if summary is None:
        return ""
    found = summary.estimate
    if not math.isfinite(found.median):
        return f"no number ({summary.n_broken} of {found.n})"
    text = measured(found.median, metric.unit)
    low, high = (measured(end, metric.unit) if math.isfinite(end) else ABSENT for end in (found.low, found.high))
    if not plain and _spreads(summary) and low != high:
        text += f" [{low}, {high}]" if found.has_interval else f" ({low}, {high})"
    return f"{text}, {summary.n_broken} no number" if summary.n_broken else text


def amount(value: float, found: Difference, signed: bool = False) -> str:
    """A difference with its sign and unit, or a ratio: ``+7.9``, ``×1.83``."""
    if found.is_ratio:
        return ("×" if signed else "") + ratio_text(value)
    text = _rounded(value, found.metric.unit)
    return f"+{text}" if signed and value > 0 else text


def runs_text(group: Group) -> str:
    """How many runs a group has; of how many, if some have no result."""
    finished = len(group.finished)
    return str(finished) if finished == len(group.runs) else f"{finished} of {len(group.runs)}"


def better_text(metric: Meaning) -> str:
    """Which way is better."""
    return f"{metric.better} is better" if metric.better else ""


def _spreads(summary: Summary) -> bool:
    return summary.estimate.low != summary.estimate.high


def ratio_text(value: float) -> str:
    """A ratio, to three digits."""
    return f"{value:.3g}" if 0.001 < value < 1e4 else f"{value:.1e}"


def _rounded(value: float, unit: str) -> str:
    return measured(value if unit in ("s", "B") else float(f"{value:.3g}"), unit)
