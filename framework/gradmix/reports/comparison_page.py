"""A comparison as one static page: the answer on the first screen, then plots, then every run.

The page holds all that it needs, plotly.js included, and is forbidden to load anything (by its content security
policy). The template escapes what comes from journals; what scripts read is JSON in which no tag can end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures import figures
from gradmix.reports.figures.styles import Styles
from gradmix.reports.run_rows import runs_table
from gradmix.reports.scale import Scale
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import EFFECT_COLUMNS, Ranking, effect_rows, effects_heading, ranking

_BESIDE = 3
"""Metrics in the ranked table beside the primary one, costs first; the table of runs has all."""
_ROW_STYLES = {"best": "is-best", "= best": "is-level", "≈ best": "is-level"}
_POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""Nothing may be loaded. plotly.js compiles its WebGL drawing by eval; no text of a journal comes near it."""


def write_page(comparison: Comparison, title: str, path: Path) -> None:
    """Write the page.

    Raises
    ------
    OSError
        If it cannot be written.
    StorageError
        If plotly.js is not where plotly installs it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(comparison, title, path.absolute().parent), encoding="utf-8")


def render(comparison: Comparison, title: str, folder: Path) -> str:
    """The page as text; links to runs are relative to the folder that the page is in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    drawn = figures(comparison)
    # traces are plain already, and too large to be copied
    plain = [{**vars(figure), "variants": [vars(variant) for variant in figure.variants]} for figure in drawn]
    data = {"figures": plain, "runs": runs_table(comparison, folder)}
    beside = sorted(comparison.metrics[1:], key=lambda metric: not metric.is_cost)[:_BESIDE]
    ranked = ranking(comparison, [*comparison.metrics[:1], *beside], n_full=1)
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=PackageLoader("gradmix.reports", "page"))
    return pages.get_template("page.html.j2").render(
        policy=_POLICY,
        title=title,
        counts=counts(comparison),
        constants=[(key, text_of(value)) for key, value in comparison.factors.constants.items()],
        headline=headline(comparison),
        primary=comparison.primary,
        ranking=ranked,
        n_given=len(comparison.factors.given),
        sections=_sections(comparison, ranked, comparison.primary) if comparison.primary else [],
        effects_heading=effects_heading(comparison),
        effect_columns=EFFECT_COLUMNS,
        effects=effect_rows(comparison),
        style=Markup(_source("page.css")),
        data=Markup(json_for_script(data)),
        plotly=Markup(_plotly() if drawn else ""),
        script=Markup(_source("page.js")),
    )


def _sections(comparison: Comparison, ranked: Ranking, primary: Meaning) -> list[Mapping[str, Any]]:
    """The rows of the ranking by what was given, each with its dot and its interval on a scale, in per cent."""
    styles, left = Styles(comparison), iter(ranked.rows)
    sections: list[Mapping[str, Any]] = []
    for section in comparison.sections:
        scale, rows = Scale(section, primary), []
        for row in islice(left, len(section.groups)):
            summary = row.group.summaries.get(primary.name)
            found = summary.estimate if summary else None
            dot = scale.at(found.median) if found else None
            low, high = sorted(scale.end(value) for value in (found.low, found.high)) if found else (0.0, 0.0)
            rows.append(
                {
                    "cells": row.cells,
                    "style": _ROW_STYLES.get(row.mark, ""),
                    "color": styles.color(row.group),
                    "dot": dot,
                    "line": (low, high - low),
                    "is_off_scale": found is not None and dot is None,
                }
            )
        label = comparison.factors.label(section.given) if section.given else ""
        sections.append({"given": label, "ends": scale.ends, "rows": rows})
    return sections


def json_for_script(value: Any) -> str:
    r"""JSON for a script element: finite numbers only, and no character that could end the element.

    >>> json_for_script({"label": "</script>", "value": float("nan")})
    '{"label":"\\u003c/script\\u003e","value":null}'
    """
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_only_finite(value), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _only_finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _only_finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_only_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _source(name: str) -> str:
    return (files("gradmix.reports") / "page" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """plotly.js, from the installed plotly, which is not imported for it."""
    spec = find_spec("plotly")
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if script is None or not script.exists():
        raise StorageError("plotly.js is missing: the page needs the package plotly; `pip install plotly` brings it.")
    return script.read_text(encoding="utf-8").replace("</script", "<\\/script")
