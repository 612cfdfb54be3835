"""Which runs are meant: a sweep, an experiment or a run, by its path, its name, or enough of its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradmix.contracts.errors import StorageError, UnknownNameError, did_you_mean, listing
from gradmix.journal.folder import has_journal
from gradmix.journal.reading import Reading, Run, read_runs, read_start, read_unchanged
from gradmix.sweeps.reading import read_sweep

LAST = "last"
"""What the newest sweep is called."""

_MOST_NAMED = 5


@dataclass(frozen=True)
class Selection:
    """Runs that were chosen.

    Parameters
    ----------
    title
        What was chosen, for a heading.
    runs
        The runs, each once.
    warnings
        What had to be left out, and why.
    n_unreadable, n_missing
        Runs that had to be left out, and jobs of sweeps that were never reached.
    """

    title: str
    runs: tuple[Run, ...]
    warnings: tuple[str, ...]
    n_unreadable: int
    n_missing: int


def select(names: Sequence[str], runs_dir: Path) -> Selection:
    """Choose runs by names of sweeps, experiments and runs; without any, those of the newest sweep.

    Raises
    ------
    UnknownNameError
        If a name means nothing, or several things.
    StorageError
        If there is nothing to choose from.
    """
    folders = [find(name, runs_dir) for name in names or [LAST]]
    readings = [_read(folder) for folder in folders]
    runs, n_repeated = _each_once(run for reading in readings for run in reading.runs)
    warnings = [warning for reading in readings for warning in reading.warnings]
    if n_repeated:
        warnings.append(f"{n_repeated} older run(s) of the same work (same run_key) are left out")
    if not runs:
        reasons = "".join(f"\n  {warning}" for warning in warnings[:_MOST_NAMED])
        raise StorageError(f"nothing to compare in {', '.join(map(str, folders))}: no run was journalled.{reasons}")
    return Selection(
        title=", ".join(_title(folder, runs_dir) for folder in folders),
        runs=tuple(runs),
        warnings=tuple(warnings),
        n_unreadable=sum(reading.n_unreadable for reading in readings),
        n_missing=sum(reading.n_missing for reading in readings),
    )


def _read(folder: Path) -> Reading:
    if not has_journal(folder) and not _is_called_sweep(folder):
        return _read_experiment(folder)
    return read_sweep(folder) if _is_sweep(folder) else read_runs([folder], read_unchanged)


def _read_experiment(folder: Path) -> Reading:
    """Sweeps and single runs of an experiment, oldest first."""
    readings = [_read(each) for each in _journalled(folder)]
    return Reading(
        runs=tuple(run for reading in readings for run in reading.runs),
        warnings=tuple(warning for reading in readings for warning in reading.warnings),
        n_unreadable=sum(reading.n_unreadable for reading in readings),
        n_missing=sum(reading.n_missing for reading in readings),
    )


def _each_once(runs: Iterable[Run]) -> tuple[list[Run], int]:
    """Each folder once, and of several results of one run_key the last: they are no repeats, they are the same."""
    by_folder = {run.folder.resolve(): run for run in runs}
    by_key: dict[str, Run] = {}
    for run in by_folder.values():
        key = str(run.started.get("run_key") or run.folder)
        if key not in by_key or run.is_finished or not by_key[key].is_finished:
            by_key.pop(key, None)
            by_key[key] = run
    return list(by_key.values()), len(by_folder) - len(by_key)


def find(name: str, runs_dir: Path, sweeps_only: bool = True) -> Path:
    """Find the folder of a sweep, an experiment or a run.

    Parameters
    ----------
    name
        Its path, its name, the beginning or the ending of it; ``last`` for the newest sweep.
    runs_dir
        Where to look.
    sweeps_only
        Whether ``last`` is the newest sweep; else it is the newest sweep or single run.

    Raises
    ------
    UnknownNameError
        If it means nothing, or several things.
    StorageError
        If there is nothing to find.
    """
    if name == LAST:
        return _newest(runs_dir, sweeps_only)
    for path in (Path(name), runs_dir / name):
        if has_journal(path) or (path.is_dir() and _journalled(path)):
            return path
    known = [folder for experiment in _experiments(runs_dir) for folder in _journalled(experiment)]
    matching = [each for each in known if each.name.startswith(name) or each.name.endswith(name)]
    exact = [each for each in known if each.name == name]
    found = exact or matching
    if len(found) == 1:
        return found[0]
    if found:
        several = "".join(f"\n  {_title(each, runs_dir)}" for each in sorted(found)[-_MOST_NAMED:])
        raise UnknownNameError(f"{name!r} means {len(found)} sweeps or runs; say more of the name:{several}")
    experiments = [each.name for each in _experiments(runs_dir)]
    near = did_you_mean(name, [*experiments, *(each.name for each in known), *(_title(e, runs_dir) for e in known)])
    raise UnknownNameError(
        f"there is no sweep, experiment or run {name!r} in {runs_dir}.{near} Experiments there: {listing(experiments)}."
    )


def _newest(runs_dir: Path, sweeps_only: bool) -> Path:
    experiments = _experiments(runs_dir)
    if not experiments:
        raise StorageError(
            f"there is no run in {runs_dir}. `gradmix run -m …` makes some; --runs-dir names another folder."
        )
    known = [folder for experiment in experiments for folder in _journalled(experiment)]
    begun = {folder: _begun(folder) for folder in known if not sweeps_only or _is_sweep(folder)}
    if not begun:
        names = listing(each.name for each in experiments)
        raise StorageError(f"there is no sweep in {runs_dir}; name an experiment, to compare its runs: {names}.")
    return max(begun, key=lambda folder: (begun[folder], folder.name))


def _experiments(runs_dir: Path) -> list[Path]:
    if not runs_dir.is_dir():
        return []
    return sorted(path for path in runs_dir.iterdir() if path.is_dir() and _journalled(path))


def _journalled(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if has_journal(path) or _has_lost_its_journal(path))


def _has_lost_its_journal(folder: Path) -> bool:
    """Whether it is the folder of a sweep of which only jobs are left."""
    return _is_called_sweep(folder) and folder.is_dir() and any(has_journal(job) for job in folder.iterdir())


def _is_called_sweep(folder: Path) -> bool:
    return folder.name.rstrip("-0123456789").endswith("-sweep")


def _is_sweep(folder: Path) -> bool:
    return _is_called_sweep(folder) or read_start(folder).get("kind") == "sweep"


def _begun(folder: Path) -> float:
    """When a sweep began; long ago if its journal does not tell."""
    return float(read_start(folder).get("time", 0.0)) if has_journal(folder) else 0.0


def _title(folder: Path, runs_dir: Path) -> str:
    try:
        return str(folder.resolve().relative_to(runs_dir.resolve()))
    except ValueError:
        return str(folder)
