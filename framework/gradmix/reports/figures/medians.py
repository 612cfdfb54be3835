"""Figures of medians over options: the metric that ranks over two at once, and metrics over a numeric one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.figure import (
    MOST_VARIANTS,
    SYMBOLS,
    Figure,
    Scale,
    Trace,
    axis,
    color_of,
    finite,
    log_scale,
    view,
)
from gradmix.reports.grouping import Group
from gradmix.reports.intervals import Estimate
from gradmix.reports.tables import summary_text

_MOST_NUMBERED = 150
"""Cells up to which each shows its number."""
_FEWEST_FOR_LINE = 3

Cells = Mapping[tuple[Any, Any], tuple[Estimate, float | None]]
"""Values of both options → what was reached there, and how far that is from the best."""


def heat_map(comparison: Comparison) -> Figure | None:
    """Medians over the two options with the most values, choices before what was given; the rest as views."""
    factors, primary = comparison.factors, comparison.primary
    keys = [key for key in (*factors.choices, *factors.given) if len(factors.values[key]) > 1]
    if primary is None or primary.better is None or len(keys) < 2:
        return None
    pool = factors.choices if len(factors.choices) >= 2 else keys
    wide, high = sorted(pool, key=lambda key: -len(factors.values[key]))[:2]
    rest = [key for key in (*factors.given, *factors.choices) if key not in (wide, high)]
    facets: dict[tuple[tuple[str, Any], ...], dict[tuple[Any, Any], tuple[Estimate, float | None]]] = {}
    for section in comparison.sections:
        scale = Scale(section, primary)
        for group in section.groups:
            found, settings = group.summaries.get(primary.name), {**group.given, **group.settings}
            if found is not None:
                cells = facets.setdefault(tuple((key, settings[key]) for key in rest), {})
                distance = scale.distance(found.median, section.groups[0].summaries[primary.name].median)
                cells[settings[wide], settings[high]] = (found, finite(distance))
    xaxis = {"title": {"text": factors.short[wide]}, "type": "category"}
    yaxis = {"title": {"text": factors.short[high]}, "type": "category", "autorange": "reversed"}
    variants = []
    for facet, cells in list(facets.items())[:MOST_VARIANTS]:
        across = [value for value in factors.values[wide] if any(x == value for x, _ in cells)]
        down = [value for value in factors.values[high] if any(y == value for _, y in cells)]
        if len(across) > 1 and len(down) > 1:
            variants.append(view(factors, "", dict(facet), [_heat(cells, across, down, primary)], xaxis, yaxis))
    given = " and ".join(factors.short[key] for key in factors.given)
    where = f" of the same {given}" if given else ""
    note = (
        f"Medians; the darker, the nearer to the best{where}. The lightest colour stands for all that are further away."
    )
    return Figure("heat", f"{primary.name} over {factors.short[high]} and {factors.short[wide]}", note, variants)


def _heat(cells: Cells, across: list[Any], down: list[Any], metric: Meaning) -> Trace:
    def grid(plain: bool) -> list[list[str]]:
        return [[summary_text(cells[x, y][0], metric, plain) if (x, y) in cells else "" for x in across] for y in down]

    # a few bad values must not make all good ones look the same
    behind = sorted(distance for _, distance in cells.values() if distance)
    return {
        "x": [text_of(value) for value in across],
        "y": [text_of(value) for value in down],
        "z": [[cells[x, y][1] if (x, y) in cells else None for x in across] for y in down],
        "text": grid(plain=True),
        "customdata": grid(plain=False),
        "isNumbered": len(across) * len(down) <= _MOST_NUMBERED,
        "zmax": min(behind[-1], 3 * behind[2 * len(behind) // 5]) if behind else 1.0,
    }


def by_option(comparison: Comparison) -> Figure | None:
    """Medians over the numeric option with the most values: a line for each combination of the other choices."""
    factors = comparison.factors
    counts = {
        key: sum(isinstance(value, int | float) for value in factors.values[key])
        for key in (*factors.choices, *factors.given)
    }
    key = max(counts, key=lambda each: counts[each], default="")
    if counts.get(key, 0) < _FEWEST_FOR_LINE:
        return None
    facets: dict[tuple[tuple[str, Any], ...], list[Group]] = {}
    for group in comparison.groups:
        facets.setdefault(tuple(item for item in group.given.items() if item[0] != key), []).append(group)
    variants = []
    for metric in [*comparison.metrics[:1], *(each for each in comparison.metrics[1:] if each.name == TIME.name)]:
        for given, members in facets.items():
            traces = _lines(comparison, members, key, metric)
            if traces:
                xs, ys = ({value for trace in traces for value in trace[each]} for each in "xy")
                xaxis: dict[str, Any] = {"title": {"text": factors.short[key]}}
                xaxis |= log_scale(xs) if min(xs) > 0 and max(xs) >= 50 * min(xs) else {}
                variants.append(view(factors, metric.name, dict(given), traces, xaxis, axis(metric, ys)))
    has_intervals = any(found.has_interval for group in comparison.groups for found in group.summaries.values())
    note = "Medians, with their 95 % intervals." if has_intervals else "Medians; too few runs for intervals."
    return Figure("option", f"By {factors.short[key]}", note, variants[:MOST_VARIANTS])


def _lines(comparison: Comparison, groups: Sequence[Group], key: str, metric: Meaning) -> list[Trace]:
    lines: dict[tuple[tuple[str, Any], ...], list[tuple[float, Estimate]]] = {}
    for group in groups:
        x = {**group.given, **group.settings}[key]
        if isinstance(x, int | float) and metric.name in group.summaries:
            others = tuple(item for item in group.settings.items() if item[0] != key)
            lines.setdefault(others, []).append((x, group.summaries[metric.name]))
    traces = []
    for index, (others, members) in enumerate(lines.items()):
        members.sort(key=lambda member: member[0])
        found = [estimate for _, estimate in members]
        if len(found) < 2 or not all(math.isfinite(each.median) for each in found):
            continue
        traces.append(
            {
                "name": comparison.factors.label(dict(others)),
                "x": [x for x, _ in members],
                "y": [each.median for each in found],
                "text": [summary_text(each, metric) for each in found],
                "above": [finite(each.high - each.median) or 0 for each in found],
                "below": [finite(each.median - each.low) or 0 for each in found],
                "color": color_of(index),
                "symbol": SYMBOLS[index % len(SYMBOLS)],
            }
        )
    return traces
