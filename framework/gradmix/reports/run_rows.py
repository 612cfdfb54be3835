"""Every run as a row: in a CSV file, and in the table at the end of a page."""

from __future__ import annotations

import csv
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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


Record = Mapping[str, Any]
"""Name of a column → value of one row; None if there is none."""


def run_records(runs: Sequence[Run]) -> list[Record]:
    """Return a record for each run: parameters, metrics, status and folder, with the same columns for all.

    Options with different names and a common alias also have a column under the alias.
    """
    params_of = [{**shared.params, **run.params} for shared, run in zip(by_shared_names(runs), runs, strict=True)]
    params = list(dict.fromkeys(key for each in params_of for key in each))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    return [
        {
            "run": _name(run),
            **{key: own.get(key) for key in params},
            **{name: run.metrics.get(name) for name in metrics},
            "run_key": run.run_key,
            "status": run.status,
            "error": run.error,
            "reused": run.is_reused,
            "began": time_text(run.began),
            "seconds": run.seconds if run.began else None,
            "folder": shown(run.folder),
            "mlflow": mlflow_link(run.folder),
        }
        for run, own in zip(runs, params_of, strict=True)
    ]


def save_csv(records: Sequence[Record], path: Path) -> None:
    """Write a CSV file according to RFC 4180, numbers in full; the path ``-`` is the standard output."""
    with nullcontext(sys.stdout) if path == Path("-") else path.open("w", newline="", encoding="utf-8") as file:
        columns = list(dict.fromkeys(name for record in records for name in record))
        rows = ([_cell(record.get(name)) for name in columns] for record in records)
        csv.writer(file).writerows(map(harmless, row) for row in (columns, *rows))


def _cell(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else text_of(value)


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
