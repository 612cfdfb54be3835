"""The metric that is ranked by over two options at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.reports.cells import summary_text
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.distance import distance, reach
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, finite, setting_of
from gradmix.reports.grouping import Group, Section

Values = tuple[Any, ...]


def heat_map(comparison: Comparison) -> Figure | None:
    """Medians over the two options with the most values; the rest as views."""
    primary = comparison.primary
    keys = _two_widest(comparison)
    if primary is None or primary.better is None or keys is None:
        return None
    facets: dict[Values, list[tuple[Section, Group]]] = {}
    rest = [key for key in (*comparison.factors.given, *comparison.factors.choices) if key not in keys]
    for section in comparison.sections:
        for group in section.groups:
            if primary.name in group.summaries:
                facet = tuple(setting_of(group, key) for key in rest)
                facets.setdefault(facet, []).append((section, group))
    variants = [
        Variant(
            comparison.factors.label(dict(zip(rest, facet, strict=True))) if rest else "",
            [_heat(comparison, cells, keys, primary)],
            {
                "xaxis": {"title": {"text": comparison.factors.short[keys[0]]}, "type": "category"},
                "yaxis": {
                    "title": {"text": comparison.factors.short[keys[1]]},
                    "type": "category",
                    "autorange": "reversed",
                },
            },
        )
        for facet, cells in list(facets.items())[:MOST_VARIANTS]
        if all(len({setting_of(group, key) for _, group in cells}) > 1 for key in keys)
    ]
    short = [comparison.factors.short[key] for key in keys]
    where = (
        " of the same " + " and ".join(comparison.factors.short[k] for k in comparison.factors.given)
        if comparison.factors.given
        else ""
    )
    note = (
        f"Medians; the darker, the nearer to the best{where}. The lightest colour stands for all that are further away."
    )
    return Figure("heat", f"{primary.name} over {short[1]} and {short[0]}", note, variants)


def _two_widest(comparison: Comparison) -> tuple[str, str] | None:
    """The two varying keys with the most values, the wider one first; choices before what was given."""
    factors = comparison.factors
    keys = [key for key in (*factors.choices, *factors.given) if len(factors.values[key]) > 1]
    if len(keys) < 2:
        return None
    pool = list(factors.choices) if len(factors.choices) >= 2 else keys
    first, second = sorted(pool, key=lambda key: -len(factors.values[key]))[:2]
    return first, second


def _heat(
    comparison: Comparison, cells: Sequence[tuple[Section, Group]], keys: tuple[str, str], metric: Meaning
) -> Trace:
    across = [
        value for value in comparison.factors.values[keys[0]] if any(setting_of(g, keys[0]) == value for _, g in cells)
    ]
    down = [
        value for value in comparison.factors.values[keys[1]] if any(setting_of(g, keys[1]) == value for _, g in cells)
    ]
    at = {(setting_of(group, keys[0]), setting_of(group, keys[1])): (section, group) for section, group in cells}
    distance = [[_distance_at(at.get((x, y)), metric) for x in across] for y in down]
    texts = [[_text_at(at.get((x, y)), metric) for x in across] for y in down]
    full = [[_text_at(at.get((x, y)), metric, plain=False) for x in across] for y in down]
    return {
        "type": "heatmap",
        "x": [text_of(value) for value in across],
        "y": [text_of(value) for value in down],
        "z": distance,
        "text": texts,
        "customdata": full,
        "texttemplate": "%{text}" if len(across) * len(down) <= 150 else "",
        "hovertemplate": "%{x}, %{y}<br>%{customdata}<extra></extra>",
        "colorscale": "Cividis",
        "zmin": 0,
        "zmax": reach([each for row in distance for each in row if each is not None]),
        "colorbar": {"title": {"text": "from the best", "side": "right"}, "thickness": 12},
        "xgap": 2,
        "ygap": 2,
    }


def _distance_at(cell: tuple[Section, Group] | None, metric: Meaning) -> float | None:
    if cell is None:
        return None
    section, group = cell
    best = min(
        (each.summaries[metric.name].estimate.median for each in section.groups if metric.name in each.summaries),
        key=lambda value: value * metric.sign,
    )
    return finite(distance(group.summaries[metric.name].estimate.median, best, metric))


def _text_at(cell: tuple[Section, Group] | None, metric: Meaning, plain: bool = True) -> str:
    if cell is None:
        return ""
    return summary_text(cell[1].summaries[metric.name], metric, plain=plain)
