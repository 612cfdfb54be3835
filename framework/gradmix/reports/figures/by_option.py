"""Metrics over a numeric option: a line for each combination of the other choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.reports.cells import summary_text
from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, axis, finite, log_scale, setting_of
from gradmix.reports.figures.styles import OTHERS, PALETTE, SYMBOLS
from gradmix.reports.grouping import Group

Values = tuple[Any, ...]

_FEWEST_FOR_LINE = 3


def by_option(comparison: Comparison) -> Figure | None:
    """Medians over the numeric option with the most values."""
    key = _numeric_option(comparison)
    if key is None:
        return None
    metrics = [*comparison.metrics[:1], *(metric for metric in comparison.metrics[1:] if metric.name == TIME.name)]
    rest = [each for each in comparison.factors.given if each != key]
    groups = [group for section in comparison.sections for group in section.groups]
    variants = []
    for metric in metrics:
        for given in dict.fromkeys(tuple(group.given[each] for each in rest) for group in groups):
            members = [
                g for g in groups if tuple(g.given[each] for each in rest) == given and metric.name in g.summaries
            ]
            traces = _option_lines(comparison, members, key, metric)
            if traces:
                xs = [x for trace in traces for x in trace["x"]]
                is_log = min(xs) > 0 and max(xs) >= 50 * min(xs)
                xaxis = {"title": {"text": comparison.factors.short[key]}, **(log_scale(xs) if is_log else {})}
                medians = {y for trace in traces for y in trace["y"]}
                name = " · ".join(
                    [metric.name, *([comparison.factors.label(dict(zip(rest, given, strict=True)))] if rest else [])]
                )
                variants.append(Variant(name, traces, {"xaxis": xaxis, "yaxis": axis(metric, medians)}))
    short = comparison.factors.short[key]
    has_intervals = any(summary.estimate.has_interval for group in groups for summary in group.summaries.values())
    note = "Medians, with their 95 % intervals." if has_intervals else "Medians; too few runs for intervals."
    return Figure("option", f"By {short}", note, variants[:MOST_VARIANTS])


def _numeric_option(comparison: Comparison) -> str | None:
    """The varying key with the most numbers."""
    counts = {
        key: sum(isinstance(value, int | float) for value in comparison.factors.values[key])
        for key in (*comparison.factors.choices, *comparison.factors.given)
    }
    widest = max(counts, key=lambda key: counts[key], default=None)
    return widest if widest is not None and counts[widest] >= _FEWEST_FOR_LINE else None


def _option_lines(comparison: Comparison, groups: Sequence[Group], key: str, metric: Meaning) -> list[Trace]:
    lines: dict[Values, list[Group]] = {}
    others = [each for each in comparison.factors.choices if each != key]
    for group in groups:
        if isinstance(setting_of(group, key), int | float):
            lines.setdefault(tuple(group.settings[each] for each in others), []).append(group)
    traces = []
    for index, (values, members) in enumerate(lines.items()):
        ordered = sorted(members, key=lambda group: setting_of(group, key))
        found = [group.summaries[metric.name].estimate for group in ordered]
        if len(found) < 2 or not all(math.isfinite(each.median) for each in found):
            continue
        color = PALETTE[index] if index < len(PALETTE) else OTHERS
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": comparison.factors.label(dict(zip(others, values, strict=True))),
                "x": [setting_of(group, key) for group in ordered],
                "y": [each.median for each in found],
                "text": [summary_text(group.summaries[metric.name], metric) for group in ordered],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [finite(each.high - each.median) or 0 for each in found],
                    "arrayminus": [finite(each.median - each.low) or 0 for each in found],
                    "thickness": 1.2,
                },
                "line": {"color": color},
                "marker": {"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8},
                "hovertemplate": "%{x}: %{text}",
            }
        )
    return traces
