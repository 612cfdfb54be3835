"""Upload the content of a journal to a run in MLflow, with as few requests as possible."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gradmix.runs.artifacts import ARTIFACTS
from gradmix.tracking.description import TRACEBACK
from gradmix.tracking.inventory import StoredRun
from gradmix.tracking.model import (
    FILE_NAME,
    NAME,
    columns_schema,
    description,
    read_model_file,
    utc,
    write_model_folder,
)
from gradmix.tracking.store import local_folder
from gradmix.tracking.view import View

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset

_METRICS_PER_BATCH = 800
_OTHERS_PER_BATCH = 100
"""MLflow accepts 1,000 items in a request, of which at most 100 are parameters and 100 are tags."""

_LONGEST_SCHEMA = 1_000_000

Item = TypeVar("Item")


class Upload:
    """The upload of one journal to MLflow.

    If the run has a fitted model, it becomes an MLflow model among the artifacts, ``runs:/…/model``.
    """

    def __init__(self, client: MlflowClient, view: View, folder: Path, with_model: bool) -> None:
        self._client, self._view, self._folder = client, view, folder
        self._model_file = folder / ARTIFACTS / FILE_NAME
        wants = with_model and view.status == "FINISHED" and is_own_file(self._model_file, folder)
        self._content = read_model_file(self._model_file) if wants else None

    def make(self, experiment_id: str, parent: str | None) -> tuple[StoredRun, list[Path]]:
        """Create a run, nested under its parent, and fill it; return the run and the artifacts that were left out."""
        nested = {"mlflow.parentRunId": parent} if parent else {}
        tags, view = {**self._tags(), **nested}, self._view
        run = StoredRun.of(self._client.create_run(experiment_id, view.start_time, tags, view.run_name))
        return run, self._fill(run, {})

    def complete(self, run: StoredRun) -> list[Path]:
        """Fill a run that exists, without duplicating its content; return the artifacts that were left out."""
        return self._fill(run, self._tags())

    def add_artifacts(self, run: StoredRun) -> list[Path]:
        """Upload the run's artifacts; return those that were left out."""
        files = self._folder / ARTIFACTS
        if not files.is_dir() and not self._view.traceback:
            return []
        with _artifact_folder(self._client, run) as target:
            left_out = _copy_own_files(files, self._folder, target)
            if self._view.traceback:
                (target / TRACEBACK).write_text(self._view.traceback, encoding="utf-8")
            if self._content is not None:
                about = {"run_id": run.run_id, "artifact_path": NAME, "utc_time_created": utc(self._view.end_time)}
                write_model_folder(target / NAME, self._model_file, self._content, **about, model_uuid=run.run_id)
        return left_out

    def _fill(self, run: StoredRun, tags: Mapping[str, str]) -> list[Path]:
        """Fill a run. Its end is set last, so that a run that MLflow shows as ended is complete."""
        from mlflow.entities import Metric, Param, RunTag

        client, view = self._client, self._view
        batches = zip_longest(
            _chunks([Metric(*point) for point in view.points], _METRICS_PER_BATCH),
            _chunks([Param(*each) for each in view.params.items()], _OTHERS_PER_BATCH),
            _chunks([RunTag(*each) for each in tags.items()], _OTHERS_PER_BATCH),
            fillvalue=(),
        )
        for metrics, params, some_tags in batches:
            client.log_batch(run.run_id, metrics, params, some_tags)
        if view.inputs:
            self._log_inputs(run)
        left_out = self.add_artifacts(run)
        run.tags.update(tags)
        if view.status != "RUNNING":
            client.set_terminated(run.run_id, view.status, view.end_time)
            run.status, run.end_time = view.status, view.end_time
        return left_out

    def _tags(self) -> Mapping[str, str]:
        """Return the view's tags; if there is a model, with the tag by which MLflow finds it."""
        if self._content is None:
            return self._view.tags
        history = [{"artifact_path": NAME, "utc_time_created": utc(self._view.end_time), **description()}]
        return {**self._view.tags, "mlflow.log-model.history": json.dumps(history)}

    def _log_inputs(self, run: StoredRun) -> None:
        from mlflow.entities import DatasetInput, InputTag
        from mlflow.exceptions import MlflowException

        context = InputTag("mlflow.data.context", "training")
        inputs = [DatasetInput(_dataset(each), [context]) for each in self._view.inputs]
        try:
            self._client.log_inputs(run.run_id, inputs)
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":  # the database refused the rows
                raise
            # MLflow searches for the data set, then adds it. Another process added it in between; now MLflow finds it.
            self._client.log_inputs(run.run_id, inputs)


def is_own_file(path: Path, run: Path) -> bool:
    """Whether a path, after resolving links, is a file in a run's folder."""
    return path.is_file() and path.resolve().is_relative_to(run.resolve())


def _copy_own_files(folder: Path, run: Path, target: Path) -> list[Path]:
    """Copy the files of a folder within a run's folder.

    Return the paths that are left out: links that lead out of the run's folder or to folders, and special files.
    """
    if folder.is_symlink():
        return [folder]
    left_out = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            left_out += _copy_own_files(path, run, target / path.name)
        elif is_own_file(path, run):
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)
        else:
            left_out.append(path)
    return left_out


@contextmanager
def _artifact_folder(client: MlflowClient, run: StoredRun) -> Iterator[Path]:
    """Provide a folder whose files become a run's artifacts; in a local store it is MLflow's own artifact folder."""
    local = local_folder(run.artifact_uri)
    if local is not None:
        local.mkdir(parents=True, exist_ok=True)
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="gradmix-") as temporary:
        yield Path(temporary)
        client.log_artifacts(run.run_id, temporary)


def _dataset(described: Mapping[str, Any]) -> Dataset:
    """Return a data set of a journal in the form in which MLflow describes a pandas table."""
    from mlflow.entities import Dataset

    if described["source"]:
        kind, source = "local", {"uri": described["source"]}
    else:
        kind, source = "code", {"tags": {"mlflow.source.type": "LOCAL", "mlflow.source.name": described["name"]}}
    schema = json.dumps({"mlflow_colspec": columns_schema(described["columns"])})
    rows, columns = described["rows"], len(described["columns"])
    return Dataset(
        *(described["name"], described["digest"], kind, json.dumps(source)),
        schema=schema if len(schema) <= _LONGEST_SCHEMA else None,
        profile=json.dumps({"num_rows": rows, "num_elements": rows * columns}),
    )


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
