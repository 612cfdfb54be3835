"""A run of MLflow's as rows of its tables: what its client would have left there, all in one go. Pure; no MLflow here.

Every column, default and rule is that of MLflow's store for SQL databases (``store/tracking/sqlalchemy_store.py``); the
tests compare each row with what the client writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradmix.tracking.view import Point, View

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

COLUMNS = {
    "runs": (
        *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time"),
        *("end_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id", "deleted_time"),
    ),
    "tags": ("run_uuid", "key", "value"),
    "params": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "latest_metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "datasets": (
        *("dataset_uuid", "experiment_id", "name", "digest"),
        *("dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile"),
    ),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    "input_tags": ("input_uuid", "name", "value"),
}
"""Table → its columns, a table before those that refer to it."""

Rows = Mapping[str, Iterable[Sequence[Any]]]
"""Table → rows in the order of its columns."""

_KEY = re.compile(r"\w[\w.\-: ]*(/\w[\w.\-: ]*)*")
_LONGEST_KEY = 250
_LONGEST_PARAM = 6000
_LONGEST = {"name": 500, "digest": 36, "source": 65535, "schema": 1048575, "profile": 16777215}


def is_plain(view: View, inputs: Sequence[DatasetInput]) -> bool:
    """Whether MLflow takes all of it as it stands: what it would refuse, shorten or fill in is for its client to tell.

    Parameters
    ----------
    view
        What is to be shown.
    inputs
        Its inputs, as MLflow's own.
    """
    keys = {*view.params, *(point.key for point in view.points)}
    return (
        bool(view.run_name and view.start_time > 0 and view.end_time > 0)
        and all(len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) for key in keys)
        and all(len(value) <= _LONGEST_PARAM for value in view.params.values())
        and all(point.time >= 0 for point in view.points)
        and all(
            len(getattr(each.dataset, name) or "") <= longest for each in inputs for name, longest in _LONGEST.items()
        )
    )


def run_rows(view: View, tags: Mapping[str, str], run_id: str, experiment: int, artifact_uri: str) -> Rows:
    """A run that has ended, or has only begun, with its tags, parameters and metrics.

    Parameters
    ----------
    view
        What is to be shown.
    tags
        All its tags, but for its name, which MLflow adds.
    run_id, experiment, artifact_uri
        MLflow's own.
    """
    end_time = None if view.status == "RUNNING" else view.end_time
    about = (run_id, view.run_name, "UNKNOWN", "", "", "unknown", view.status, view.start_time)
    points = dict.fromkeys(view.points)  # MLflow takes each point once
    return {
        "runs": [(*about, end_time, "", "active", artifact_uri, experiment, None)],
        "tags": [(run_id, *tag) for tag in {**tags, "mlflow.runName": view.run_name}.items()],
        "params": [(run_id, *param) for param in view.params.items()],
        "metrics": [_metric(run_id, point) for point in points],
        "latest_metrics": [_metric(run_id, point) for point in _latest(points)],
    }


def dataset_row(experiment: int, dataset_id: str, told: DatasetInput) -> Sequence[Any]:
    """Data that no run of the experiment has worked on yet."""
    data = told.dataset
    return dataset_id, experiment, data.name, data.digest, data.source_type, data.source, data.schema, data.profile


def input_rows(run_id: str, input_id: str, dataset_id: str, told: DatasetInput) -> Rows:
    """That a run worked on data."""
    return {
        "inputs": [(input_id, "DATASET", dataset_id, "RUN", run_id, 0)],
        "input_tags": [(input_id, tag.key, tag.value) for tag in told.tags],
    }


def _metric(run_id: str, point: Point) -> Sequence[Any]:
    return run_id, point.key, point.value, point.time, point.step, 0  # a view has no NaN


def _latest(points: Iterable[Point]) -> Iterable[Point]:
    """Of each metric the value that MLflow shows for the run: of the last step, there the latest, there the largest."""
    latest: dict[str, Point] = {}
    for point in points:
        other = latest.setdefault(point.key, point)
        if (point.step, point.time, point.value) > (other.step, other.time, other.value):
            latest[point.key] = point
    return latest.values()
