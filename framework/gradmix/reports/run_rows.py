"""Every run as a row: in a CSV file, and as the table at the end of a page."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from gradmix.contracts.terminal import visible
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of, value_of
from gradmix.reports.figures.figure import axis_title
from gradmix.reports.wording import shown

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that spreadsheets take for a formula."""
_MARK = "tracked.json"
_DASHBOARD = "http://127.0.0.1:5000"
"""Where ``gradmix ui`` serves a local store."""


def save_csv(runs: Sequence[Run], path: Path) -> None:
    """Write the CSV file of RFC 4180."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(runs, file)


def write_csv(runs: Sequence[Run], file: IO[str]) -> None:
    """Write a row for each run: parameters, metrics, how it ended, where it is; numbers in full."""
    params = list(dict.fromkeys(key for run in runs for key in run.params))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    writer = csv.writer(file)

    def write(cells: Iterable[object]) -> None:
        writer.writerow(harmless(str(cell)) for cell in cells)

    write(["run", *params, *metrics, "status", "error", "reused", "folder", "mlflow"])
    for run in runs:
        write(
            [
                _name(run),
                *("" if (value := run.params.get(key)) is None else text_of(value) for key in params),
                *(repr(run.metrics[name]) if name in run.metrics else "" for name in metrics),
                run.status,
                run.error,
                "true" if run.is_reused else "false",
                shown(run.folder),
                mlflow_link(run.folder) or "",
            ]
        )


def harmless(cell: str) -> str:
    r"""Return a CSV cell as text that a spreadsheet does not compute and a terminal does not obey; numbers stay.

    >>> harmless('=HYPERLINK("http://x")'), harmless("-1.5"), harmless("-x")
    ('\'=HYPERLINK("http://x")', '-1.5', "'-x")
    """
    try:
        float(cell)
    except ValueError:
        return f"'{visible(cell)}" if cell.startswith(_FORMULA_STARTS) else visible(cell)
    return visible(cell)


def runs_table(comparison: Comparison, folder: Path) -> Mapping[str, Any]:
    """Columns and rows for a page in a folder: what varies, how a run ended, its metrics, where it is."""
    keys = comparison.factors.varying
    names = list(dict.fromkeys([*(metric.name for metric in comparison.metrics), *comparison.names]))
    columns = [{"name": comparison.factors.short[key], "kind": "text"} for key in keys]
    columns += [{"name": "status", "kind": "status"}]
    columns += [{"name": axis_title(comparison.meaning(name)), "kind": "number"} for name in names]
    rows = [
        {
            "cells": [
                *(_setting(value_of(run, key)) for key in keys),
                run.status.replace("_", " ") + (" (reused)" if run.is_reused else ""),
                *(_number(run.metrics.get(name)) for name in names),
            ],
            "name": str(_name(run)),
            "failed": not run.is_finished,
            "error": run.error,
            "folder": quote(os.path.relpath(run.folder.absolute(), folder)) + "/",
            "folderName": run.folder.name,
            "mlflow": mlflow_link(run.folder),
        }
        for run in comparison.runs
    ]
    return {"columns": columns, "rows": rows, "hasLinks": any(row["mlflow"] for row in rows)}


def _name(run: Run) -> Any:
    return run.started.get("label") or ("" if run.number is None else f"job {run.number}")


def _setting(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def mlflow_link(folder: Path) -> str | None:
    """Address of a run in MLflow's dashboard: a server's own, or as ``gradmix ui`` serves a local store."""
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        uri, experiment, run = (mark[key] for key in ("uri", "experiment_id", "run_id"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not (isinstance(uri, str) and experiment and run):
        return None
    server = uri.rstrip("/") if uri.startswith(("http://", "https://")) else _DASHBOARD
    return f"{server}/#/experiments/{quote(str(experiment), safe='')}/runs/{quote(str(run), safe='')}"
