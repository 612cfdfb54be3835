"""The ingester: imports journals into MLflow, in batches. Repeating it changes nothing.

The ingester asks MLflow which runs it has. A run is complete if MLflow shows it as ended, with the time of the last
event in its journal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.config.spec import Tracking
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.secrets import without_user
from gradmix.journal.folder import find_journals, has_journal
from gradmix.journal.reading import Run, read_run, read_runs, read_unchanged
from gradmix.runs.artifacts import ARTIFACTS
from gradmix.sweeps.reading import job_folders, jobs_ended
from gradmix.tracking.columns import columns_of
from gradmix.tracking.inventory import Inventory, Rank, StoredRun, rank
from gradmix.tracking.note import Note, OpenNote, noting, read_note
from gradmix.tracking.store import absolute_uri, artifact_root, local_folder, open_client
from gradmix.tracking.trouble import explain, how_to_sync
from gradmix.tracking.upload import Upload, is_own_file
from gradmix.tracking.view import MLFLOW_STATUS, milliseconds, view_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_FOLDER = "gradmix.folder"
"""Tag of a run: the folder of its journal."""


@dataclass
class Tally:
    """The result of an ingester's work."""

    brought: list[Path] = field(default_factory=list)
    """Folders of journals that were imported, completely or in part."""
    deleted: set[Path] = field(default_factory=set)
    """Folders of journals whose runs were deleted in MLflow and stay deleted."""
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Ingester:
    """Imports journals into one store, which it opens for the first journal.

    `restores` restores runs that were deleted in MLflow; `is_thorough` checks a local store for damage.
    """

    def __init__(self, tracking: Tracking, restores: bool = False, is_thorough: bool = False) -> None:
        self.tracking, self.restores, self.is_thorough = tracking, restores, is_thorough
        self.uri = without_user(absolute_uri(tracking.uri or ""))
        self.tally = Tally()
        self._inventories: dict[str, Inventory] = {}
        self._notes: dict[Path, Note | None] = {}
        """Notes at the time when MLflow was asked. If a note has changed since, MLflow is asked again."""

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client."""
        return open_client(self.tracking, self.is_thorough, self.tally.remarks)

    def open(self) -> None:
        """Open the store and send a request; raise a StorageError if it does not answer."""
        with self._explained("cannot be opened"):
            self.client.search_experiments(max_results=1)

    def bring_in(self, folder: Path, seen: Run | None = None) -> StoredRun | None:
        """Import a journal, or its new events; return the run that shows it in MLflow, or None if it is not shown.

        `seen` is the journal's content, if it was read already.

        Raises
        ------
        StorageError
            If the journal cannot be read or the store rejects it. No data are lost, and the import can be repeated.
        """
        with self._explained(f"did not import {folder}"):
            seen = seen or read_run(folder)
            run = self._bring_in(folder, seen)
            if run is not None and seen.kind == "sweep" and seen.has_ended:
                self._adopt(seen, run)
            return run

    def bring_in_all(self, folders: Iterable[Path]) -> None:
        """Import journals in the given order.

        If a journal cannot be imported, the others follow; if the store no longer answers, the import ends.
        """
        try:
            for folder in folders:
                try:
                    self.bring_in(folder)
                except StorageError as error:
                    self.open()
                    self.tally.errors.append(str(error))
            now = time.time()
            for inventory in self._inventories.values():
                inventory.close(now)
        except StorageError as error:
            self.tally.errors.append(str(error))

    def not_ingested(self, runs_dir: Path, before: float) -> Iterator[Path]:
        """Yield journals for this store that, according to their notes, earlier sessions have not imported completely.

        Runs that began at `before` (seconds since 1970) or later belong to this session and are skipped.
        """
        for each in _readable(find_journals(runs_dir)):
            if each.began < before and is_meant_for(each, self.uri):
                note = read_note(each.folder)
                if note is None or note.size != each.size or not self._is_believed(note, each.started["name"]):
                    yield each.folder

    def everything(self, runs_dir: Path) -> Iterator[Path]:
        """Yield all journals, after loading the runs of their experiments from MLflow."""
        self.open()
        folders = list(find_journals(runs_dir))
        self._notes = {folder: read_note(folder) for folder in folders}
        readable = _readable(folders)
        for name in {each.started["name"] for each in readable}:
            inventory = self._inventory(name)
            if self.restores:
                inventory.restore()
            inventory.load()
        yield from (each.folder for each in readable)
        yield from sorted(set(folders) - {each.folder for each in readable})
        for inventory in self._inventories.values():
            inventory.withdraw_superseded()

    def _bring_in(self, folder: Path, seen: Run) -> StoredRun | None:
        inventory = self._inventory(seen.require("name"))
        if seen.started.get("sweep") or seen.kind == "sweep":
            inventory.load()  # many more jobs will follow
        parent = self._parent(folder, seen, inventory)  # before the note is locked: locking two notes could deadlock
        with noting(folder) as note:
            run = self._find(inventory, seen, note)
            competes = seen.kind != "sweep" and seen.status != "running"  # else two ingesters might withdraw both runs
            rivals = inventory.rivals(seen.run_key if competes else "")
            if any(rival.rank > _rank(seen) for rival in rivals if rival.journal_id != seen.require("run_id")):
                inventory.withdraw([run] if run and not run.is_deleted else [])
                run = None
            elif self._stays_deleted(inventory, run, note.note):
                self.tally.deleted.add(folder)
                if run is None:
                    return None
            else:
                run = self._give(inventory, folder, seen, run, parent, note)
                inventory.withdraw(other for other in rivals if other is not run)
            where = (run.run_id, run.experiment_id) if run else ("", "")
            note.write(Note(self.uri, *where, -1 if seen.status == "running" else seen.size, time.time()))
            self._notes[folder] = note.note
            inventory.is_touched = True
        return run

    def _find(self, inventory: Inventory, seen: Run, note: OpenNote) -> StoredRun | None:
        """Find the run of a journal; ask MLflow if this was not done, or if another ingester changed the note."""
        run = inventory.find(seen.require("run_id"))
        is_known = inventory.is_loaded and note.note == self._notes.get(seen.folder)
        if is_known or (run is not None and inventory.is_loaded and _is_whole(run, seen)):
            return run
        inventory.ask(seen.started)
        return inventory.find(seen.require("run_id"))

    def _stays_deleted(self, inventory: Inventory, run: StoredRun | None, note: Note | None) -> bool:
        """Whether a run was deleted in MLflow, perhaps permanently, and must not be restored."""
        if self.restores:
            return False
        if run is not None:
            return run.is_deleted
        was_there = note is not None and bool(note.run_id) and note.experiment_id == inventory.experiment_id
        return was_there and note is not None and self._is_believed(note, inventory.name)

    def _is_believed(self, note: Note, experiment: str) -> bool:
        """Whether a note describes the present store: not another one, and not reset to an earlier state since."""
        return note.uri == self.uri and note.size >= 0 and note.time <= self._inventory(experiment).until

    def _give(
        self,
        inventory: Inventory,
        folder: Path,
        seen: Run,
        run: StoredRun | None,
        parent: str | None,
        note: OpenNote,
    ) -> StoredRun:
        """Upload the parts of a journal that MLflow is missing; return the run that shows the journal."""
        if run is not None and run.is_deleted:
            self.client.restore_run(run.run_id)
            run.is_deleted = False
            self.tally.brought.append(folder)
        if run is not None and _is_whole(run, seen):
            if _has_more_artifacts(run, folder / ARTIFACTS, note.note):  # drawn later
                Upload(self.client, view_of(seen), folder, with_model=False).add_artifacts(run)
                self.tally.brought.append(folder)
            if (place := run.tags.get(_FOLDER)) and not has_journal(Path(place)):  # it was moved later
                run.tags[_FOLDER] = os.path.abspath(folder)
                self.client.set_tag(run.run_id, _FOLDER, run.tags[_FOLDER])
                self.tally.brought.append(folder)
            return run
        seen.verify()
        upload = Upload(self.client, view_of(seen), folder, self.tracking.models)
        if run is None:
            root = artifact_root(self.tracking)
            inventory.prepare(root and f"{root}/{seen.require('name')}")
            note.write(Note(self.uri))  # if this process dies now, the next ingester asks MLflow
            run, left_out = upload.make(inventory.experiment_id, parent)
            inventory.add(run)
        else:
            left_out = upload.complete(run)
        inventory.has_new = True
        inventory.columns |= columns_of(seen)
        self.tally.brought.append(folder)
        if left_out:
            more = f" and {len(left_out) - 1} more are" if len(left_out) > 1 else " is"
            self.tally.remarks.append(
                f"{left_out[0]}{more} not uploaded to MLflow: only files in the run's own folder are, and "
                "links to such files."
            )
        return run

    def _adopt(self, seen: Run, sweep: StoredRun) -> None:
        """Nest runs whose results a sweep has reused under that sweep, unless a newer sweep has reused them, too."""
        reused = {number: job for number, job in jobs_ended(seen).items() if job.get("reused")}
        for each in read_runs(
            job_folders(seen.folder, reused).values(), read_unchanged
        ).runs:  # an unreadable one is reported in its turn
            run = self.bring_in(each.folder, each)
            if run is None or run.is_deleted:
                continue
            parents = [each.get(run.tags.get("mlflow.parentRunId", "")) for each in self._inventories.values()]
            if all(parent.start_time < sweep.start_time for parent in parents if parent):
                self.client.set_tag(run.run_id, "mlflow.parentRunId", sweep.run_id)
                run.tags["mlflow.parentRunId"] = sweep.run_id

    def _inventory(self, name: str) -> Inventory:
        if name not in self._inventories:
            with self._explained("cannot be opened"):
                self._inventories[name] = Inventory(self.client, name)
        return self._inventories[name]

    def _parent(self, folder: Path, seen: Run, inventory: Inventory) -> str | None:
        """Return the MLflow ID of a job's sweep, or None. Import the sweep first if it belongs to this store."""
        sweep = seen.started.get("sweep")
        if not sweep:
            return None
        run = inventory.find(sweep)
        if run is None and has_journal(folder.parent):
            above = read_run(folder.parent)
            run = self.bring_in(folder.parent, above) if is_meant_for(above, self.uri) else None
        return run.run_id if run else None

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Turn errors of MLflow, and any others, into a StorageError that explains them."""
        try:
            yield
        except GradmixError:
            raise
        except Exception as error:
            raise StorageError(
                f"MLflow at {self.uri} {what}: {explain(error, self.uri)}. "
                f"Nothing is lost: `{how_to_sync(self.uri)}` imports everything later."
            ) from error


def sync(runs_dir: Path, tracking: Tracking, restores: bool = False) -> Tally:
    """Import every journal under `runs_dir` that the store is missing; with `restores` also those deleted in MLflow."""
    ingester = Ingester(tracking, restores, is_thorough=True)
    ingester.bring_in_all(ingester.everything(runs_dir))
    return ingester.tally


def is_meant_for(seen: Run, uri: str) -> bool:
    """Whether a run or sweep was meant to be tracked in the store at `uri`; ``gradmix sync`` handles the others."""
    wanted = seen.started.get("tracking")
    return isinstance(wanted, str) and without_user(absolute_uri(wanted)) == without_user(absolute_uri(uri))


def _readable(folders: Iterable[Path]) -> list[Run]:
    """Return the journals that can be imported; errors in the others are reported later, in their turn.

    Sweeps come before their jobs. Of runs with the same run key, the one to be shown comes first, so that none is
    uploaded unnecessarily.
    """
    runs = [run for run in read_runs(folders).runs if {"name", "run_id", "label"} <= set(run.started)]
    return sorted(runs, key=lambda run: (run.kind == "sweep", _rank(run)), reverse=True)


def _is_whole(run: StoredRun, seen: Run) -> bool:
    """Whether MLflow has the complete journal and, in a local store, the artifacts."""
    end = max(run.start_time, milliseconds(seen.last_time))
    if run.status == "RUNNING" or run.status != MLFLOW_STATUS[seen.status] or run.end_time != end:
        return False
    place, artifacts = local_folder(run.artifact_uri), seen.folder / ARTIFACTS
    return place is None or place.exists() or not artifacts.is_dir() or artifacts.is_symlink()


def _has_more_artifacts(run: StoredRun, folder: Path, note: Note | None) -> bool:
    """Whether a complete run has new artifacts: found by name in a local store, by modification time for a server."""
    files = [path for path in folder.iterdir() if is_own_file(path, folder.parent)] if folder.is_dir() else []
    place = local_folder(run.artifact_uri)
    if place is not None:
        return any(not (place / path.name).exists() for path in files)
    return note is not None and any(path.stat().st_mtime > note.time for path in files)


def _rank(seen: Run) -> Rank:
    return rank(MLFLOW_STATUS[seen.status], milliseconds(seen.began), str(seen.require("run_id")))
