"""A comparison as one static page: the answer on the first screen, then plots, then every run.

The page holds all that it needs, plotly.js included, and is forbidden to load anything (by its content security
policy). The template escapes what comes from journals; what scripts read is JSON in which no tag can end.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradmix.contracts.errors import StorageError
from gradmix.journal.reading import Run
from gradmix.reports.cells import legend
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of, value_of
from gradmix.reports.figures import figures
from gradmix.reports.figures.figure import Figure, axis_title
from gradmix.reports.links import mlflow_link
from gradmix.reports.ranking import ranking
from gradmix.reports.sentences import EFFECT_COLUMNS, counts, effect_rows, effects_heading, headline

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
    data = {"figures": [_plain_figure(figure) for figure in drawn], "runs": _runs_table(comparison, folder)}
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=PackageLoader("gradmix.reports", "page"))
    return pages.get_template("page.html.j2").render(
        policy=_POLICY,
        title=title,
        counts=counts(comparison),
        constants=[(key, text_of(value)) for key, value in comparison.factors.constants.items()],
        headline=headline(comparison),
        ranking=ranking(comparison),
        legend=legend(comparison, comparison.metrics[:1]),
        effects_heading=effects_heading(comparison),
        effect_columns=EFFECT_COLUMNS,
        effects=effect_rows(comparison),
        style=Markup(_source("page.css")),
        data=Markup(json_for_script(data)),
        plotly=Markup(_plotly() if drawn else ""),
        script=Markup(_source("page.js")),
    )


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


def _plain_figure(figure: Figure) -> Mapping[str, Any]:
    """A figure for JSON; its traces are plain already, and too large to be copied."""
    return {**vars(figure), "variants": [vars(variant) for variant in figure.variants]}


def _source(name: str) -> str:
    return (files("gradmix.reports") / "page" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """plotly.js, from the installed plotly, which is not imported for it."""
    spec = find_spec("plotly")
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if script is None or not script.exists():
        raise StorageError("plotly.js is missing: the page needs the package plotly; `pip install plotly` brings it.")
    return script.read_text(encoding="utf-8").replace("</script", "<\\/script")


def _runs_table(comparison: Comparison, folder: Path) -> Mapping[str, Any]:
    """Every run: what varies, how it ended, its metrics, where it is."""
    factors = comparison.factors
    columns = [{"name": factors.short[key], "kind": "text"} for key in factors.varying]
    columns += [{"name": "status", "kind": "status"}]
    names = list(dict.fromkeys([*(metric.name for metric in comparison.metrics), *comparison.names]))
    known = {metric.name: metric for metric in comparison.metrics}
    titles = [axis_title(known.get(name, comparison.meaning(name))) for name in names]
    columns += [{"name": title, "kind": "number"} for title in titles]
    rows = [_run_row(run, factors.varying, names, folder) for run in comparison.runs]
    has_links = any(row["mlflow"] for row in rows)
    return {"columns": columns, "rows": rows, "hasLinks": has_links}


def _run_row(run: Run, keys: Sequence[str], names: Sequence[str], folder: Path) -> Mapping[str, Any]:
    cells: list[Any] = [_setting(run, key) for key in keys]
    cells += [run.status.replace("_", " ") + (" (reused)" if run.is_reused else "")]
    cells += [_number(run.metrics.get(name)) for name in names]
    return {
        "cells": cells,
        "name": str(run.started.get("label", "") or (f"job {run.number}" if run.number is not None else "")),
        "failed": not run.is_finished,
        "error": run.error,
        "folder": quote(os.path.relpath(run.folder.absolute(), folder)) + "/",
        "folderName": run.folder.name,
        "mlflow": mlflow_link(run.folder),
    }


def _setting(run: Run, key: str) -> Any:
    value = value_of(run, key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
