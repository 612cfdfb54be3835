"""The ingester: brings journals into MLflow, in batches, as often as one likes: the second time changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gradmix.config.spec import Tracking
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.journal.folder import FILE_NAME, find_journals
from gradmix.journal.reading import Run, read_run, read_start
from gradmix.tracking.bulk import Bulk
from gradmix.tracking.mark import Mark, marking, parse_mark, read_mark, write_mark
from gradmix.tracking.newest import Newest
from gradmix.tracking.store import absolute_uri, artifact_root, open_client, store_identity
from gradmix.tracking.trouble import explain, how_to_sync
from gradmix.tracking.upload import Target, find_source, upload, upload_new
from gradmix.tracking.view import View, view_of

SUPERSEDED = "superseded"
"""Status of a mark: another journal computed the same and tells more; MLflow shows that one."""

ADOPTED = "gradmix.adopted"
"""Tag of a run under a sweep that reused it: when that sweep began."""

if TYPE_CHECKING:
    from mlflow import MlflowClient


def pending(runs_dir: Path, tracking: Tracking) -> list[Path]:
    """Folders of journals that the store does not have in full yet, a sweep before its jobs."""
    uri = absolute_uri(tracking.uri or "")
    return [folder for folder in find_journals(runs_dir) if not _is_done(folder, uri)]


def is_meant_for(folder: Path, uri: str) -> bool:
    """Whether a run or sweep was to be tracked in the store at `uri`; any other is left to ``gradmix sync``."""
    wanted = read_start(folder).get("tracking")
    return wanted is not None and absolute_uri(wanted) == absolute_uri(uri)


def _is_done(folder: Path, uri: str) -> bool:
    mark = read_mark(folder)
    return mark is not None and mark.is_done(uri, folder)


class Ingester:
    """Brings journals into one store.

    Parameters
    ----------
    tracking
        The store. It is opened when the first journal comes.
    since
        A run that began later, in seconds since 1970, and has no mark was never brought in: no need to look for it.
    newest
        Knows the journals that share a ``run_key``; it alone is to be shown that tells most.
    """

    def __init__(self, tracking: Tracking, since: float = math.inf, newest: Newest | None = None) -> None:
        self.tracking, self.since = tracking, since
        self.newest = newest or Newest(None)
        self.uri = absolute_uri(tracking.uri or "")
        self.bulk = Bulk(self.uri)
        self._experiments: dict[str, str] = {}

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client."""
        return open_client(self.tracking)

    def open(self) -> None:
        """Open the store, and ask it something.

        Raises
        ------
        StorageError
            If it does not answer.
        """
        try:
            self.client.search_experiments(max_results=1)
        except Exception as error:
            raise StorageError(
                f"MLflow at {self.uri} cannot be opened: {explain(error, self.uri)}. "
                f"Nothing is lost: `{how_to_sync(self.uri)}` brings all in later."
            ) from error

    def bring_in(self, folder: Path) -> Mark:
        """Bring in a journal, or what is new in it.

        Raises
        ------
        StorageError
            If the journal cannot be read or the store does not take it. Nothing is lost by that.
        """
        try:
            was = read_mark(folder)
            with marking(folder) as file:
                mark = self._bring_in(folder, file)
            if mark != was:  # not before: who holds two marks may wait for ever
                for superseded in self.newest.superseded_by(folder):
                    self._withdraw(superseded)
                self._adopt(folder, mark)
            return mark
        except GradmixError:
            raise
        except Exception as error:
            raise StorageError(
                f"MLflow at {self.uri} did not take {folder}: {explain(error, self.uri)}. "
                f"Nothing is lost: `{how_to_sync(self.uri)}` brings it in later."
            ) from error

    def _bring_in(self, folder: Path, file: IO[str]) -> Mark:
        mark = parse_mark(file.read())
        if mark and mark.is_done(self.uri, folder):
            return mark
        size = (folder / FILE_NAME).stat().st_size
        run = read_run(folder)
        run.verify()
        if self.newest.is_superseded(folder):
            return self._take_back(mark, file, size)
        view = view_of(run)
        experiment = self._experiment(view.experiment)
        source = find_source(view, folder) if self.tracking.models else None
        run_id = self._known_run(mark, experiment, view)
        if run_id:
            upload(self.client, Target(run_id, experiment), view, folder, source)
        else:
            write_mark(file, Mark(self.uri, store_identity(self.uri)))
            run_id = upload_new(self.client, self.bulk, experiment, view, self._parent(run), folder, source)
        done = Mark(self.uri, store_identity(self.uri), run_id, experiment, size, run.status)
        write_mark(file, done)
        return done

    def _withdraw(self, folder: Path) -> None:
        """Take a run out of MLflow's sight, since another one of the same key tells more."""
        with marking(folder) as file:
            mark = parse_mark(file.read())
            if mark is None or mark.status != SUPERSEDED:
                self._take_back(mark, file, (folder / FILE_NAME).stat().st_size)

    def _take_back(self, mark: Mark | None, file: IO[str], size: int) -> Mark:
        if mark is not None and mark.run_id and mark.is_of(self.uri):
            self.client.delete_run(mark.run_id)  # MLflow keeps it, and can restore it
        superseded = Mark(self.uri, store_identity(self.uri), size=size, status=SUPERSEDED)
        write_mark(file, superseded)
        return superseded

    def _adopt(self, folder: Path, sweep: Mark) -> None:
        """Put runs whose results a sweep has reused under it when it has ended, if no newer one has them."""
        if read_start(folder).get("kind") != "sweep" or not (run := read_run(folder)).has_ended:
            return
        reused = [each["folder"] for each in run.events_named("job") if each.get("reused") and each.get("folder")]
        for place in reused:
            if not (folder / place / FILE_NAME).exists():
                continue
            try:
                read_run(folder / place).verify()
            except StorageError:
                continue  # it is told of when its own turn comes
            run_id = self.bring_in(folder / place).run_id
            if run_id and float(self.client.get_run(run_id).data.tags.get(ADOPTED, 0)) < run.began:
                self.client.set_tag(run_id, "mlflow.parentRunId", sweep.run_id)
                self.client.set_tag(run_id, ADOPTED, repr(run.began))

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            self._experiments[name] = self._find_or_create_experiment(name)
        return self._experiments[name]

    def _find_or_create_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            root = artifact_root(self.tracking)
            try:
                return str(self.client.create_experiment(name, f"{root}/{name}" if root else None))
            except MlflowException:
                found = self.client.get_experiment_by_name(name)  # somebody else was faster
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise StorageError(
                f"the experiment {name!r} was deleted in MLflow; restore it there, or choose another name=…"
            )
        return str(found.experiment_id)

    def _known_run(self, mark: Mark | None, experiment: str, view: View) -> str:
        """The run of an earlier ingestion into this store, perhaps interrupted, perhaps with its mark deleted."""
        if mark and mark.run_id and mark.is_of(self.uri):
            return mark.run_id
        is_fresh = mark is None and view.start_time > self.since * 1000
        return "" if is_fresh else self._search(experiment, view)

    def _search(self, experiment: str, view: View) -> str:
        known = self.bulk.find(experiment, view.tags["gradmix.run_id"])
        if known is not None:
            return known
        query = f"tags.`gradmix.run_id` = '{view.tags['gradmix.run_id']}'"
        found = self.client.search_runs([experiment], query, max_results=1)
        return str(found[0].info.run_id) if found else ""

    def _parent(self, run: Run) -> str | None:
        """MLflow's run of the sweep that a job belongs to, brought in first if it is meant to be there."""
        sweep = run.folder.parent
        if not run.started.get("sweep") or not (sweep / FILE_NAME).exists():
            return None
        mark = read_mark(sweep)
        if mark is not None and mark.run_id and mark.is_of(self.uri):
            return mark.run_id
        return self.bring_in(sweep).run_id if is_meant_for(sweep, self.uri) else None


def bring_in_all(ingester: Ingester, folders: Iterable[Path]) -> tuple[list[Mark], list[str]]:
    """Open the store, then bring in journals as they come; the marks, and what went wrong.

    A journal that cannot be brought in does not stop the others; a store that answers no more does.
    """
    marks: list[Mark] = []
    errors: list[str] = []
    try:
        ingester.open()
        for folder in folders:
            try:
                marks.append(ingester.bring_in(folder))
            except StorageError as error:
                ingester.open()
                errors.append(str(error))
    except StorageError as error:
        errors.append(str(error))
    return marks, errors


def sync(runs_dir: Path, tracking: Tracking) -> tuple[list[Mark], list[str]]:
    """Bring in every journal under `runs_dir` that the store does not have; the marks, and what went wrong."""
    ingester = Ingester(tracking, newest=Newest(runs_dir))
    return bring_in_all(ingester, pending(runs_dir, tracking))
