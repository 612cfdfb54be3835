"""The metric that is ranked by over two options at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.reports.cells import summary_text
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, finite
from gradmix.reports.grouping import Summary
from gradmix.reports.scale import Scale

_MOST_NUMBERED = 150
"""Cells up to which each shows its number."""

Cells = Mapping[tuple[Any, Any], tuple[Summary, float | None]]
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
    facets: dict[tuple[Any, ...], dict[tuple[Any, Any], tuple[Summary, float | None]]] = {}
    for section in comparison.sections:
        scale = Scale(section, primary)
        for group in section.groups:
            summary, settings = group.summaries.get(primary.name), group.all_settings
            if summary is not None:
                cells = facets.setdefault(tuple(settings[key] for key in rest), {})
                best = section.groups[0].summaries[primary.name].estimate.median
                distance = finite(scale.distance(summary.estimate.median, best))
                cells[settings[wide], settings[high]] = (summary, distance)
    layout = {
        "xaxis": {"title": {"text": factors.short[wide]}, "type": "category"},
        "yaxis": {"title": {"text": factors.short[high]}, "type": "category", "autorange": "reversed"},
    }
    variants = []
    for facet, cells in list(facets.items())[:MOST_VARIANTS]:
        across = [value for value in factors.values[wide] if any(x == value for x, _ in cells)]
        down = [value for value in factors.values[high] if any(y == value for _, y in cells)]
        if len(across) > 1 and len(down) > 1:
            name = factors.label(dict(zip(rest, facet, strict=True))) if rest else ""
            variants.append(Variant(name, [_heat(cells, across, down, primary)], layout))
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
        "type": "heatmap",
        "x": [text_of(value) for value in across],
        "y": [text_of(value) for value in down],
        "z": [[cells[x, y][1] if (x, y) in cells else None for x in across] for y in down],
        "text": grid(plain=True),
        "customdata": grid(plain=False),
        "texttemplate": "%{text}" if len(across) * len(down) <= _MOST_NUMBERED else "",
        "hovertemplate": "%{x}, %{y}<br>%{customdata}<extra></extra>",
        "colorscale": "Cividis",
        "zmin": 0,
        "zmax": min(behind[-1], 3 * behind[2 * len(behind) // 5]) if behind else 1.0,
        "colorbar": {"title": {"text": "from the best", "side": "right"}, "thickness": 12},
        "xgap": 2,
        "ygap": 2,
    }
