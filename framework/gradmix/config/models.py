"""Fitted models as JSON files: the clusterer by name and options, the model's arrays as numbers. No pickle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradmix.config.build import build
from gradmix.contracts.clusterer import Clusterer, Model
from gradmix.contracts.dataset import Data
from gradmix.contracts.errors import DataError, StorageError
from gradmix.contracts.options import options_of, plain
from gradmix.contracts.preparation import Preparation
from gradmix.registry.registry import registry

FORMAT = 1


def write_model(path: Path, clusterer: Clusterer[Any], model: Model, data: Data | None = None) -> None:
    """Write a fitted model.

    Parameters
    ----------
    path
        The JSON file.
    clusterer
        What it was fitted by.
    model
        The model: a frozen dataclass of arrays and plain values. Every number comes back as it was.
    data
        What it was fitted to. With them the file tells what its columns are and how they were prepared.

    Raises
    ------
    DataError
        If the clusterer is not registered, so that the model could not be read again.
    """
    entry = registry().entry_of(clusterer)
    if entry is None:
        raise DataError(f"{type(clusterer).__name__} is no registered clusterer, so its model could not be read again.")
    options = {option.name: plain(getattr(clusterer, option.name)) for option in options_of(type(clusterer))}
    fields = {field.name: plain(getattr(model, field.name)) for field in dataclasses.fields(model)}  # type: ignore[arg-type]
    content = {
        "format": FORMAT,
        "requires": [f"{entry.plugin.distribution}=={entry.plugin.version}"],
        "clusterer": {"name": entry.qualified, **options},
        "model": fields,
        **(_fitted_to(data, model) if data else {}),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _fitted_to(data: Data, model: Model) -> Mapping[str, Any]:
    preparation = data.preparation or Preparation.none(data.X.shape[1], data.feature_names)
    n_groups = model.predict_proba(data.X[:1]).shape[1] if hasattr(model, "predict_proba") else 0
    outputs = ["group", *(f"probability_{group}" for group in range(n_groups))]
    return {"columns": dataclasses.asdict(preparation), "outputs": outputs}


def read_model(path: str | Path) -> Clusterer[Any]:
    """Read a fitted clusterer, ready to predict.

    It takes rows as the run's data set read them: if that scaled them or left columns out (``dataset.standardise``,
    ``dataset.drop_constant``), so does `predict` first. The model itself (``means_`` and the like) speaks of the rows
    that it was fitted to; ``preparation_`` says how these were made.

    Raises
    ------
    StorageError
        If the file cannot be read.
    DataError
        If it is no model.

    Examples
    --------
    ``gradmix.read_model("runs/…/artifacts/model.json").predict(X)``
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        node, fields, columns = content["clusterer"], content["model"], content.get("columns")
    except OSError as error:
        raise StorageError(f"cannot read the model {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no model that gradmix wrote: {error}.") from error
    clusterer = build("clusterer", node).component
    assert isinstance(clusterer, Clusterer)
    try:
        return restore(clusterer, fields, columns)
    except (TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DataError(f"{path} holds no model of {node['name']}: {error}.") from error


def restore(
    clusterer: Clusterer[Any], fields: Mapping[str, Any], columns: Mapping[str, Any] | None = None
) -> Clusterer[Any]:
    """Give a clusterer the model that its fields describe, and the preparation that its columns had."""
    import numpy as np

    arrays = {
        name: np.array(value, dtype=float) if isinstance(value, list) else value for name, value in fields.items()
    }
    clusterer.model_ = clusterer.model_class()(**arrays)
    if columns is None:
        clusterer.n_features_in_ = next(value.shape[1] for value in arrays.values() if np.ndim(value) == 2)
    else:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in columns.items()}
        clusterer.preparation_ = Preparation(**values)  # type: ignore[arg-type]
        clusterer.n_features_in_ = clusterer.preparation_.n_columns
        clusterer.keep_feature_names(clusterer.preparation_.names)
    return clusterer
