"""Medians with intervals and differences with what they rest on, as cells of a table and in sentences."""

from __future__ import annotations

import math

from gradmix.contracts.meaning import Meaning
from gradmix.reports.factors import ABSENT
from gradmix.reports.grouping import Group
from gradmix.reports.intervals import Estimate
from gradmix.reports.pairs import Difference, Verdict
from gradmix.reports.wording import measured


def summary_text(found: Estimate | None, metric: Meaning, plain: bool = False) -> str:
    """A median with its interval: ``2314.3 [2314.1, 2315.0]``."""
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
    """How many runs a group has; of how many, if some have no result."""
    finished = len(group.finished)
    return str(finished) if finished == len(group.runs) else f"{finished} of {len(group.runs)}"


def versus(found: Difference | None) -> str:
    """One against another, as a difference or a ratio: ``+7.9 [7.1, 8.2]``, ``×1.83``."""
    if found is None:
        return ""
    if found.estimate is None:
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
    """A difference with its unit, or a ratio; a dash for the open end of an interval, where a pair has no number."""
    if not math.isfinite(value) or (found.is_ratio and value == 0):
        return ABSENT
    if found.is_ratio:
        return f"{value:.3g}" if 0.001 < value < 1e4 else f"{value:.1e}"
    unit = found.metric.unit
    return measured(value if unit in ("s", "B") else float(f"{value:.3g}"), unit)


def evidence(found: Difference) -> str:
    """What a difference rests on: ``worse, 8 pairs, the same in each``."""
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
    return f"{verdict.words}{pairs}{same}{broken}"
