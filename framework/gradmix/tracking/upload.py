"""Everything that a journal says, given to one run of MLflow's, in as few requests as there can be."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gradmix.runs.artifacts import ARTIFACTS
from gradmix.tracking.bulk import Bulk
from gradmix.tracking.entities import inputs_of, metrics_of, params_of, run_tags
from gradmix.tracking.model import FILE_NAME, NAME, Source, description, read_source, utc, write_model_folder
from gradmix.tracking.view import View

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

_ENTITIES_PER_BATCH = 1000
_PARAMS_PER_BATCH = 100

Item = TypeVar("Item")


@dataclass(frozen=True)
class Target:
    """A run of MLflow's.

    Parameters
    ----------
    run_id, experiment_id
        MLflow's own.
    artifact_uri
        Where its artifacts go; empty if that is not known.
    is_new
        Whether it was made just now, tags and all, so that there is nothing in it to look for.
    """

    run_id: str
    experiment_id: str
    artifact_uri: str = ""
    is_new: bool = False


def upload_new(
    client: MlflowClient,
    bulk: Bulk,
    experiment_id: str,
    view: View,
    parent: str | None,
    folder: Path,
    source: Source | None,
) -> str:
    """Make a run, and log everything; its id.

    A sweep's jobs, which come by the hundred, go the short way if the store has one.

    Parameters
    ----------
    client, bulk, experiment_id
        Where.
    view
        What.
    parent
        The run that it stands under.
    folder, source
        As for `upload`.
    """
    tags = {**_tags(view, bool(source)), **({"mlflow.parentRunId": parent} if parent else {})}
    if view.is_job:
        run_id = bulk.write(experiment_id, view, tags, partial(_write_files, view, folder / ARTIFACTS, source))
        if run_id is not None:
            return run_id
    run = client.create_run(experiment_id, start_time=view.start_time, tags=tags, run_name=view.run_name)
    target = Target(run.info.run_id, experiment_id, run.info.artifact_uri, is_new=True)
    upload(client, target, view, folder, source)
    return target.run_id


def find_source(view: View, folder: Path) -> Source | None:
    """The model that a run has left, if there is one and it is whole."""
    return read_source(folder / ARTIFACTS / FILE_NAME) if view.status == "FINISHED" else None


def upload(client: MlflowClient, run: Target, view: View, folder: Path, source: Source | None) -> None:
    """Log everything; what is there already stays as it is.

    Parameters
    ----------
    client, run
        Where.
    view
        What.
    folder
        The run's own, with its artifacts.
    source
        Its model, if that is to be logged: among its artifacts; outside a sweep also in MLflow's list of models, which
        costs as much as all the rest.
    """
    model = _logged_model(client, run, view) if source and not view.is_job else None
    tags = {} if run.is_new else _tags(view, bool(source))
    _log_batches(client, run, view, tags, model)
    if view.inputs:
        _log_inputs(client, run, view)
    if (folder / ARTIFACTS).is_dir():
        _log_artifacts(client, run, folder / ARTIFACTS)
    if source:
        _log_model(client, run, view, source, model)
    if view.status != "RUNNING":
        client.set_terminated(run.run_id, view.status, view.end_time)


def _tags(view: View, with_model: bool) -> Mapping[str, str]:
    """The view's tags; the model among the artifacts is known to MLflow by one more."""
    if not with_model:
        return view.tags
    history = [{"artifact_path": NAME, "utc_time_created": utc(view.end_time), **description()}]
    return {**view.tags, "mlflow.log-model.history": json.dumps(history)}


def _log_batches(
    client: MlflowClient, run: Target, view: View, tags: Mapping[str, str], model: LoggedModel | None
) -> None:
    metrics, params = metrics_of(view, model.model_id if model else None), params_of(view)
    first = _ENTITIES_PER_BATCH - _PARAMS_PER_BATCH - len(tags)  # most runs fit into one request
    client.log_batch(run.run_id, metrics[:first], params[:_PARAMS_PER_BATCH], run_tags(tags))
    for some_metrics in _chunks(metrics[first:], _ENTITIES_PER_BATCH):
        client.log_batch(run.run_id, metrics=some_metrics)
    for some_params in _chunks(params[_PARAMS_PER_BATCH:], _PARAMS_PER_BATCH):
        client.log_batch(run.run_id, params=some_params)


def _log_inputs(client: MlflowClient, run: Target, view: View) -> None:
    from mlflow.exceptions import MlflowException

    inputs = inputs_of(view)
    try:
        client.log_inputs(run.run_id, inputs)
    except MlflowException as error:
        if error.error_code != "BAD_REQUEST":  # the database refused the rows
            raise
        # MLflow looks for the data set and then adds it: another process may have added it in between. Now it is found.
        client.log_inputs(run.run_id, inputs)


def _log_artifacts(client: MlflowClient, run: Target, folder: Path, place: str | None = None) -> None:
    if not run.artifact_uri.startswith("file:"):
        client.log_artifacts(run.run_id, str(folder), place)
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(run.artifact_uri).log_artifacts(str(folder), place)  # MLflow's client reads the run first


def _write_files(view: View, artifacts: Path, source: Source | None, target: Path, run_id: str) -> None:
    """What `_log_artifacts` and `_log_model` leave of a job, written where it belongs."""
    if artifacts.is_dir():
        from mlflow.utils.file_utils import shutil_copytree_without_file_permissions as copy_tree

        target.mkdir(parents=True)
        copy_tree(str(artifacts), str(target))
    if source:
        write_model_folder(target / NAME, source, **_about_model(view, run_id), model_uuid=run_id)


def _about_model(view: View, run_id: str) -> Mapping[str, str]:
    return {"run_id": run_id, "artifact_path": NAME, "utc_time_created": utc(view.end_time)}


def _log_model(client: MlflowClient, run: Target, view: View, source: Source, model: LoggedModel | None) -> None:
    from mlflow.entities import LoggedModelStatus

    about = _about_model(view, run.run_id)
    model_id = {"model_id": model.model_id} if model else {}
    with tempfile.TemporaryDirectory(prefix="gradmix-") as temporary:
        folder = Path(temporary) / NAME
        write_model_folder(folder, source, **about, **model_id, model_uuid=model.model_id if model else run.run_id)
        _log_artifacts(client, run, folder, NAME)
        if model:
            client.log_model_artifacts(model.model_id, str(folder))
    if model and model.status != LoggedModelStatus.READY:
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _logged_model(client: MlflowClient, run: Target, view: View) -> LoggedModel:
    """The run's model in MLflow's list of models, made unless it is there, and known to the run as its output."""
    from mlflow.entities import LoggedModelOutput

    known = None if run.is_new else _find_model(client, run)
    model = known or client.create_logged_model(run.experiment_id, NAME, run.run_id, params=dict(view.params))
    outputs = None if run.is_new else client.get_run(run.run_id).outputs
    if outputs is None or model.model_id not in {output.model_id for output in outputs.model_outputs}:
        client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model


def _find_model(client: MlflowClient, run: Target) -> LoggedModel | None:
    query = f"name = '{NAME}' AND source_run_id = '{run.run_id}'"
    return next(iter(client.search_logged_models([run.experiment_id], query, max_results=1)), None)


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
