"""The ingester: brings journals into MLflow, in batches, as often as one likes: the second time changes nothing.

Beside each journal stands ``tracked.json``, the mark: where the journal went and how much of it. It is the lock, too,
so that two ingesters never bring in one journal at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from gradmix.config.spec import Tracking
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.runs.journal import FILE_NAME, Record, find_journals, read_journal
from gradmix.runs.runner import ARTIFACTS
from gradmix.tracking.store import absolute_uri, artifact_root, open_client, store_identity
from gradmix.tracking.view import View, view_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARK = "tracked.json"
_ENTITIES_PER_BATCH = 1000
_PARAMS_PER_BATCH = 100

Item = TypeVar("Item")


@dataclass(frozen=True)
class Mark:
    """What of a journal MLflow has.

    Parameters
    ----------
    uri, store
        The store, and what tells it from another one at the same place.
    run_id, experiment_id
        MLflow's own; empty while the run is being made.
    size
        How many bytes of the journal are in.
    status
        The run's status then; a running one is looked at again.
    """

    uri: str
    store: str = ""
    run_id: str = ""
    experiment_id: str = ""
    size: int = -1
    status: str = "running"

    def is_of(self, uri: str) -> bool:
        """Whether it speaks of the store that is there now."""
        return self.uri == uri and self.store == store_identity(uri)

    def is_done(self, uri: str, folder: Path) -> bool:
        """Whether there is nothing left to bring in."""
        size = (folder / FILE_NAME).stat().st_size
        return self.is_of(uri) and self.size == size and self.status != "running"


def read_mark(folder: Path) -> Mark | None:
    """Read a journal's mark, if it has one."""
    try:
        return Mark(**json.loads((folder / MARK).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def pending(runs_dir: Path, tracking: Tracking) -> list[Path]:
    """Folders of journals that the store does not have in full yet, a sweep before its jobs."""
    uri = absolute_uri(tracking.uri or "")
    return [folder for folder in find_journals(runs_dir) if not _is_done(folder, uri)]


def wants_tracking(folder: Path) -> bool:
    """Whether a run or sweep was to be tracked at all; one by tracking=none is left to ``gradmix sync``."""
    with (folder / FILE_NAME).open("rb") as file:
        try:
            return json.loads(file.readline()).get("tracking") is not None
        except (ValueError, AttributeError):
            return False


def _is_done(folder: Path, uri: str) -> bool:
    mark = read_mark(folder)
    return mark is not None and mark.is_done(uri, folder)


class Ingester:
    """Brings journals into one store.

    Parameters
    ----------
    tracking
        The store. It is opened when the first journal comes.
    """

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self.uri = absolute_uri(tracking.uri or "")
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
                f"MLflow at {self.uri} cannot be opened: {_first_line(error)}. "
                "Nothing is lost: `gradmix sync` brings all in later."
            ) from error

    def bring_in(self, folder: Path) -> Mark:
        """Bring in a journal, or what is new in it.

        Raises
        ------
        StorageError
            If the journal cannot be read or the store does not take it. Nothing is lost by that.
        """
        try:
            with _marking(folder) as file:
                return self._bring_in(folder, file)
        except GradmixError:
            raise
        except Exception as error:
            raise StorageError(
                f"MLflow at {self.uri} did not take {folder}: {_first_line(error)}. "
                "Nothing is lost: `gradmix sync` brings it in later."
            ) from error

    def _bring_in(self, folder: Path, file: IO[str]) -> Mark:
        mark = _parse_mark(file.read())
        if mark and mark.is_done(self.uri, folder):
            return mark
        size = (folder / FILE_NAME).stat().st_size
        record = read_journal(folder)
        view = view_of(record)
        experiment = self._experiment(view.experiment)
        run_id = self._known_run(mark, experiment, view)
        if not run_id:
            _write_mark(file, Mark(self.uri, store_identity(self.uri)))
            run_id = self._create_run(experiment, view, self._parent(record))
        self._log(run_id, view, record.folder / ARTIFACTS)
        done = Mark(self.uri, store_identity(self.uri), run_id, experiment, size, record.status)
        _write_mark(file, done)
        return done

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
        """The run of an earlier, perhaps interrupted, ingestion into this store."""
        if mark is None:
            return ""
        return mark.run_id if mark.run_id and mark.is_of(self.uri) else self._search(experiment, view)

    def _search(self, experiment: str, view: View) -> str:
        query = f"tags.`gradmix.run_id` = '{view.tags['gradmix.run_id']}'"
        found = self.client.search_runs([experiment], query, max_results=1)
        return str(found[0].info.run_id) if found else ""

    def _parent(self, record: Record) -> str | None:
        """MLflow's run of the sweep that a job belongs to, brought in first if need be."""
        if not record.started.get("sweep") or not (record.folder.parent / FILE_NAME).exists():
            return None
        mark = read_mark(record.folder.parent)
        is_known = mark is not None and mark.run_id and mark.is_of(self.uri)
        return mark.run_id if mark and is_known else self.bring_in(record.folder.parent).run_id

    def _create_run(self, experiment: str, view: View, parent: str | None) -> str:
        tags = {**view.tags, **({"mlflow.parentRunId": parent} if parent else {})}
        run = self.client.create_run(experiment, start_time=view.start_time, tags=tags, run_name=view.run_name)
        return str(run.info.run_id)

    def _log(self, run_id: str, view: View, artifacts: Path) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(point.key, point.value, point.time, point.step) for point in view.points]
        params = [Param(key, value) for key, value in view.params.items()]
        tags = [RunTag(key, value) for key, value in view.tags.items()]
        first = _ENTITIES_PER_BATCH - _PARAMS_PER_BATCH - len(tags)  # most runs fit into one request
        self.client.log_batch(run_id, metrics[:first], params[:_PARAMS_PER_BATCH], tags)
        for some_metrics in _chunks(metrics[first:], _ENTITIES_PER_BATCH):
            self.client.log_batch(run_id, metrics=some_metrics)
        for some_params in _chunks(params[_PARAMS_PER_BATCH:], _PARAMS_PER_BATCH):
            self.client.log_batch(run_id, params=some_params)
        if artifacts.is_dir():
            self.client.log_artifacts(run_id, str(artifacts))
        if view.status != "RUNNING":
            self.client.set_terminated(run_id, view.status, view.end_time)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@contextmanager
def _marking(folder: Path) -> Iterator[IO[str]]:
    with os.fdopen(os.open(folder / MARK, os.O_RDWR | os.O_CREAT, 0o644), "r+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield file


def _parse_mark(text: str) -> Mark | None:
    try:
        return Mark(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return Mark("")  # a mark that was cut off: somebody began, so look before making a run


def _write_mark(file: IO[str], mark: Mark) -> None:
    file.seek(0)
    file.write(json.dumps(asdict(mark)))
    file.flush()
    file.truncate()  # last, so that the mark is never empty: that would mean that nobody has begun


def sync(runs_dir: Path, tracking: Tracking) -> tuple[list[Mark], list[str]]:
    """Bring in every journal under `runs_dir` that the store does not have; the marks, and what went wrong."""
    ingester = Ingester(tracking)
    marks: list[Mark] = []
    errors: list[str] = []
    try:
        ingester.open()
    except StorageError as error:
        return marks, [str(error)]
    for folder in pending(runs_dir, tracking):
        try:
            marks.append(ingester.bring_in(folder))
        except StorageError as error:
            errors.append(str(error))
    return marks, errors
