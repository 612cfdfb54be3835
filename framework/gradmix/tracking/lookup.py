"""Find runs by folder, name, number in a sweep, run key or ID in MLflow: all commands name runs in this way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gradmix.config.spec import Tracking
from gradmix.config.user_file import tracking_of
from gradmix.contracts.errors import UnknownNameError, did_you_mean
from gradmix.journal.folder import find_journals, has_journal
from gradmix.journal.history import most_relevant
from gradmix.journal.reading import read_runs, read_start
from gradmix.sweeps.attempts import attempts, relevant_attempt
from gradmix.sweeps.reading import reused_results
from gradmix.sweeps.selection import find
from gradmix.tracking.note import read_note
from gradmix.tracking.store import absolute_uri, open_client, sqlite_path

_IDENTIFIER = re.compile(r"[0-9a-f]{6,64}")
_MLFLOW_ID = re.compile(r"[0-9a-f]{32}")
_MOST_NAMED = 5


def find_run(name: str, runs_dir: Path) -> Path:
    """Find the folder of one run or sweep.

    MLflow is imported only if the name looks like an ID of MLflow and no note has it.

    Parameters
    ----------
    name
        A folder; the name of a run or sweep, or its beginning or end; ``SWEEP/N`` for the Nth job of a sweep, counted
        from 1; ``last``; or at least six digits of a run key or of an ID in MLflow. If several runs have the key, the
        newest finished one is found.
    runs_dir
        The folder of all runs.

    Raises
    ------
    UnknownNameError
        If there is no such run, or if the name is ambiguous.
    StorageError
        If there are no runs at all.
    """
    return find_attempts(name, runs_dir)[-1]


def find_attempts(name: str, runs_dir: Path) -> Sequence[Path]:
    """Find the folders of all runs that a name identifies; the most relevant run is the last.

    There are several only if `name` is a run key: of a repeated run, or of failed attempts. Parameters and errors are
    those of `find_run`.
    """
    folders = _find(name, runs_dir)
    if not has_journal(folders[-1]):
        raise UnknownNameError(f"{folders[-1]} is not a run or a sweep; it has no journal.")
    return folders


def find_all(names: Sequence[str], runs_dir: Path) -> list[Path]:
    """Find the folders of several sweeps, experiments and runs; all attempts if a name is a run key.

    Names and errors are those of `find_run`. In addition, a name may be an experiment's, and ``last`` is the newest
    sweep, even if a single run is newer.
    """
    return [folder for name in names for folder in _find(name, runs_dir, sweeps_only=True)]


def _find(name: str, runs_dir: Path, sweeps_only: bool = False) -> Sequence[Path]:
    if _IDENTIFIER.fullmatch(name) and not has_journal(Path(name)):
        return _find_identified(name, runs_dir)
    return [_find_named(name, runs_dir, sweeps_only)]


def _find_named(name: str, runs_dir: Path, sweeps_only: bool) -> Path:
    """Return the folder with a path or a name. Jobs of a sweep are counted from 1, as in the sweep's output."""
    sweep, _, job = name.rpartition("/")
    if Path(name).exists() or not sweep or not job.isdigit():
        return find(name, runs_dir, sweeps_only)
    folder, number = find(sweep, runs_dir), int(job) - 1
    if best := relevant_attempt(folder, number):
        return best.folder
    if made := attempts(folder, number) or list(filter(None, [reused_results(folder).get(number)])):
        return made[-1]
    raise UnknownNameError(f"{folder} has no journal of a job {job}; jobs are counted from 1.")


def _find_identified(name: str, runs_dir: Path) -> Sequence[Path]:
    known = {folder: tuple(_identifiers(folder)) for folder in find_journals(runs_dir)}
    found = _matching(name, known)
    if not found and _MLFLOW_ID.fullmatch(name) and (journal_id := _journal_id_in_mlflow(name, runs_dir)):
        found = _matching(journal_id, known)
    if len(found) == 1:
        (folders,) = found.values()
        best = most_relevant(sorted(read_runs(folders).runs, key=lambda run: run.began))
        last = best.folder if best else folders[-1]
        return [*(folder for folder in folders if folder != last), last]
    if found:
        several = "".join(f"\n  {each}  {folders[0]}" for each, folders in list(found.items())[:_MOST_NAMED])
        raise UnknownNameError(f"{len(found)} run keys or IDs begin with {name!r}; give more digits:{several}")
    try:
        return [find(name, runs_dir, sweeps_only=False)]
    except UnknownNameError:
        near = did_you_mean(name, {each[: len(name)] for identifiers in known.values() for each in identifiers})
        raise UnknownNameError(
            f"no run in {runs_dir} has a name, a run key or an ID in MLflow that begins with {name!r}.{near} "
            "`gradmix runs` lists all."
        ) from None


def _matching(name: str, known: Mapping[Path, Sequence[str]]) -> dict[str, list[Path]]:
    """Return identifier → folders with it, for all identifiers that begin with `name`."""
    found: dict[str, list[Path]] = {}
    for folder, identifiers in known.items():
        for each in identifiers:
            if each.startswith(name):
                found.setdefault(each, []).append(folder)
    return found


def _identifiers(folder: Path) -> Iterator[str]:
    """Yield a run's identifiers: its run key, the ID in its journal, and MLflow's ID from its note."""
    started, note = read_start(folder), read_note(folder)
    yield from (str(started[name]) for name in ("run_key", "run_id") if started.get(name))
    if note is not None and note.run_id:
        yield note.run_id


def _journal_id_in_mlflow(run_id: str, runs_dir: Path) -> str:
    """Return the ID in the journal of a run in MLflow; empty if the run or the store does not exist."""
    tracking = Tracking(**tracking_of(str(runs_dir)))
    path = sqlite_path(absolute_uri(tracking.uri or ""))
    if tracking.uri is None or (path is not None and not path.exists()):
        return ""
    client = open_client(tracking)
    from mlflow.exceptions import MlflowException

    try:
        tags = client.get_run(run_id).data.tags
    except MlflowException:
        return ""
    return str(tags.get("gradmix.run_id", ""))
