"""The jobs of a sweep: what its journal says of them, and what their folders hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.journal.journal import FILE_NAME
from gradmix.journal.reading import Reading, Run, read_events, read_run, read_runs

_ATTEMPT = re.compile(r"(\d+)(?:-(\d+))?")
"""Folder of a job inside its sweep: ``7``, and ``7-2`` for its second attempt."""


def read_sweep(folder: Path) -> Reading:
    """Read a sweep's runs: those that its journal names, and those that are found in it."""
    warnings: list[str] = []
    try:
        events, _ = read_events(folder)
    except StorageError as error:
        events, warnings = [{}], [f"the sweep's own journal cannot be used, only its jobs' folders: {error}"]
    named = {event["number"]: event for event in events if _is_job(event)}
    found = _attempts(folder)
    runs: list[Run] = []
    for number in sorted(named.keys() | found.keys()):
        try:
            runs.append(_job(number, folder, named.get(number), found.get(number, [])))
        except StorageError as error:
            warnings.append(f"job {number} is left out: {error}")
    jobs = events[0].get("jobs")
    n_known = len(named.keys() | found.keys())
    n_missing = max(0, len(jobs) - n_known) if isinstance(jobs, list) else 0
    return Reading(tuple(runs), tuple(warnings), n_known - len(runs), n_missing)


def reused_results(sweep: Path) -> Mapping[int, Path]:
    """Number of a job → folder of the earlier run whose result the sweep took for it, as its journal says."""
    events, _ = read_events(sweep)
    last = {event["number"]: event for event in events if _is_job(event)}
    return {
        number: sweep / event["folder"] for number, event in last.items() if event.get("reused") and event.get("folder")
    }


def _job(number: int, sweep: Path, event: Mapping[str, Any] | None, attempts: Sequence[Path]) -> Run:
    if event is None:
        return replace(_best_attempt(attempts), number=number)
    status, error = str(event.get("status", "failed")), str(event.get("error") or "")
    folder = sweep / str(event.get("folder") or number)
    if not (folder / FILE_NAME).exists() and status != "finished":
        return Run(folder, status, error=error, number=number)  # it never began, or died before its first line
    run = read_run(folder)
    run = replace(run, status=status, error=error or run.error, number=number, is_reused=bool(event.get("reused")))
    return run if event.get("timings", True) else run.without_timings()


def _best_attempt(attempts: Sequence[Path]) -> Run:
    """The last attempt that finished, else the last."""
    reading = read_runs(attempts)
    if not reading.runs:
        raise StorageError("; ".join(reading.warnings))
    return next((run for run in reversed(reading.runs) if run.is_finished), reading.runs[-1])


def _attempts(sweep: Path) -> dict[int, list[Path]]:
    """Number of a job → the folders of its attempts, in order."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for path in sweep.iterdir():
        match = _ATTEMPT.fullmatch(path.name)
        if match and (path / FILE_NAME).exists():
            found.setdefault(int(match[1]), []).append((int(match[2] or 1), path))
    return {number: [path for _, path in sorted(attempts)] for number, attempts in found.items()}


def _is_job(event: Mapping[str, Any]) -> bool:
    return event.get("event") == "job" and isinstance(event.get("number"), int)
