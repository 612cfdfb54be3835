"""What a view says, as MLflow's own entities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gradmix.tracking.view import STARTS, SYSTEM, View

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param, RunTag

_LONGEST_SCHEMA = 1_000_000
_TYPES = {
    "float64": "double",
    "float32": "float",
    "int64": "long",
    "int32": "integer",
    "bool": "boolean",
    "number": "any",  # MLflow refuses whole numbers where "double" is asked for; what is no number the model refuses
}
"""NumPy's type of a column → MLflow's; others are shown as text."""


def metrics_of(view: View, model_id: str | None = None) -> list[Metric]:
    """Its points; with a model's id the last of each metric is the model's, too."""
    from mlflow.entities import Metric

    last = {point.key: point for point in view.points if not point.key.startswith((SYSTEM, STARTS))}
    return [
        Metric(
            *(point.key, point.value, point.time, point.step),
            model_id=model_id if last.get(point.key) is point else None,
        )
        for point in view.points
    ]


def params_of(view: View) -> list[Param]:
    """Its parameters."""
    from mlflow.entities import Param

    return [Param(key, value) for key, value in view.params.items()]


def run_tags(tags: Mapping[str, str]) -> list[RunTag]:
    """Tags of a run."""
    from mlflow.entities import RunTag

    return [RunTag(key, value) for key, value in tags.items()]


def inputs_of(view: View) -> list[DatasetInput]:
    """The data that the run worked on, told as MLflow tells of a table of pandas'."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    context = InputTag("mlflow.data.context", "training")
    return [
        DatasetInput(
            Dataset(told["name"], told["digest"], *_source(told), schema=_schema(told), profile=_profile(told)),
            [context],
        )
        for told in view.inputs
    ]


def columns_schema(columns: list[tuple[str | None, str]]) -> list[dict[str, Any]]:
    """MLflow's schema of columns, each a name, or None, and NumPy's name of its type."""
    return [
        {"type": _TYPES.get(kind, "string"), **({} if name is None else {"name": name}), "required": True}
        for name, kind in columns
    ]


def _source(told: Mapping[str, Any]) -> tuple[str, str]:
    if told["source"]:
        return "local", json.dumps({"uri": told["source"]})
    return "code", json.dumps({"tags": {"mlflow.source.type": "LOCAL", "mlflow.source.name": told["name"]}})


def _schema(told: Mapping[str, Any]) -> str | None:
    text = json.dumps({"mlflow_colspec": columns_schema(told["columns"])})
    return text if len(text) <= _LONGEST_SCHEMA else None


def _profile(told: Mapping[str, Any]) -> str:
    return json.dumps({"num_rows": told["rows"], "num_elements": told["rows"] * len(told["columns"])})
