"""Fitted models as JSON files: the clusterer by name and options, the model's arrays as numbers. No pickle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from gradmix.config.build import build
from gradmix.contracts.clusterer import Clusterer, Model
from gradmix.contracts.errors import DataError, StorageError
from gradmix.contracts.options import options_of, plain
from gradmix.registry.registry import registry

FORMAT = 1


def write_model(path: Path, clusterer: Clusterer[Any], model: Model) -> None:
    """Write a fitted model.

    Parameters
    ----------
    path
        The JSON file.
    clusterer
        What it was fitted by.
    model
        The model: a frozen dataclass of arrays and plain values. Every number comes back as it was.
    """
    options = {option.name: plain(getattr(clusterer, option.name)) for option in options_of(type(clusterer))}
    fields = {field.name: plain(getattr(model, field.name)) for field in dataclasses.fields(model)}  # type: ignore[arg-type]
    content = {"format": FORMAT, "clusterer": {"name": name_of(clusterer), **options}, "model": fields}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_model(path: str | Path) -> Clusterer[Any]:
    """Read a fitted clusterer, ready to predict.

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
        node, fields = content["clusterer"], content["model"]
    except OSError as error:
        raise StorageError(f"cannot read the model {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no model that gradmix wrote: {error}.") from error
    clusterer = build("clusterer", node).component
    assert isinstance(clusterer, Clusterer)
    try:
        return restore(clusterer, fields)
    except (TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DataError(f"{path} holds no model of {node['name']}: {error}.") from error


def restore(clusterer: Clusterer[Any], fields: dict[str, Any]) -> Clusterer[Any]:
    """Give a clusterer the model that its fields describe."""
    import numpy as np

    arrays = {
        name: np.array(value, dtype=float) if isinstance(value, list) else value for name, value in fields.items()
    }
    clusterer.model_ = clusterer.model_class()(**arrays)
    clusterer.n_features_in_ = next(value.shape[1] for value in arrays.values() if np.ndim(value) == 2)
    return clusterer


def name_of(clusterer: Clusterer[Any]) -> str:
    """The name under which a clusterer's class is registered."""
    for name in registry().names("clusterer"):
        entries = registry().entries["clusterer", name]
        if any(entry.implementation in (_path(clusterer), type(clusterer)) for entry in entries):
            return name
    raise DataError(f"{type(clusterer).__name__} is no registered clusterer, so its model could not be read again.")


def _path(clusterer: Clusterer[Any]) -> str:
    return f"{type(clusterer).__module__}:{type(clusterer).__qualname__}"
