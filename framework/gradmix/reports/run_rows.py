"""Every run as a row: in a CSV file, and in the table at the end of a page."""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from gradmix.contracts.terminal import visible
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of, value_of
from gradmix.reports.figures.figure import axis_title
from gradmix.reports.shared_names import by_shared_names
from gradmix.reports.wording import metric_text, shown
from gradmix.tracking.note import read_note

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of cells that spreadsheets interpret as formulas."""
_DASHBOARD = "http://127.0.0.1:5000"
"""Address at which ``gradmix ui`` serves a local store."""


def save_csv(runs: Sequence[Run], path: Path) -> None:
    """Write a CSV file according to RFC 4180."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(runs, file)


def write_csv(runs: Sequence[Run], file: IO[str]) -> None:
    """Write a row for each run: parameters, metrics, status and folder; numbers in full.

    Options with different names and a common alias also have a column under the alias.
    """
    params_of = [{**shared.params, **run.params} for shared, run in zip(by_shared_names(runs), runs, strict=True)]
    params = list(dict.fromkeys(key for each in params_of for key in each))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    writer = csv.writer(file)
    head = ["run", *params, *metrics, *("run_key", "status", "error", "reused", "began", "seconds", "folder", "mlflow")]
    rows = (
        [
            _name(run),
            *("" if (value := own.get(key)) is None else text_of(value) for key in params),
            *(repr(run.metrics[name]) if name in run.metrics else "" for name in metrics),
            run.run_key,
            run.status,
            run.error,
            "true" if run.is_reused else "false",
            time_text(run.began),
            repr(run.seconds) if run.began else "",
            shown(run.folder),
            mlflow_link(run.folder) or "",
        ]
        for run, own in zip(runs, params_of, strict=True)
    )
    writer.writerows(map(harmless, row) for row in (head, *rows))


def time_text(seconds: float) -> str:
    """Return a time of a journal in ISO 8601; empty if it is not known.

    >>> time_text(1.7e9)
    '2023-11-14T22:13:20Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""


def harmless(cell: str) -> str:
    r"""Return a CSV cell as text that spreadsheets do not compute and terminals do not obey; keep numbers.

    >>> harmless('=HYPERLINK("http://x")'), harmless("-1.5"), harmless("-x")
    ('\'=HYPERLINK("http://x")', '-1.5', "'-x")
    """
    try:
        float(cell)
    except ValueError:
        return f"'{visible(cell)}" if cell.startswith(_FORMULA_STARTS) else visible(cell)
    return visible(cell)


@dataclass(frozen=True)
class RunsTable:
    """The table of all runs for a page: columns by name and kind, and rows; numbers have a text and a value."""

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Mapping[str, Any]]
    has_errors: bool
    has_links: bool


def runs_table(comparison: Comparison, folder: Path) -> RunsTable:
    """Return the runs for a page in a folder: factors, status, metrics and folder of each."""
    keys, short = comparison.factors.varying, comparison.factors.short
    names = list(dict.fromkeys([*(metric.name for metric in comparison.metrics), *comparison.names]))
    units = {name: comparison.meaning(name).unit for name in names}
    has_errors = any(run.error for run in comparison.runs)
    links = {run.folder: mlflow_link(run.folder) for run in comparison.runs}
    has_links = any(links.values())
    columns = [*((short[key], "text") for key in keys), ("status", "text")]
    columns += [(axis_title(comparison.meaning(name), with_prefixes=True), "number") for name in names]
    columns += [("error", "text")] if has_errors else []
    columns += [("MLflow", "text")] if has_links else []

    def metric_cell(run: Run, name: str) -> tuple[str, str | None]:
        value = run.metrics.get(name)
        if value is None:
            return "", None
        return (metric_text(name, value, units[name]), repr(value)) if math.isfinite(value) else ("no number", None)

    rows = [
        {
            "cells": [
                *((text_of(value_of(run, key)), None) for key in keys),
                (run.status.replace("_", " ") + (" (reused)" if run.is_reused else ""), None),
                *(metric_cell(run, name) for name in names),
            ],
            "name": _name(run),
            "failed": not run.is_finished,
            "error": run.error,
            "folder": quote(os.path.relpath(run.folder.absolute(), folder)) + "/",
            "folder_name": run.folder.name,
            "mlflow": links[run.folder],
        }
        for run in comparison.runs
    ]
    return RunsTable([*columns, ("folder", "text")], rows, has_errors, has_links)


def _name(run: Run) -> str:
    return run.label or ("" if run.number is None else f"job {run.number + 1}")


def mlflow_link(folder: Path) -> str | None:
    """Return the address of a run in MLflow's dashboard: the server's, or that of ``gradmix ui`` for a local store."""
    note = read_note(folder)
    if note is None or not (note.experiment_id and note.run_id):
        return None
    uri = str(note.uri)
    server = uri.rstrip("/") if uri.startswith(("http://", "https://")) else _DASHBOARD
    return f"{server}/#/experiments/{quote(str(note.experiment_id), safe='')}/runs/{quote(str(note.run_id), safe='')}"
