"""A comparison as one static page: the answer on the first screen, then plots, then every run.

Plots and tables are in the page before any script runs, so it can be read and printed without scripts; these add
tooltips, choices, filters and sorting. The content security policy forbids the page to load anything. The template
escapes text from journals; scripts read their data as JSON in which no tag can end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures import figures
from gradmix.reports.figures.looks import Styles
from gradmix.reports.figures.scale import Scale, scale_of
from gradmix.reports.run_rows import runs_table
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import EFFECT_COLUMNS, Ranking, effect_rows, effects_heading, ranking

_BESIDE = 3
"""Number of metrics in the ranked table besides the primary one, costs first; the table of runs has all metrics."""
_ROW_STYLES = {"best": "is-best", "= best": "is-level", "≈ best": "is-level"}
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""The content security policy: nothing may be loaded."""
_MARGIN = 5.0
"""Free margin on either side of the strip of dots, in per cent of its width."""
_INTERVAL = re.compile(r"(?<=\S) (?=[\[(])")


def write_page(comparison: Comparison, title: str, path: Path) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(comparison, title, path.absolute().parent), encoding="utf-8")


def page(comparison: Comparison, title: str, folder: Path) -> str:
    """Return the page for a folder, with links relative to that folder."""
    drawn, points = _drawn(comparison)
    beside = sorted(comparison.metrics[1:], key=lambda metric: not metric.is_cost)[:_BESIDE]
    ranked = ranking(comparison, [*comparison.metrics[:1], *beside], n_full=1 + len(beside))
    scales = [scale_of(section, comparison.primary) for section in comparison.sections if comparison.primary]
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=PackageLoader("gradmix.reports", "page"))
    source = files("gradmix.reports") / "page"
    return pages.get_template("page.html.j2").render(
        policy=_POLICY,
        title=title,
        counts=counts(comparison),
        constants=[(key, text_of(value)) for key, value in comparison.factors.constants.items()],
        headline=headline(comparison),
        primary=comparison.primary,
        ranking=ranked,
        legend=_legend(ranked, scales),
        n_given=len(comparison.factors.given),
        sections=list(_sections(comparison, ranked, scales, comparison.primary)) if comparison.primary else [],
        effects_heading=effects_heading(comparison),
        effect_columns=EFFECT_COLUMNS,
        effects=effect_rows(comparison),
        figures=drawn,
        runs=runs_table(comparison, folder),
        style=Markup((source / "page.css").read_text(encoding="utf-8")),
        data=points,
        script=Markup((source / "page.js").read_text(encoding="utf-8")),
    )


def _drawn(comparison: Comparison) -> tuple[list[Mapping[str, Any]], list[list[Mapping[str, Any]]]]:
    """Return the figures with their images, and the data of each view for scripts."""
    shown = figures(comparison)
    if not shown:
        return [], []
    from gradmix.reports.figures.svg import drawn

    made: list[Mapping[str, Any]] = []
    points = []
    for number, figure in enumerate(shown):
        views = [drawn(view, f"f{number}v{place}-") for place, view in enumerate(figure.views)]
        images = [
            {"name": view.name or figure.title, "image": Markup(image)}
            for view, (image, _) in zip(figure.views, views, strict=True)
        ]
        made.append({**vars(figure), "views": images})
        points.append([found for _, found in views])
    return made, points


def _legend(ranked: Ranking, scales: list[Scale]) -> str:
    stretched = "the scale is stretched near the best"
    kinds = {
        "logarithmic scale": any(each.is_log for each in scales),
        stretched: any(each.is_stretched for each in scales),
    }
    return " · ".join([ranked.legend, *(words for words, is_used in kinds.items() if is_used)])


def _sections(
    comparison: Comparison, ranked: Ranking, scales: list[Scale], primary: Meaning
) -> Iterator[Mapping[str, Any]]:
    """Return the rows of the ranking by section, each with its dot and interval as per cent of the scale."""
    styles = Styles(comparison)
    for section, ranks, scale in zip(comparison.sections, ranked.sections, scales, strict=True):
        rows = []
        for row in ranks:
            found = row.group.summaries.get(primary.name)
            low, high = sorted(_per_cent(scale.at(end)) for end in (found.low, found.high)) if found else (0.0, 0.0)
            rows.append(
                {
                    "cells": [
                        ([*_INTERVAL.split(text, 1), ""])[:2] if kind == "number" else (text, "")
                        for text, (_, kind) in zip(row.cells, ranked.columns, strict=True)
                    ],
                    "style": _ROW_STYLES.get(row.mark, ""),
                    "color": styles.color(row.group),
                    "dot": _per_cent(scale.at(found.median)) if found else None,
                    "line": (low, round(high - low, 2)),
                }
            )
        label = comparison.factors.label(section.given) if section.given else ""
        yield {"given": label, "ticks": [(_per_cent(place), text) for place, text in scale.ticks], "rows": rows}


def _per_cent(place: float) -> float:
    return round(_MARGIN + (100 - 2 * _MARGIN) * place, 2)
