"""A comparison as one static page: the answer on the first screen, then plots, then every run.

The page holds all that it needs, plotly.js included, and is forbidden to load anything (by its content security
policy). The template escapes what comes from journals; what scripts read is JSON in which no tag can end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradmix.contracts.errors import StorageError
from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.figures import figures
from gradmix.reports.figures.figure import Scale, Styles
from gradmix.reports.run_rows import runs_table
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import EFFECT_COLUMNS, Ranking, effect_rows, effects_heading, ranking

_BESIDE = 3
"""Metrics in the ranked table beside the primary one, costs first; the table of runs has all."""
_ROW_STYLES = {"best": "is-best", "= best": "is-level", "≈ best": "is-level"}
_POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""Nothing may be loaded. plotly.js compiles its WebGL drawing by eval; no text of a journal comes near it."""


def write_page(comparison: Comparison, title: str, path: Path) -> None:
    """Write the page; if plotly.js is not where plotly installs it, that is a `StorageError`."""
    drawn = figures(comparison)
    data = {"figures": [vars(figure) for figure in drawn], "runs": runs_table(comparison, path.absolute().parent)}
    beside = sorted(comparison.metrics[1:], key=lambda metric: not metric.is_cost)[:_BESIDE]
    ranked = ranking(comparison, [*comparison.metrics[:1], *beside], n_full=1)
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=PackageLoader("gradmix.reports", "page"))
    source = files("gradmix.reports") / "page"
    text = pages.get_template("page.html.j2").render(
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
        style=Markup((source / "page.css").read_text(encoding="utf-8")),
        data=Markup(json_for_script(data)),
        plotly=Markup(_plotly() if drawn else ""),
        script=Markup((source / "page.js").read_text(encoding="utf-8")),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _sections(comparison: Comparison, ranked: Ranking, primary: Meaning) -> Iterator[Mapping[str, Any]]:
    """The rows of the ranking by what was given, each with its dot and its interval on a scale, in per cent."""
    styles, left = Styles(comparison), iter(ranked.rows)
    for section in comparison.sections:
        scale, rows = Scale(section, primary), []
        for row in islice(left, len(section.groups)):
            found = row.group.summaries.get(primary.name)
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
        yield {"given": label, "ends": scale.ends, "rows": rows}


def json_for_script(value: Any) -> str:
    r"""JSON for a script element: finite numbers only, and no character that could end the element.

    >>> json_for_script({"label": "</script>", "value": float("nan")})
    '{"label":"\\u003c/script\\u003e","value":null}'
    """
    to_json = partial(json.dumps, allow_nan=False, separators=(",", ":"))
    try:
        text = to_json(value)
    except ValueError:
        text = to_json(json.loads(json.dumps(value), parse_constant=lambda name: None))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plotly() -> str:
    """plotly.js, from the installed plotly, which is not imported for it."""
    spec = find_spec("plotly")
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if script is None or not script.exists():
        raise StorageError("plotly.js is missing: the page needs the package plotly; `pip install plotly` brings it.")
    return script.read_text(encoding="utf-8").replace("</script", "<\\/script")
