"""The ingester: brings journals into MLflow, in batches, as often as one likes: the second time changes nothing.

MLflow itself is asked what it has. A run that it shows as ended, at the time of its journal's last event, is in.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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
from gradmix.sweeps.reading import job_folder
from gradmix.tracking.columns import columns_of
from gradmix.tracking.inventory import Inventory, Rank, StoredRun, rank
from gradmix.tracking.note import Note, OpenNote, noting, read_note
from gradmix.tracking.store import absolute_uri, artifact_root, file_state, local_folder, open_client
from gradmix.tracking.trouble import explain, how_to_sync
from gradmix.tracking.upload import Upload, is_own_file
from gradmix.tracking.view import MLFLOW_STATUS, milliseconds, view_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_FOLDER = "gradmix.folder"
"""Tag of a run: where its journal is."""

_MARK = ".tracked.json"
"""File in a folder of runs: all of them were in a store when its file was in this state."""


@dataclass
class Tally:
    """What an ingester did."""

    brought: list[Path] = field(default_factory=list)
    """Folders of journals that were brought in, whole or in part."""
    deleted: set[Path] = field(default_factory=set)
    """Folders of journals whose runs were deleted in MLflow, and stay so."""
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Ingester:
    """Brings journals into one store, which is opened when the first journal comes.

    `restores` brings back runs that were deleted in MLflow; `is_thorough` checks a local store for damage.
    """

    def __init__(self, tracking: Tracking, restores: bool = False, is_thorough: bool = False) -> None:
        self.tracking, self.restores, self.is_thorough = tracking, restores, is_thorough
        self.uri = without_user(absolute_uri(tracking.uri or ""))
        self.tally = Tally()
        self._inventories: dict[str, Inventory] = {}
        self._known_until = -math.inf
        self._notes: dict[Path, Note | None] = {}
        """Notes as they were when MLflow was asked; one that has changed since means: ask again."""

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client."""
        return open_client(self.tracking, self.is_thorough, self.tally.remarks)

    def open(self) -> None:
        """Open the store, and ask it something. One that does not answer is a StorageError."""
        with self._explained("cannot be opened"):
            self.client.search_experiments(max_results=1)

    def bring_in(self, folder: Path, seen: Run | None = None) -> StoredRun | None:
        """Bring in a journal, or what is new in it; the run that shows it, or None if it is not to be shown.

        `seen` is its summary, if that was made already.

        Raises
        ------
        StorageError
            If the journal cannot be read or the store does not take it. Nothing is lost by that.
        """
        with self._explained(f"did not take {folder}"):
            seen = seen or read_run(folder)
            run = self._bring_in(folder, seen)
            if run is not None and seen.kind == "sweep" and seen.has_ended:
                self._adopt(seen, run)
            return run

    def bring_in_all(self, folders: Iterable[Path], runs_dir: Path) -> None:
        """Bring in journals as they come, among them all that `runs_dir` has for this store.

        One that cannot be brought in does not stop the others; a store that does not answer any more does.
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
        if self._inventories and not self.tally.errors:
            with suppress(OSError):  # whoever finds no mark asks MLflow
                (runs_dir / _MARK).write_text(json.dumps([self.uri, file_state(self.uri), now]), encoding="utf-8")

    def left_behind(self, runs_dir: Path, before: float) -> Iterator[Path]:
        """Journals meant for this store that earlier sessions have not brought in, as their notes say.

        Runs that began after `before`, in seconds since 1970, are this session's own.
        """
        self._known_until = self._read_mark(runs_dir)
        for each in _readable(find_journals(runs_dir)):
            if each.began < before and is_meant_for(each, self.uri):
                note = read_note(each.folder)
                if note is None or note.size != each.size or not self._is_believed(note, each.started["name"]):
                    yield each.folder

    def everything(self, runs_dir: Path) -> Iterator[Path]:
        """All journals; their experiments are asked beforehand for what they have."""
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

    def _read_mark(self, runs_dir: Path) -> float:
        """Since when the file of a local store is as an ingester left it: MLflow need not be asked about older notes.

        A server, and a store that another program wrote to since, has to be asked.
        """
        try:
            uri, state, since = json.loads((runs_dir / _MARK).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return -math.inf
        is_as_left = state is not None and (uri, state) == (self.uri, file_state(self.uri))
        return since if is_as_left and isinstance(since, float) else -math.inf

    def _bring_in(self, folder: Path, seen: Run) -> StoredRun | None:
        inventory = self._inventory(seen.require("name"))
        if seen.started.get("sweep") or seen.kind == "sweep":
            inventory.load()  # many more will come
        parent = self._parent(folder, seen, inventory)  # before the note is held: who holds two may wait forever
        with noting(folder) as note:
            run = self._find(inventory, seen, note)
            competes = seen.kind != "sweep" and seen.status != "running"  # two ingesters would withdraw each other's
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
        """The run of a journal; MLflow is asked if we have not, or if another ingester was here since."""
        run = inventory.find(seen.require("run_id"))
        is_known = inventory.is_loaded and note.note == self._notes.get(seen.folder)
        if is_known or (run is not None and inventory.is_loaded and _is_whole(run, seen)):
            return run
        inventory.ask(seen.started)
        return inventory.find(seen.require("run_id"))

    def _stays_deleted(self, inventory: Inventory, run: StoredRun | None, note: Note | None) -> bool:
        """Whether a run was deleted in MLflow, perhaps for good, and is not to be brought back."""
        if self.restores:
            return False
        if run is not None:
            return run.is_deleted
        was_there = note is not None and bool(note.run_id) and note.experiment_id == inventory.experiment_id
        return was_there and note is not None and self._is_believed(note, inventory.name)

    def _is_believed(self, note: Note, experiment: str) -> bool:
        """Whether the store that is there now is the one that a note speaks of, and not an earlier state of it."""
        is_of_store = note.uri == self.uri and note.size >= 0
        return is_of_store and (note.time <= self._known_until or note.time <= self._inventory(experiment).until)

    def _give(
        self,
        inventory: Inventory,
        folder: Path,
        seen: Run,
        run: StoredRun | None,
        parent: str | None,
        note: OpenNote,
    ) -> StoredRun:
        """Give MLflow what it does not have of a journal; the run that shows it."""
        if run is not None and run.is_deleted:
            self.client.restore_run(run.run_id)
            run.is_deleted = False
            self.tally.brought.append(folder)
        if run is not None and _is_whole(run, seen):
            if _has_more_artifacts(run, folder / ARTIFACTS, note.note):  # drawn since
                Upload(self.client, view_of(seen), folder, with_model=False).add_artifacts(run)
                self.tally.brought.append(folder)
            if (place := run.tags.get(_FOLDER)) and not has_journal(Path(place)):  # it was moved since
                run.tags[_FOLDER] = os.path.abspath(folder)
                self.client.set_tag(run.run_id, _FOLDER, run.tags[_FOLDER])
                self.tally.brought.append(folder)
            return run
        seen.verify()
        upload = Upload(self.client, view_of(seen), folder, self.tracking.models)
        if run is None:
            root = artifact_root(self.tracking)
            inventory.prepare(root and f"{root}/{seen.require('name')}")
            note.write(Note(self.uri))  # whoever finds this asks MLflow
            run, left_out = upload.make(inventory.experiment_id, parent)
            inventory.add(run)
        else:
            left_out = upload.complete(run)
        inventory.has_new = True
        inventory.columns |= columns_of(seen)
        self.tally.brought.append(folder)
        if left_out:
            more = f" and {len(left_out) - 1} more stay" if len(left_out) > 1 else " stays"
            self.tally.remarks.append(
                f"{left_out[0]}{more} out of MLflow: only files in the run's own folder are uploaded, and "
                "links to such files."
            )
        return run

    def _adopt(self, seen: Run, sweep: StoredRun) -> None:
        """Nest runs whose results a sweep has reused under it, unless a newer one has reused them, too."""
        jobs = seen.events_named("job")
        reused = [job_folder(seen.folder, job["folder"]) for job in jobs if job.get("reused") and job.get("folder")]
        for each in read_runs(reused, read_unchanged).runs:  # what is wrong with another is said when its turn comes
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
        """The run of the sweep that a job belongs to, brought in first if it is meant to be there."""
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
        """Turn errors of MLflow, and of anything else, into a StorageError that explains them."""
        try:
            yield
        except GradmixError:
            raise
        except Exception as error:
            raise StorageError(
                f"MLflow at {self.uri} {what}: {explain(error, self.uri)}. "
                f"Nothing is lost: `{how_to_sync(self.uri)}` brings everything in later."
            ) from error


def sync(runs_dir: Path, tracking: Tracking, restores: bool = False) -> Tally:
    """Bring in every journal under `runs_dir` that the store does not have; `restores` also what was deleted there."""
    ingester = Ingester(tracking, restores, is_thorough=True)
    ingester.bring_in_all(ingester.everything(runs_dir), runs_dir)
    return ingester.tally


def is_meant_for(seen: Run, uri: str) -> bool:
    """Whether a run or sweep was to be tracked in the store at `uri`; any other is left to ``gradmix sync``."""
    wanted = seen.started.get("tracking")
    return isinstance(wanted, str) and without_user(absolute_uri(wanted)) == without_user(absolute_uri(uri))


def _readable(folders: Iterable[Path]) -> list[Run]:
    """The journals that can be brought in; what is wrong with another one is said when its turn comes.

    Sweeps come before their jobs; of runs that computed the same the one to be shown comes first, so that no other is
    made in vain.
    """
    runs = [run for run in read_runs(folders).runs if {"name", "run_id", "label"} <= set(run.started)]
    return sorted(runs, key=lambda run: (run.kind == "sweep", _rank(run)), reverse=True)


def _is_whole(run: StoredRun, seen: Run) -> bool:
    """Whether MLflow has all of a journal, and of a local store the artifacts, too."""
    end = max(run.start_time, milliseconds(seen.last_time))
    if run.status == "RUNNING" or run.status != MLFLOW_STATUS[seen.status] or run.end_time != end:
        return False
    place, artifacts = local_folder(run.artifact_uri), seen.folder / ARTIFACTS
    return place is None or place.exists() or not artifacts.is_dir() or artifacts.is_symlink()


def _has_more_artifacts(run: StoredRun, folder: Path, note: Note | None) -> bool:
    """Whether a run that is there in full has got artifacts since: by name in a local store, by age for a server."""
    files = [path for path in folder.iterdir() if is_own_file(path, folder.parent)] if folder.is_dir() else []
    place = local_folder(run.artifact_uri)
    if place is not None:
        return any(not (place / path.name).exists() for path in files)
    return note is not None and any(path.stat().st_mtime > note.time for path in files)


def _rank(seen: Run) -> Rank:
    return rank(MLFLOW_STATUS[seen.status], milliseconds(seen.began), str(seen.require("run_id")))
