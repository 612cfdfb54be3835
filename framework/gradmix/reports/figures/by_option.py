"""Metrics over a numeric option: a line for each combination of the other choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.reports.cells import summary_text
from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, axis, finite, log_scale, view
from gradmix.reports.figures.styles import OTHERS, PALETTE, SYMBOLS
from gradmix.reports.grouping import Group

_FEWEST_FOR_LINE = 3


def by_option(comparison: Comparison) -> Figure | None:
    """Medians over the numeric option with the most values."""
    factors = comparison.factors
    counts = {
        key: sum(isinstance(value, int | float) for value in factors.values[key])
        for key in (*factors.choices, *factors.given)
    }
    key = max(counts, key=lambda each: counts[each], default="")
    if counts.get(key, 0) < _FEWEST_FOR_LINE:
        return None
    rest = [each for each in factors.given if each != key]
    groups = comparison.groups
    facets: dict[tuple[Any, ...], list[Group]] = {}
    for group in groups:
        facets.setdefault(tuple(group.given[each] for each in rest), []).append(group)
    variants = []
    for metric in [*comparison.metrics[:1], *(each for each in comparison.metrics[1:] if each.name == TIME.name)]:
        for given, members in facets.items():
            traces = _lines(comparison, members, key, metric)
            if traces:
                xs, ys = ({value for trace in traces for value in trace[each]} for each in "xy")
                xaxis: dict[str, Any] = {"title": {"text": factors.short[key]}}
                xaxis |= log_scale(xs) if min(xs) > 0 and max(xs) >= 50 * min(xs) else {}
                settings = dict(zip(rest, given, strict=True))
                variants.append(view(comparison, metric.name, settings, traces, xaxis, axis(metric, ys)))
    has_intervals = any(summary.estimate.has_interval for group in groups for summary in group.summaries.values())
    note = "Medians, with their 95 % intervals." if has_intervals else "Medians; too few runs for intervals."
    return Figure("option", f"By {factors.short[key]}", note, variants[:MOST_VARIANTS])


def _lines(comparison: Comparison, groups: Sequence[Group], key: str, metric: Meaning) -> list[Trace]:
    lines: dict[tuple[Any, ...], list[tuple[float, Group]]] = {}
    others = [each for each in comparison.factors.choices if each != key]
    for group in groups:
        x = group.all_settings[key]
        if isinstance(x, int | float) and metric.name in group.summaries:
            lines.setdefault(tuple(group.settings[each] for each in others), []).append((x, group))
    traces = []
    for index, (values, members) in enumerate(lines.items()):
        members.sort(key=lambda member: member[0])
        summaries = [group.summaries[metric.name] for _, group in members]
        found = [summary.estimate for summary in summaries]
        if len(found) < 2 or not all(math.isfinite(each.median) for each in found):
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": comparison.factors.label(dict(zip(others, values, strict=True))),
                "x": [x for x, _ in members],
                "y": [each.median for each in found],
                "text": [summary_text(summary, metric) for summary in summaries],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [finite(each.high - each.median) or 0 for each in found],
                    "arrayminus": [finite(each.median - each.low) or 0 for each in found],
                    "thickness": 1.2,
                },
                "line": {"color": PALETTE[index] if index < len(PALETTE) else OTHERS},
                "marker": {"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8},
                "hovertemplate": "%{x}: %{text}",
            }
        )
    return traces
