"""Read the jobs of a sweep, from its journal and from the jobs' folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gradmix.contracts.errors import StorageError
from gradmix.journal.events import Event
from gradmix.journal.folder import has_journal
from gradmix.journal.history import most_telling
from gradmix.journal.reading import Reading, Run, read_run, read_runs, read_unchanged
from gradmix.sweeps.attempts import attempts_at_jobs


def read_sweep(folder: Path) -> Reading:
    """Read a sweep's runs: those in its journal and those in its folder."""
    warnings: list[str] = []
    try:
        sweep = read_run(folder)
        jobs, named = sweep.started.get("jobs", []), jobs_ended(sweep)
    except StorageError as error:
        jobs, named = [], {}
        warnings.append(f"the sweep's own journal cannot be used, only its jobs' folders: {error}")
    found = {number: list(filter(has_journal, folders)) for number, folders in attempts_at_jobs(folder).items()}
    numbers = sorted(named.keys() | {number for number, folders in found.items() if folders})
    runs: list[Run] = []
    for number in numbers:
        try:
            runs.append(_job(number, folder, named.get(number), found.get(number, [])))
        except StorageError as error:
            warnings.append(f"job {number + 1} is left out: {error}")
    return Reading(tuple(runs), tuple(warnings), len(numbers) - len(runs), max(0, len(jobs) - len(numbers)))


def reused_results(sweep: Path) -> Mapping[int, Path]:
    """Return number of a job → folder of the earlier run whose result the sweep reused."""
    try:
        ended = jobs_ended(read_run(sweep))
    except StorageError:
        return {}  # without the sweep's journal, only the jobs' folders are known
    reused = {number: event.get("folder") for number, event in ended.items() if event.get("reused")}
    return {number: job_folder(sweep, folder) for number, folder in reused.items() if folder}


def job_folder(sweep: Path, place: str) -> Path:
    """Return the folder of a job's run, given its path in the sweep's journal.

    The path is relative to the sweep's folder. Versions before 0.2 wrote absolute paths of reused runs. If the folder
    of all runs was moved since, such a run is looked up in the new folder by its experiment and name.
    """
    folder = Path(os.path.normpath(sweep / place))
    if has_journal(folder) or not Path(place).is_absolute():
        return folder
    moved = (sweep.absolute().parents[1].joinpath(*folder.parts[-depth:]) for depth in (3, 2))
    return next(filter(has_journal, moved), folder)


def jobs_ended(sweep: Run) -> Mapping[int, Event]:
    """Return number → last event ``job``, for each job that has ended according to the sweep's journal."""
    return {event["number"]: event for event in sweep.events_named("job")}


def _job(number: int, sweep: Path, event: Event | None, attempts: Sequence[Path]) -> Run:
    if event is None:
        reading = read_runs(attempts, read_unchanged)
        if (best := most_telling(reading.runs)) is None:
            raise StorageError("; ".join(reading.warnings))
        return replace(best, number=number)
    status, error = str(event.get("status", "failed")), str(event.get("error") or "")
    folder = job_folder(sweep, str(event.get("folder") or number))
    if not has_journal(folder):
        if status == "finished":
            raise StorageError(f"its run {folder} no longer exists; was it deleted?")
        return Run(folder, status, error=error, number=number)  # it has no journal: it died at its start
    run = read_unchanged(folder)
    run = replace(run, status=status, error=error or run.error, number=number, is_reused=bool(event.get("reused")))
    return run if event.get("timings", True) else run.without_timings()
