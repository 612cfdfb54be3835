"""The ranked table of a page: a row for each group, with its place on a scale and the interval there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.reports.cells import better_text, mark, runs_text, summary_text, versus
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group, Section
from gradmix.reports.wording import measured

_BESIDE = 3
"""Metrics in the ranked table beside the primary one, costs first; the table of runs has all."""
_CONTENDERS = 5
"""How many groups behind the best the scale tells apart; what is much worse is off it."""
_LEAST = 1e-17
"""What stands for zero on a logarithmic scale."""
_ROW_STYLES = {"best": "is-best", "= best": "is-level", "≈ best": "is-level"}


def ranking(comparison: Comparison) -> Mapping[str, Any] | None:
    """What the page's template needs for the ranked table; None if runs have no metric."""
    if comparison.primary is None:
        return None
    styles, sections = Styles(comparison), []
    for section in comparison.sections:
        scale = Scale(section, comparison.primary)
        rows = [_row(comparison, section, group, rank, scale, styles) for rank, group in enumerate(section.groups, 1)]
        label = comparison.factors.label(section.given) if section.given else ""
        sections.append({"given": label, "ends": scale.ends, "rows": rows})
    columns = _columns(comparison, comparison.primary)
    return {
        "columns": columns,
        "n_before": [kind for kind, _ in columns].index("bar"),
        "sections": sections,
        "is_reversed": comparison.primary.better == "higher",
    }


def _columns(comparison: Comparison, primary: Meaning) -> list[tuple[str, str]]:
    better = f", {better_text(primary)}" if primary.better else ""
    columns = [("number", "")] if comparison.is_ranked else []
    columns += [("", comparison.factors.short[key]) for key in comparison.factors.choices]
    columns += [("number", "runs"), ("bar", f"{primary.name}{better}"), ("number", "median")]
    columns += [("number", "vs best"), ("", "")] if comparison.is_ranked else []
    return columns + [("number", metric.name) for metric in _beside(comparison)]


def _beside(comparison: Comparison) -> list[Meaning]:
    return sorted(comparison.metrics[1:], key=lambda metric: not metric.is_cost)[:_BESIDE]


def _row(
    comparison: Comparison, section: Section, group: Group, rank: int, scale: Scale, styles: Styles
) -> Mapping[str, Any]:
    """A group's row: cells (class, text) on both sides of the dot, and places on the scale in per cent."""
    before = [("number", str(rank) if section.is_ranked else "")] if comparison.is_ranked else []
    before += [("", text_of(value)) for value in group.settings.values()]
    summary, verdict = group.summaries.get(scale.metric.name), mark(group, section.is_ranked)
    after = [("number", summary_text(summary, scale.metric))]
    after += [("number", versus(group.versus_best)), ("mark", verdict)] if comparison.is_ranked else []
    after += [
        ("number", summary_text(group.summaries.get(each.name), each, plain=True)) for each in _beside(comparison)
    ]
    dot = scale.at(summary.estimate.median) if summary else None
    ends = [scale.at(end) for end in (summary.estimate.low, summary.estimate.high)] if summary else []
    left, right = sorted(scale.edge if end is None else end for end in ends) if ends else (0.0, 0.0)
    return {
        "style": _ROW_STYLES.get(verdict, ""),
        "before": [*before, ("number", runs_text(group))],
        "after": after,
        "dot": dot,
        "line": (left, right - left),
        "is_off_scale": summary is not None and dot is None,
        "color": styles.color(group),
    }


class Scale:
    """Where values are on the scale of a section: from the best to the contenders, smaller ones to the left.

    Parameters
    ----------
    section
        The section.
    metric
        The metric that it is ranked by; on a logarithmic scale if values are best compared by their ratio.
    """

    def __init__(self, section: Section, metric: Meaning) -> None:
        self.metric = metric
        found = [each.summaries[metric.name].estimate for each in section.groups if metric.name in each.summaries]
        values = [value for each in found for value in (each.low, each.median, each.high) if math.isfinite(value)]
        self._is_log = metric.by_ratio and min(values, default=0.0) >= 0 and max(values, default=0.0) > 0
        place = self._place
        best = min(map(place, values), key=lambda value: value * (metric.sign or 1.0), default=0.0)
        behind = sorted(abs(place(each.median) - best) for each in found if math.isfinite(each.median))
        own = [abs(place(end) - best) for each in found[:1] for end in (each.low, each.high) if math.isfinite(end)]
        near = [each for each in behind if each > 0][:_CONTENDERS]
        reached = [min(1.3 * near[-1], 3 * near[len(near) // 2])] if near else []
        reach = max([*own, *reached], default=0.0) or 1.0
        self._low, self._high = (best - reach, best) if metric.better == "higher" else (best, best + reach)
        self.edge = 0.0 if metric.better == "higher" else 100.0
        self._has_values = bool(values)

    @property
    def _place(self) -> Callable[[float], float]:
        return (lambda value: math.log10(max(value, _LEAST))) if self._is_log else float

    @property
    def ends(self) -> tuple[str, str]:
        """The values at both ends of the scale; empty if there is nothing to show on it."""
        if not self._has_values:
            return ("", "")
        low, high = ((10**end if self._is_log else end) for end in (self._low, self._high))
        return measured(float(f"{low:.4g}"), self.metric.unit), measured(float(f"{high:.4g}"), self.metric.unit)

    def at(self, value: float) -> float | None:
        """Place in per cent; None off the scale."""
        if not math.isfinite(value):
            return None
        share = (self._place(value) - self._low) / (self._high - self._low)
        return 4 + 92 * share if -1e-9 <= share <= 1 + 1e-9 else None
