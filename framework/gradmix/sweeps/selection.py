"""Find sweeps, experiments and runs by path, by name or by part of a name, and read their runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from gradmix.contracts.errors import StorageError, UnknownNameError, did_you_mean, listing
from gradmix.journal.folder import find_journals, has_journal
from gradmix.journal.reading import Reading, Run, read_runs, read_start, read_unchanged
from gradmix.sweeps.reading import read_sweep

LAST = "last"
"""The name that selects the newest sweep."""

_MOST_NAMED = 5


def select(folders: Sequence[Path], runs_dir: Path) -> Reading:
    """Read the runs of sweeps, experiments and runs for a comparison; without folders, those of the newest sweep.

    Each run is chosen once, and only the newest result of each run key. Raises `StorageError` if there are no runs.
    """
    folders = folders or [find(LAST, runs_dir)]
    reading = Reading.joined(map(_read, folders))
    runs, n_repeated = _each_once(reading.runs)
    warnings = reading.warnings
    if n_repeated:
        warnings += (f"{n_repeated} older run(s) of the same work (same run_key) are left out",)
    if not runs:
        reasons = "".join(f"\n  {warning}" for warning in warnings[:_MOST_NAMED])
        raise StorageError(f"nothing to compare in {', '.join(map(str, folders))}: no run was journalled.{reasons}")
    title = ", ".join(_title(folder, runs_dir) for folder in folders)
    return replace(reading, runs=tuple(runs), warnings=warnings, title=title)


def list_runs(folders: Sequence[Path], runs_dir: Path) -> Reading:
    """Read every run of sweeps, experiments and runs, or all runs without folders; newest first.

    In contrast to `select`, older runs with the same run key are included. Raises the same errors as `select`.
    """
    if not runs_dir.is_dir():
        raise _without_runs(runs_dir)
    folders = folders or [runs_dir]
    reading = Reading.joined(map(_read_all, folders))
    runs = reading.runs
    if len(folders) > 1:  # they may have runs in common
        runs = tuple({run.folder.resolve(): run for run in runs}.values())
    return replace(reading, runs=tuple(sorted(runs, key=lambda run: run.began, reverse=True)))


def list_sweeps(folders: Sequence[Path], runs_dir: Path) -> Reading:
    """Read only the journals of sweeps: of experiments and sweeps, or of all without folders; newest first."""
    folders = folders or _experiments(runs_dir)
    inside = [each for folder in folders for each in ([folder] if has_journal(folder) else _journalled(folder))]
    reading = read_runs(folder for folder in inside if has_journal(folder) and _is_sweep(folder))
    return replace(reading, runs=tuple(sorted(reading.runs, key=lambda run: run.began, reverse=True)))


def _read_all(folder: Path) -> Reading:
    """Read the runs in a folder, at any depth; for a sweep also the runs that it reused."""
    if has_journal(folder) and _is_sweep(folder):
        return read_sweep(folder)
    reading = read_runs(find_journals(folder))
    return replace(reading, runs=tuple(run for run in reading.runs if run.kind == "run"))


def _read(folder: Path) -> Reading:
    if not has_journal(folder) and not _is_called_sweep(folder):
        return Reading.joined(map(_read, _journalled(folder)))  # sweeps and single runs of an experiment, oldest first
    return read_sweep(folder) if _is_sweep(folder) else read_runs([folder], read_unchanged)


def _each_once(runs: Iterable[Run]) -> tuple[list[Run], int]:
    """Return each folder once, and only the last result of each run key, as equal keys are no repetitions.

    The second value is the number of runs that are left out.
    """
    by_folder = {run.folder.resolve(): run for run in runs}
    by_key: dict[str, Run] = {}
    for run in by_folder.values():
        key = run.run_key or str(run.folder)
        if key not in by_key or run.is_finished or not by_key[key].is_finished:
            by_key.pop(key, None)
            by_key[key] = run
    return list(by_key.values()), len(by_folder) - len(by_key)


def find(name: str, runs_dir: Path, sweeps_only: bool = True) -> Path:
    """Find a sweep, an experiment or a run by its path, its name, or the beginning or ending of its name.

    ``last`` is the newest sweep; if not `sweeps_only`, the newest sweep or single run. Raises `UnknownNameError` if
    the name is unknown or ambiguous, and `StorageError` if there are no runs.
    """
    if name == LAST:
        return _newest(runs_dir, sweeps_only)
    for path in (Path(name), runs_dir / name):
        if has_journal(path) or (path.is_dir() and _journalled(path)):
            return path
    experiments = _experiments(runs_dir)
    known = [folder for experiment in experiments for folder in _journalled(experiment)]
    matching = [each for each in known if each.name.startswith(name) or each.name.endswith(name)]
    found = [each for each in known if each.name == name] or matching
    if len(found) == 1:
        return found[0]
    if found:
        several = "".join(f"\n  {_title(each, runs_dir)}" for each in sorted(found)[-_MOST_NAMED:])
        raise UnknownNameError(f"{name!r} matches {len(found)} sweeps or runs; give more of the name:{several}")
    names = [each.name for each in experiments]
    near = did_you_mean(name, [*names, *(each.name for each in known), *(_title(each, runs_dir) for each in known)])
    raise UnknownNameError(
        f"there is no sweep, experiment or run {name!r} in {runs_dir}.{near} Experiments there: {listing(names)}."
    )


def everything(runs_dir: Path) -> list[Path]:
    """Return the folders of all experiments in `runs_dir`; `StorageError` if there are none."""
    experiments = _experiments(runs_dir)
    if not experiments:
        raise _without_runs(runs_dir)
    return experiments


def _without_runs(runs_dir: Path) -> StorageError:
    return StorageError(
        f"there are no runs in {runs_dir}. Start some with `gradmix run -m …`, or set another folder with --runs-dir."
    )


def _newest(runs_dir: Path, sweeps_only: bool) -> Path:
    experiments = _experiments(runs_dir)
    if not experiments:
        raise _without_runs(runs_dir)
    known = [folder for experiment in experiments for folder in _journalled(experiment)]
    begun = {
        folder: float(read_start(folder).get("time", 0.0)) if has_journal(folder) else 0.0
        for folder in known
        if not sweeps_only or _is_sweep(folder)
    }
    if not begun:
        names = listing(each.name for each in experiments)
        raise StorageError(f"there is no sweep in {runs_dir}; name an experiment, to compare its runs: {names}.")
    return max(begun, key=lambda folder: (begun[folder], folder.name))


def _experiments(runs_dir: Path) -> list[Path]:
    if not runs_dir.is_dir():
        return []
    return sorted(path for path in runs_dir.iterdir() if path.is_dir() and _journalled(path))


def _journalled(folder: Path) -> list[Path]:
    """Return the folders of runs and sweeps in a folder, also of sweeps whose own journal was lost."""

    def has_lost_its_journal(path: Path) -> bool:
        return _is_called_sweep(path) and path.is_dir() and any(map(has_journal, path.iterdir()))

    return sorted(path for path in folder.iterdir() if has_journal(path) or has_lost_its_journal(path))


def _is_called_sweep(folder: Path) -> bool:
    return folder.name.rstrip("-0123456789").endswith("-sweep")


def _is_sweep(folder: Path) -> bool:
    return _is_called_sweep(folder) or read_start(folder).get("kind") == "sweep"


def _title(folder: Path, runs_dir: Path) -> str:
    path, root = folder.resolve(), runs_dir.resolve()
    return str(path.relative_to(root) if path.is_relative_to(root) else folder)
