"""Everything that a journal says, given to one run of MLflow, in as few requests as there can be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gradmix.runs.artifacts import ARTIFACTS
from gradmix.tracking.artifacts import artifact_folder, copy_own_files, is_own_file
from gradmix.tracking.entities import inputs_of, metrics_of, params_of, run_tags
from gradmix.tracking.inventory import StoredRun
from gradmix.tracking.model import FILE_NAME, NAME, Source, description, read_source, utc, write_model_folder
from gradmix.tracking.view import View

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

_METRICS_PER_BATCH = 900
_PARAMS_PER_BATCH = 100
"""MLflow takes 1,000 things in a request, 100 of them parameters."""

Item = TypeVar("Item")


class Upload:
    """A journal on its way into MLflow.

    Parameters
    ----------
    client
        MLflow's client.
    view
        What is to be shown.
    folder
        The run's own, with its artifacts.
    with_model
        Whether its fitted model, if it has one, becomes a model of MLflow: among its artifacts; outside a sweep also in
        MLflow's list of models, which costs as much as all the rest.
    """

    def __init__(self, client: MlflowClient, view: View, folder: Path, with_model: bool) -> None:
        self._client, self._view, self._folder = client, view, folder
        file = folder / ARTIFACTS / FILE_NAME
        wants = with_model and view.status == "FINISHED" and is_own_file(file, folder)
        self._source: Source | None = read_source(file) if wants else None

    def make(self, experiment_id: str, parent: str | None) -> tuple[StoredRun, list[Path]]:
        """Make a run, and fill it; the run, and the artifacts that were left out.

        Parameters
        ----------
        experiment_id
            Where.
        parent
            The run that it is nested under.
        """
        nested = {"mlflow.parentRunId": parent} if parent else {}
        tags, view = {**self._tags(), **nested}, self._view
        made = self._client.create_run(experiment_id, view.start_time, tags, view.run_name)
        run = StoredRun.of(made)
        return run, self._fill(run, {}, is_new=True)

    def complete(self, run: StoredRun) -> list[Path]:
        """Fill a run that was made before; the artifacts that were left out. What it has already is not doubled."""
        return self._fill(run, self._tags(), is_new=False)

    def add_artifacts(self, run: StoredRun) -> list[Path]:
        """Upload the run's files once more; those that were left out."""
        return self._log_artifacts(run, None)

    def _fill(self, run: StoredRun, tags: Mapping[str, str], is_new: bool) -> list[Path]:
        """Fill a run. That it has ended comes last: a run that MLflow shows as ended is there in full."""
        client, view = self._client, self._view
        model = self._logged_model(run, is_new) if self._source and not view.is_job else None
        self._log_batches(run, tags, model)
        if view.inputs:
            self._log_inputs(run)
        left_out = self._log_artifacts(run, model)
        run.tags.update(tags)
        if view.status != "RUNNING":
            client.set_terminated(run.run_id, view.status, view.end_time)
            run.status, run.end_time = view.status, view.end_time
        return left_out

    def _tags(self) -> Mapping[str, str]:
        """The view's tags; MLflow knows the model among the artifacts by one more."""
        if not self._source:
            return self._view.tags
        history = [{"artifact_path": NAME, "utc_time_created": utc(self._view.end_time), **description()}]
        return {**self._view.tags, "mlflow.log-model.history": json.dumps(history)}

    def _log_batches(self, run: StoredRun, tags: Mapping[str, str], model: LoggedModel | None) -> None:
        metrics = _chunks(metrics_of(self._view, model.model_id if model else None), _METRICS_PER_BATCH)
        params = _chunks(params_of(self._view), _PARAMS_PER_BATCH)
        self._client.log_batch(run.run_id, next(metrics, ()), next(params, ()), run_tags(tags))
        for some_metrics in metrics:
            self._client.log_batch(run.run_id, metrics=some_metrics)
        for some_params in params:
            self._client.log_batch(run.run_id, params=some_params)

    def _log_inputs(self, run: StoredRun) -> None:
        from mlflow.exceptions import MlflowException

        inputs = inputs_of(self._view)
        try:
            self._client.log_inputs(run.run_id, inputs)
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":  # the database refused the rows
                raise
            # MLflow looks for the data set and then adds it. Another process added it in between: now it is found.
            self._client.log_inputs(run.run_id, inputs)

    def _log_artifacts(self, run: StoredRun, model: LoggedModel | None) -> list[Path]:
        files = self._folder / ARTIFACTS
        if not files.is_dir():
            return []
        with artifact_folder(self._client, run.run_id, run.artifact_uri) as target:
            left_out = copy_own_files(files, self._folder, target)
            if self._source:
                self._log_model(run, self._source, target / NAME, model)
        return left_out

    def _log_model(self, run: StoredRun, source: Source, target: Path, model: LoggedModel | None) -> None:
        from mlflow.entities import LoggedModelStatus

        about = {"run_id": run.run_id, "artifact_path": NAME, "utc_time_created": utc(self._view.end_time)}
        about |= {"model_id": model.model_id} if model else {}
        write_model_folder(target, source, **about, model_uuid=model.model_id if model else run.run_id)
        if model:
            self._client.log_model_artifacts(model.model_id, str(target))
            if model.status != LoggedModelStatus.READY:
                self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)

    def _logged_model(self, run: StoredRun, is_new: bool) -> LoggedModel:
        """The run's model in MLflow's list of models, made unless it is there, and known to the run as its output."""
        from mlflow.entities import LoggedModelOutput

        client, params = self._client, dict(self._view.params)
        known = None if is_new else self._find_model(run)
        model = known or client.create_logged_model(run.experiment_id, NAME, run.run_id, params=params)
        outputs = None if is_new else client.get_run(run.run_id).outputs
        if outputs is None or model.model_id not in {output.model_id for output in outputs.model_outputs}:
            client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
        return model

    def _find_model(self, run: StoredRun) -> LoggedModel | None:
        query = f"name = '{NAME}' AND source_run_id = '{run.run_id}'"
        return next(iter(self._client.search_logged_models([run.experiment_id], query, max_results=1)), None)


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
