"""Read the jobs of a sweep, from its journal and from the jobs' folders."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gradmix.contracts.errors import StorageError
from gradmix.journal.events import Event
from gradmix.journal.folder import find_journals, has_journal
from gradmix.journal.history import most_relevant
from gradmix.journal.reading import Reading, Run, read_run, read_runs, read_start, read_unchanged
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
    places = job_folders(folder, named)
    found = {number: list(filter(has_journal, folders)) for number, folders in attempts_at_jobs(folder).items()}
    numbers = sorted(named.keys() | {number for number, folders in found.items() if folders})
    runs: list[Run] = []
    for number in numbers:
        try:
            place = places.get(number, folder / str(number))
            runs.append(_job(number, place, named.get(number), found.get(number, [])))
        except StorageError as error:
            warnings.append(f"job {number + 1} is left out: {error}")
    return Reading(tuple(runs), tuple(warnings), len(numbers) - len(runs), max(0, len(jobs) - len(numbers)))


def reused_results(sweep: Path) -> Mapping[int, Path]:
    """Return number of a job → folder of the earlier run whose result the sweep reused."""
    try:
        ended = jobs_ended(read_run(sweep))
    except StorageError:
        return {}  # without the sweep's journal, only the jobs' folders are known
    return job_folders(sweep, {number: event for number, event in ended.items() if event.get("reused")})


def job_folders(sweep: Path, ended: Mapping[int, Event]) -> Mapping[int, Path]:
    """Return number → folder of the run, for the jobs of a sweep that have ended.

    The sweep's journal has paths relative to its folder; version 0.1 wrote absolute paths of reused results. A reused
    result that was moved or renamed since is looked up among all runs beside the sweep, by its ID or else its run key.
    """
    places = {n: Path(os.path.normpath(sweep / event["folder"])) for n, event in ended.items() if event.get("folder")}
    moved = {n: ended[n] for n, place in places.items() if ended[n].get("reused") and not has_journal(place)}
    return {**places, **_found_again(moved, Path(os.path.normpath(sweep / ".." / "..")))} if moved else places


def _found_again(moved: Mapping[int, Event], runs_dir: Path) -> Mapping[int, Path]:
    """Return number → folder of the moved run, for those that are under `runs_dir`."""
    known = defaultdict(list)
    for folder in find_journals(runs_dir):
        known[read_start(folder).get("run_key")].append(folder)
    found = {}
    for number, event in moved.items():
        runs = sorted(read_runs(known[event.get("run_key")]).runs, key=lambda run: run.began)
        same = [run for run in runs if run.started.get("run_id") == event.get("run_id")]
        if (best := most_relevant(same or runs)) is not None:
            found[number] = best.folder
    return found


def jobs_ended(sweep: Run) -> Mapping[int, Event]:
    """Return number → last event ``job``, for each job that has ended according to the sweep's journal."""
    return {event["number"]: event for event in sweep.events_named("job")}


def _job(number: int, folder: Path, event: Event | None, attempts: Sequence[Path]) -> Run:
    if event is None:
        reading = read_runs(attempts, read_unchanged)
        if (best := most_relevant(reading.runs)) is None:
            raise StorageError("; ".join(reading.warnings))
        return replace(best, number=number)
    status, error = str(event.get("status", "failed")), str(event.get("error") or "")
    if not has_journal(folder):
        if status == "finished":
            raise StorageError(f"its run {folder} no longer exists; was the folder deleted?")
        return Run(folder, status, error=error, number=number)  # it has no journal: it died at its start
    run = read_unchanged(folder)
    run = replace(run, status=status, error=error or run.error, number=number, is_reused=bool(event.get("reused")))
    return run if event.get("timings", True) else run.without_timings()
