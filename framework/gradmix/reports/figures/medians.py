"""Figures of medians over options: a heat map over two options, and lines over a numeric option."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.figure import Axis, Figure, Grid, Series, View, axis, figure_of, near_best, spread_axis
from gradmix.reports.figures.looks import Styles
from gradmix.reports.figures.scale import Scale
from gradmix.reports.grouping import Group, Section
from gradmix.reports.intervals import Estimate
from gradmix.reports.tables import summary_text

_MOST_NUMBERED = 150
"""Up to this many cells, each shows its number."""
_LONGEST_NAME = 28
_FEWEST_FOR_LINE = 3

Facet = tuple[tuple[str, Any], ...]
Cells = Mapping[tuple[Any, Any], tuple[Estimate, float]]
"""Values of both options → the estimate and its shade."""


def heat_map(comparison: Comparison) -> Figure | None:
    """Draw medians over the two options with the most values, choices before given ones; the others become views."""
    factors, primary = comparison.factors, comparison.primary
    keys = [key for key in (*factors.choices, *factors.given) if len(factors.values[key]) > 1]
    if primary is None or primary.better is None or len(keys) < 2:
        return None
    pool = factors.choices if len(factors.choices) >= 2 else keys
    wide, high = sorted(pool, key=lambda key: -len(factors.values[key]))[:2]
    rest = [key for key in (*factors.given, *factors.choices) if key not in (wide, high)]
    is_shared = not {wide, high} & {*factors.given}
    facets: dict[Facet, dict[tuple[Any, Any], tuple[Estimate, float]]] = {}
    scales: dict[Facet, Scale] = {}
    for section, (scale, relative) in zip(
        comparison.sections, _scales(comparison.sections, primary, is_shared), strict=True
    ):
        for group in section.groups:
            found, settings = group.summaries.get(primary.name), {**group.given, **group.settings}
            if found is not None:
                facet = tuple((key, settings[key]) for key in rest)
                shade = scale.at(relative(found.median))
                facets.setdefault(facet, {})[settings[wide], settings[high]] = (found, shade)
                scales[facet] = scale
    views = []
    for facet, cells in facets.items():
        across = [value for value in factors.values[wide] if any(x == value for x, _ in cells)]
        down = [value for value in factors.values[high] if any(y == value for _, y in cells)]
        if len(across) > 1 and len(down) > 1:
            label = f"{primary.name}, {primary.better} is better"
            if not is_shared:
                label = f"{primary.name}, {'times the best' if primary.by_ratio else 'behind the best'}"
            grid = _grid(cells, across, down, primary, scales[facet].ticks, label)
            view = View(_named(comparison, facet), Axis(factors.short[wide]), Axis(factors.short[high]), grid=grid)
            views.append(view)
    note = f"{_results(comparison)}; the darker, the better."
    if not is_shared:
        note = f"{note[:-1]}, against the best of the same {' and '.join(factors.short[key] for key in factors.given)}."
    return figure_of("heat", f"{primary.name} over {factors.short[high]} and {factors.short[wide]}", note, views)


def _scales(
    sections: Sequence[Section], metric: Meaning, is_shared: bool
) -> list[tuple[Scale, Callable[[float], float]]]:
    """Return for each section its scale, and the function from a median to a value on the scale.

    If sections have separate views, the values are the medians. If sections share a view, the values are differences
    from, or ratios to, the best median of the section.
    """
    medians = [
        [group.summaries[metric.name].median for group in section.groups if metric.name in group.summaries]
        for section in sections
    ]
    if is_shared:
        return [(Scale(values, metric), float) for values in medians]
    sign = metric.sign or 1.0
    bests = [min(filter(math.isfinite, values), key=lambda value: value * sign, default=0.0) for values in medians]
    positive = [value for values in medians for value in values if 0 < value < math.inf]
    floor = min(positive, default=1.0) / 10  # an exact result is not infinitely better than an almost exact one

    def relative_to(best: float) -> Callable[[float], float]:
        if metric.by_ratio:
            return lambda value: (max(value, floor) / max(best, floor)) ** sign
        return lambda value: (value - best) * sign

    relatives = [relative_to(best) for best in bests]
    behind = [relative(value) for relative, values in zip(relatives, medians, strict=True) for value in values]
    scale = Scale(behind, replace(metric, better="lower", unit="" if metric.by_ratio else metric.unit))
    return [(scale, relative) for relative in relatives]


def _grid(
    cells: Cells, across: list[Any], down: list[Any], metric: Meaning, ticks: Sequence[tuple[float, str]], label: str
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
        ticks=ticks,
        label=label,
    )


def by_option(comparison: Comparison, styles: Styles) -> Figure | None:
    """Draw medians over the numeric option with the most values, with a line for each combination of other choices."""
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
    views, near = [], []
    for metric in [*comparison.metrics[:1], *(each for each in comparison.metrics[1:] if each.name == TIME.name)]:
        for facet, members in facets.items():
            series = _lines(styles, members, key, metric)
            if series:
                xs = {value for each in series for value in each.x}
                ys = {value for each in series for value in each.y}
                name = _named(comparison, facet, metric.name)
                view = View(name, spread_axis(factors.short[key], xs), axis(metric, ys), series)
                views.append(view)
                near += near_best(view, metric, ys)
    estimates = [found for group in comparison.groups for found in group.summaries.values()]
    intervals = ", with 95 % intervals" if any(found.has_interval for found in estimates) else ", without intervals"
    return figure_of("option", f"By {factors.short[key]}", f"{_results(comparison)}{intervals}.", [*views, *near])


def _lines(styles: Styles, groups: Sequence[Group], key: str, metric: Meaning) -> list[Series]:
    """Return a line for each combination of the other choices, with the medians on it in the looks of their groups."""
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
    """Return a value as the name of a row or a column."""
    text = text_of(value)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _named(comparison: Comparison, facet: Facet, *names: str) -> str:
    return " · ".join([*names, *([comparison.factors.label(dict(facet))] if facet else [])])


def _with_n(found: Estimate, metric: Meaning, plain: bool = False) -> str:
    return summary_text(found, metric, plain) if plain else f"{summary_text(found, metric)}, n = {found.n}"


def _results(comparison: Comparison) -> str:
    """Describe the values shown and the number of runs behind each: ``Medians of n = 8``."""
    primary = comparison.primary
    if primary is None:
        return "Medians"
    numbers = sorted({each.summaries[primary.name].n for each in comparison.groups if primary.name in each.summaries})
    if numbers == [1]:
        return "Single results (n = 1)"
    return f"Medians of n = {numbers[0]}" + (f" to {numbers[-1]}" if len(numbers) > 1 else "") if numbers else "Medians"
