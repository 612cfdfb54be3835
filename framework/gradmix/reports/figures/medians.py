"""Figures of medians over options: the metric that ranks over two at once, and metrics over a numeric one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.figure import Axis, Figure, Grid, Series, View, axis, figure_of, near_best, spread_axis
from gradmix.reports.figures.looks import Styles
from gradmix.reports.figures.scale import scale_of
from gradmix.reports.grouping import Group
from gradmix.reports.intervals import Estimate
from gradmix.reports.tables import summary_text

_MOST_NUMBERED = 150
"""Cells up to which each shows its number."""
_LONGEST_NAME = 28
_FEWEST_FOR_LINE = 3

Facet = tuple[tuple[str, Any], ...]
Cells = Mapping[tuple[Any, Any], tuple[Estimate, float]]
"""Values of both options → what was reached there, and its shade."""


def heat_map(comparison: Comparison) -> Figure | None:
    """Medians over the two options with the most values, choices before what was given; the rest as views."""
    factors, primary = comparison.factors, comparison.primary
    keys = [key for key in (*factors.choices, *factors.given) if len(factors.values[key]) > 1]
    if primary is None or primary.better is None or len(keys) < 2:
        return None
    pool = factors.choices if len(factors.choices) >= 2 else keys
    wide, high = sorted(pool, key=lambda key: -len(factors.values[key]))[:2]
    rest = [key for key in (*factors.given, *factors.choices) if key not in (wide, high)]
    facets: dict[Facet, dict[tuple[Any, Any], tuple[Estimate, float]]] = {}
    ticks: dict[Facet, Sequence[tuple[float, str]]] = {}
    for section in comparison.sections:
        scale = scale_of(section, primary)
        for group in section.groups:
            found, settings = group.summaries.get(primary.name), {**group.given, **group.settings}
            if found is not None:
                facet = tuple((key, settings[key]) for key in rest)
                facets.setdefault(facet, {})[settings[wide], settings[high]] = (found, scale.at(found.median))
                ticks[facet] = scale.ticks
    is_shared = not {wide, high} & {*factors.given}
    views = []
    for facet, cells in facets.items():
        across = [value for value in factors.values[wide] if any(x == value for x, _ in cells)]
        down = [value for value in factors.values[high] if any(y == value for _, y in cells)]
        if len(across) > 1 and len(down) > 1:
            grid = _grid(cells, across, down, primary, ticks[facet] if is_shared else ())
            view = View(_named(comparison, facet), Axis(factors.short[wide]), Axis(factors.short[high]), grid=grid)
            views.append(view)
    note = f"Medians{_counted(comparison)}; the darker, the better."
    if not is_shared:
        note += f" Shades run from best to worst for each {' and '.join(factors.short[key] for key in factors.given)}."
    return figure_of("heat", f"{primary.name} over {factors.short[high]} and {factors.short[wide]}", note, views)


def _grid(
    cells: Cells, across: list[Any], down: list[Any], metric: Meaning, ticks: Sequence[tuple[float, str]]
) -> Grid:
    def texts(plain: bool) -> list[list[str]]:
        return [[_with_n(cells[x, y][0], metric, plain) if (x, y) in cells else "" for x in across] for y in down]

    are_numbered = len(across) * len(down) <= _MOST_NUMBERED
    return Grid(
        across=[_short(value) for value in across],
        down=[_short(value) for value in down],
        shades=[[cells[x, y][1] if (x, y) in cells else None for x in across] for y in down],
        numbers=texts(plain=True) if are_numbered else [],
        texts=texts(plain=False),
        ticks=ticks or [(0.0, "best"), (1.0, "worst")],
        label=f"{metric.name}, {metric.better} is better" if ticks else "",
    )


def by_option(comparison: Comparison, styles: Styles) -> Figure | None:
    """Medians over the numeric option with the most values: a line for each combination of the other choices."""
    factors = comparison.factors
    counts = {
        key: sum(isinstance(value, int | float) for value in factors.values[key])
        for key in (*factors.choices, *factors.given)
    }
    key = max(counts, key=lambda each: counts[each], default="")
    if counts.get(key, 0) < _FEWEST_FOR_LINE:
        return None
    facets: dict[Facet, list[Group]] = {}
    for group in comparison.groups:
        facets.setdefault(tuple(item for item in group.given.items() if item[0] != key), []).append(group)
    views = []
    for metric in [*comparison.metrics[:1], *(each for each in comparison.metrics[1:] if each.name == TIME.name)]:
        for facet, members in facets.items():
            series = _lines(styles, members, key, metric)
            if series:
                xs = {value for each in series for value in each.x}
                ys = {value for each in series for value in each.y}
                name = _named(comparison, facet, metric.name)
                view = View(name, spread_axis(factors.short[key], xs), axis(metric, ys), series)
                views += [view, *near_best(view, metric, ys)]
    estimates = [found for group in comparison.groups for found in group.summaries.values()]
    intervals = ", with 95 % intervals" if any(found.has_interval for found in estimates) else "; too few for intervals"
    return figure_of("option", f"By {factors.short[key]}", f"Medians{_counted(comparison)}{intervals}.", views)


def _lines(styles: Styles, groups: Sequence[Group], key: str, metric: Meaning) -> list[Series]:
    """For each combination of the other choices a line, and on it the medians, each with the look of its group."""
    lines: dict[Facet, list[tuple[float, Group, Estimate]]] = {}
    for group in groups:
        x, found = {**group.given, **group.settings}[key], group.summaries.get(metric.name)
        if isinstance(x, int | float) and found is not None and math.isfinite(found.median):
            others = tuple(item for item in group.settings.items() if item[0] != key)
            lines.setdefault(others, []).append((x, group, found))
    series = []
    for others, members in lines.items():
        if len(members) < 2:
            continue
        members.sort(key=lambda member: member[0])
        look, entries = styles.of(dict(others))
        xs, ys = [x for x, _, _ in members], [found.median for _, _, found in members]
        series.append(Series(look, xs, ys, (), entries, joined=True, marks="none"))
        for x, group, found in members:
            ends = [end if math.isfinite(end) else found.median for end in (found.low, found.high)]
            text = f"{styles.label(group)}: {_with_n(found, metric)}"
            series.append(Series(styles.look(group), [x], [found.median], [text], entries, spans=[(ends[0], ends[1])]))
    return series


def _short(value: Any) -> str:
    """A value as the name of a row or a column."""
    text = text_of(value)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _named(comparison: Comparison, facet: Facet, *names: str) -> str:
    return " · ".join([*names, *([comparison.factors.label(dict(facet))] if facet else [])])


def _with_n(found: Estimate, metric: Meaning, plain: bool = False) -> str:
    return summary_text(found, metric, plain) if plain else f"{summary_text(found, metric)}, n = {found.n}"


def _counted(comparison: Comparison) -> str:
    """How many values medians are of: `` of n = 8``."""
    primary = comparison.primary
    if primary is None:
        return ""
    numbers = sorted({each.summaries[primary.name].n for each in comparison.groups if primary.name in each.summaries})
    return f" of n = {numbers[0]}" + (f" to {numbers[-1]}" if len(numbers) > 1 else "") if numbers else ""
