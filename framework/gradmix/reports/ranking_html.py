"""The ranked table of a page: a row for each group, with a bar for how far from the best it is, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from gradmix.contracts.meaning import COSTS, Meaning
from gradmix.reports.cells import better_text, mark, runs_text, summary_text, versus
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.distance import distance
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group, Section

_BESIDE = 3
"""Metrics in the ranked table beside the primary one, costs first; the table of runs has all."""
_CONTENDERS = 5
"""How many groups behind the best the bars tell apart; what is much worse is beyond their end."""


def ranking_html(comparison: Comparison) -> str:
    """The ranked table, with a bar and its interval for each group."""
    if comparison.primary is None:
        return ""
    styles = Styles(comparison)
    head = "".join(f'<th class="{kind}">{escape(name)}</th>' for name, kind in _columns(comparison))
    body = "".join(
        _section_head(comparison, section) + "".join(_rows(comparison, section, styles))
        for section in comparison.sections
    )
    return f'<table class="ranking"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _columns(comparison: Comparison) -> list[tuple[str, str]]:
    primary = comparison.primary
    assert primary is not None
    better = f", {better_text(primary)}" if primary.better else ""
    columns = [("", "number")] if comparison.is_ranked else []
    columns += [(comparison.factors.short[key], "") for key in comparison.factors.choices]
    columns += [("runs", "number"), (f"{primary.name}{better}", "bar"), ("median", "number")]
    columns += [("vs best", "number"), ("", "")] if comparison.is_ranked else []
    return columns + [(metric.name, "number") for metric in _beside(comparison)]


def _beside(comparison: Comparison) -> list[Meaning]:
    return sorted(comparison.metrics[1:], key=lambda metric: metric.name not in COSTS)[:_BESIDE]


def _section_head(comparison: Comparison, section: Section) -> str:
    if not section.given:
        return ""
    label = escape(comparison.factors.label(section.given))
    return f'<tr class="given"><th colspan="{len(_columns(comparison))}">{label}</th></tr>'


def _rows(comparison: Comparison, section: Section, styles: Styles) -> Iterable[str]:
    primary = comparison.primary
    assert primary is not None
    scale = _Scale(section, primary)
    for rank, group in enumerate(section.groups, start=1):
        color = styles.color(group)
        cells = [("number", str(rank) if section.is_ranked else "")] if comparison.is_ranked else []
        cells += [("", text_of(value)) for value in group.settings.values()]
        cells += [("number", runs_text(group))]
        before = "".join(_cell(kind, text) for kind, text in cells)
        summary = group.summaries.get(primary.name)
        after = [("number", summary_text(summary, primary))]
        if comparison.is_ranked:
            verdict = mark(group, section.is_ranked)
            after += [("number", versus(group.versus_best)), ("mark", verdict)]
        for metric in _beside(comparison):
            after.append(("number", summary_text(group.summaries.get(metric.name), metric, plain=True)))
        kind = {"best": "is-best", "= best": "is-level", "≈ best": "is-level"}.get(mark(group, section.is_ranked), "")
        yield (
            f'<tr class="{kind}">{before}<td class="bar">{scale.bar(group, color)}</td>'
            + "".join(_cell(name, text) for name, text in after)
            + "</tr>"
        )


def _cell(kind: str, text: str) -> str:
    return f'<td class="{kind}">{escape(text)}</td>'


class _Scale:
    """Where values stand in the bars of a section: the best at the left, far ones cut off at the right."""

    def __init__(self, section: Section, metric: Meaning) -> None:
        self.metric = metric
        found = [each.summaries[metric.name].estimate for each in section.groups if metric.name in each.summaries]
        ends = [end for each in found for end in (each.low, each.median, each.high) if math.isfinite(end)]
        self.best = min(ends, key=lambda value: value * (metric.sign or 1.0), default=0.0)
        medians = sorted(distance(each.median, self.best, metric) for each in found if math.isfinite(each.median))
        own = [distance(end, self.best, metric) for each in found[:1] for end in (each.low, each.high)]
        contenders = [each for each in medians[1:] if each > 0][:_CONTENDERS]
        reached = [min(1.3 * contenders[-1], 3 * contenders[len(contenders) // 2])] if contenders else []
        self.end = max([each for each in [*own, *reached] if math.isfinite(each)], default=0.0) or 1.0

    def at(self, value: float) -> float:
        """Place in per cent."""
        if not math.isfinite(value):
            return 100.0
        return min(100.0, 2 + 96 * distance(value, self.best, self.metric) / self.end)

    def bar(self, group: Group, color: str) -> str:
        """A dot for the median, a line for its interval."""
        summary = group.summaries.get(self.metric.name)
        if summary is None:
            return ""
        found = summary.estimate
        middle = self.at(found.median)
        left, right = sorted((self.at(found.low), self.at(found.high)))
        if middle >= 100.0:
            return f'<i class="beyond" style="color:{color}" title="far beyond">▸</i>'
        return (
            f'<i class="line" style="left:{left:.1f}%;width:{right - left:.1f}%;background:{color}"></i>'
            f'<i class="dot" style="left:{middle:.1f}%;background:{color}"></i>'
        )
