"""Delete runs in MLflow and on disk.

Each run is deleted first in MLflow, where it can be restored. Then its folder is deleted, with the journal last. If
this is interrupted, the journal still identifies the remaining files, so the deletion can be repeated. ``gradmix sync``
does not restore the run: it stays deleted in MLflow, and its journal no longer exists.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradmix.config.spec import Tracking
from gradmix.config.user_file import tracking_of
from gradmix.contracts.errors import ConfigError, StorageError
from gradmix.contracts.secrets import without_user
from gradmix.journal.folder import FILE_NAME, find_journals, has_journal
from gradmix.journal.reading import Run, read_run, read_runs
from gradmix.journal.writing import Journal
from gradmix.sweeps.reading import reused_results
from gradmix.sweeps.selection import list_sweeps
from gradmix.tracking.inventory import Inventory
from gradmix.tracking.note import noting, read_note
from gradmix.tracking.store import absolute_uri, open_client, sqlite_path
from gradmix.tracking.trouble import explain


@dataclass(frozen=True)
class Removal:
    """The runs and sweeps to delete; `runs` includes the runs of the sweeps.

    `kept` has the runs of these sweeps that are kept: folder → the sweep that has reused the result.
    """

    runs: Sequence[Run]
    sweeps: Sequence[Run]
    kept: Mapping[Path, Path]
    runs_dir: Path

    @property
    def alone(self) -> Sequence[Run]:
        """The runs that are not deleted with a sweep."""
        sweeps = {sweep.folder for sweep in self.sweeps}
        return [run for run in self.runs if run.folder.parent not in sweeps]

    @cached_property
    def stores(self) -> Mapping[str, Sequence[Run]]:
        """Address of a store of MLflow → the journals that it contains."""
        found: dict[str, list[Run]] = {}
        for run in (*self.runs, *self.sweeps):
            if uri := _store_of(run, self.runs_dir):
                found.setdefault(uri, []).append(run)
        return found

    def n_bytes(self) -> int:
        """Return the total size of the files to delete."""
        folders = (run.folder for run in (*self.sweeps, *self.alone))
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return sum(path.lstat().st_size for path in files if not self.kept.keys() & {*path.parents})


def plan_removal(folders: Sequence[Path], runs_dir: Path, with_reused: bool = False) -> Removal:
    """Determine what has to be deleted for some runs and sweeps.

    Raises
    ------
    ConfigError
        If one of them is running; or if a sweep that is kept has reused one of the runs, unless `with_reused`.
    """
    named = [read_run(folder) for folder in dict.fromkeys(folders)]
    sweeps = [run for run in named if run.kind == "sweep"]
    inside = [each for sweep in sweeps for each in find_journals(sweep.folder) if each != sweep.folder]
    jobs = read_runs(inside).runs  # an unreadable one is deleted with the sweep's folder
    alone = [run for run in named if run.kind != "sweep" and run.folder.parent not in {each.folder for each in sweeps}]
    _check_ended([*sweeps, *jobs, *alone])
    reused = {} if with_reused else _reused(runs_dir, {sweep.folder.resolve() for sweep in sweeps})
    for run in alone:
        if by := reused.get(run.folder.resolve()):
            raise ConfigError(f"the sweep {by} has reused the result of {run.folder}; --reused deletes it, too.")
    kept = {run.folder: reused[run.folder.resolve()] for run in jobs if run.folder.resolve() in reused}
    return Removal([*(run for run in jobs if run.folder not in kept), *alone], sweeps, kept, runs_dir)


def remove(removal: Removal) -> Iterator[Path]:
    """Delete the planned runs and sweeps; yield the folder of each one after it is deleted.

    Raises `StorageError` if a store of MLflow does not answer or a folder cannot be deleted. Everything that was not
    deleted before is then still complete, except the run that caused the error.
    """
    stores = {uri: _Store(uri) for uri in removal.stores}
    store_of = {run.folder: stores[uri] for uri, runs in removal.stores.items() for run in runs}

    def delete(run: Run, kept: Collection[Path] = ()) -> Path:
        with noting(run.folder):  # no ingester uses it at the same time
            if run.folder in store_of:
                store_of[run.folder].delete(run)
            _delete_folder(run.folder, kept)
        if run.started.get("sweep"):
            with suppress(OSError):  # not empty: the sweep still exists
                run.folder.parent.rmdir()
        return run.folder

    for sweep in removal.sweeps:
        with _held(sweep):
            for run in removal.runs:
                if run.folder.parent == sweep.folder:
                    yield delete(run)
            yield delete(sweep, removal.kept)
    for run in removal.alone:
        with _held(run):
            yield delete(run)


class _Store:
    """A store of MLflow, in which runs are found by the IDs in their journals."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._inventories: dict[str, Inventory] = {}

    def delete(self, run: Run) -> None:
        """Delete the runs of a journal; MLflow can restore them until ``mlflow gc`` is run."""
        name, journal_id = str(run.require("name")), str(run.require("run_id"))
        try:
            if name not in self._inventories:
                self._inventories[name] = Inventory(self._client, name)
                self._inventories[name].load()
            inventory = self._inventories[name]
            while (stored := inventory.find(journal_id)) is not None and not stored.is_deleted:
                inventory.withdraw([stored])
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(
                f"MLflow at {without_user(self._uri)} did not delete {run.folder}: {explain(error, self._uri)}. "
                "The folder is kept."
            ) from error

    @cached_property
    def _client(self):  # type: ignore[no-untyped-def]  # MLflow is imported when a store is used
        return open_client(Tracking(uri=self._uri))


def _store_of(run: Run, runs_dir: Path) -> str:
    """Return the address of the store that contains a journal; empty if there is none.

    Notes and journals record addresses without user and password; the user's settings may add these.
    """
    note = read_note(run.folder)
    named = note.uri if note is not None else run.started.get("tracking")
    usual = tracking_of(str(runs_dir))["uri"] or ""
    for uri in map(absolute_uri, (named, usual) if named else ()):
        path = sqlite_path(uri)
        if uri and (path is None or path.exists()):
            return absolute_uri(usual) if without_user(absolute_uri(usual)) == without_user(uri) else uri
    return ""


def _check_ended(runs: Sequence[Run]) -> None:
    for run in runs:
        above = run.folder.parent
        is_sweeps = run.started.get("sweep") and has_journal(above) and read_run(above).status == "running"
        if run.status == "running" or is_sweeps:
            raise ConfigError(f"{above if is_sweeps else run.folder} is running; wait until it ends, or stop it first.")


def _reused(runs_dir: Path, deleted: Collection[Path]) -> dict[Path, Path]:
    """Return folder of a run → sweep that has reused its result, for the sweeps that are kept."""
    staying = [sweep.folder for sweep in list_sweeps((), runs_dir).runs if sweep.folder.resolve() not in deleted]
    return {run.resolve(): sweep for sweep in staying for run in reused_results(sweep).values()}


@contextmanager
def _held(run: Run) -> Iterator[None]:
    """Lock a journal, so that no other process writes to it."""
    journal = Journal.reopen(run.folder)
    try:
        yield
    finally:
        journal.close()


def _delete_folder(folder: Path, kept: Collection[Path]) -> None:
    """Delete a folder except the folders in `kept`. The journal, by which the folder is found, is deleted last."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == FILE_NAME):
        if path in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not kept:
        folder.rmdir()
