"""Fitted models as JSON files, without pickle: the clusterer's name and options, and the model's arrays as numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from gradmix.config.build import build
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.component import Component, options_within
from gradmix.contracts.dataset import Data
from gradmix.contracts.errors import DataError, NotInstalledError, StorageError
from gradmix.contracts.files import regular_file
from gradmix.contracts.model import Model
from gradmix.contracts.option_values import plain
from gradmix.contracts.options import options_of
from gradmix.contracts.preparation import Preparation
from gradmix.contracts.secrets import MASK
from gradmix.registry.entry import Entry
from gradmix.registry.registry import registry

FORMAT = 1
_MOST_TRIED = 100
"""Number of rows of each array of a model for which a prediction is tried when the model is read."""


def write_model(path: Path, clusterer: Clusterer[Any], model: Model, data: Data | None = None) -> None:
    """Write a fitted model.

    Parameters
    ----------
    path
        The JSON file.
    clusterer
        The clusterer that fitted the model.
    model
        The model: a frozen dataclass of arrays and plain values. Every number is restored exactly.
    data
        The data that the model was fitted to. If given, the file also records the columns and their preparation.

    Raises
    ------
    DataError
        If the clusterer is not registered, because the model could not be read again.
    """
    options = list(options_within(clusterer, clusterer.kind))
    held = [_entry(value) for *_, value in options if isinstance(value, Component)]
    named = [
        registry().find(option.names.kind, name)
        for _, option, value in options
        if option.names
        for name in option.named(value)
    ]
    plugins = [entry.plugin for entry in (_entry(clusterer), *held, *named)]
    fields = {field.name: plain(getattr(model, field.name)) for field in dataclasses.fields(model)}  # type: ignore[arg-type]
    content: dict[str, Any] = {
        "format": FORMAT,
        "requires": list(dict.fromkeys(f"{plugin.distribution}=={plugin.version}" for plugin in plugins)),
        Clusterer.kind: _node(clusterer),
        "model": fields,
    }
    if data:
        preparation = data.preparation or Preparation.fitted(data.X, data.feature_names)
        n_groups = model.predict_proba(data.X[:1]).shape[1] if hasattr(model, "predict_proba") else 0
        content["columns"] = dataclasses.asdict(preparation)
        content["outputs"] = ["group", *(f"probability_{group}" for group in range(n_groups))]
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _node(component: Component) -> dict[str, Any]:
    """Return the config node of a component: its name and options, and the nodes of its parts."""
    values = ((option, getattr(component, option.name)) for option in options_of(type(component)))
    options = {
        option.name: MASK if value and option.is_secret else value
        for option, value in values
        if not option.is_for_python(value)
    }
    nodes = {name: _node(each) if isinstance(each, Component) else plain(each) for name, each in options.items()}
    return {"name": _entry(component).qualified, **nodes}


def _entry(component: Component) -> Entry:
    if entry := registry().entry_of(component):
        return entry
    name = type(component).__name__
    raise DataError(f"{name} is not a registered {component.kind}, so the model could not be read again.")


def read_model(path: str | Path) -> Clusterer[Any]:
    """Read a fitted clusterer, ready to predict.

    The clusterer takes rows as they are in the data file. If the run's data set scaled columns or left some out
    (``dataset.standardise``, ``dataset.drop_constant``), `predict` first does the same. Attributes of the model, such
    as ``means_``, refer to the prepared rows; ``preparation_`` describes the preparation.

    Raises
    ------
    StorageError
        If the file cannot be read.
    DataError
        If the file is not a model, or if this version or the installed packages cannot read it. Names the file.

    Examples
    --------
    ``gradmix.read_model("runs/…/artifacts/model.json").predict(X)``
    """
    path = Path(path)
    content = _read(path)
    try:
        clusterer = cast("Clusterer[Any]", build(Clusterer.kind, content[Clusterer.kind]).component)
        restore(clusterer, content["model"], content.get("columns"))
        _try_out(clusterer)
        return clusterer
    except NotInstalledError:
        raise  # its message says what to install
    except Exception as error:  # a plugin's model may raise anything for an invalid file
        reason = str(error).rstrip(".")
        raise DataError(f"cannot read the model {path}: {reason}.{_what_is_missing(content)}") from error


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(regular_file(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"cannot read the model {path}: {error.strerror}.") from error
    except RecursionError as error:
        raise DataError(f"{path} is not a model that gradmix wrote: it is nested too deeply.") from error
    except ValueError as error:
        raise DataError(f"{path} is not a model that gradmix wrote: {error}.") from error
    parts = (Clusterer.kind, "model")
    if not isinstance(content, Mapping) or not all(isinstance(content.get(key), Mapping) for key in parts):
        raise DataError(f"{path} is not a model that gradmix wrote: it has no {' and no '.join(parts)}.")
    if content.get("format") != FORMAT or isinstance(content["format"], bool):
        raise DataError(
            f"{path} has the format {content.get('format')!r}; this version of gradmix reads the format {FORMAT}."
        )
    return content


def _try_out(clusterer: Clusterer[Any]) -> None:
    """Predict some rows, so that arrays with inconsistent shapes are noticed at once.

    The rows are one of zeros, and those of the model's arrays that have the shape of rows, such as its centers.
    """
    model = clusterer.model_
    prepared = clusterer.rows(np.zeros((1, clusterer.n_features_in_)))
    d = prepared.shape[1]
    arrays = [value for value in vars(model).values() if isinstance(value, np.ndarray)]
    rows = np.vstack([prepared, *(each[:_MOST_TRIED] for each in arrays if each.ndim == 2 and each.shape[1] == d)])
    for name in ("predict", "predict_proba"):
        if hasattr(model, name):
            shape = np.shape(getattr(model, name)(rows))
            if shape[:1] != (len(rows),):
                raise DataError(f"{name} gives the shape {shape} for {len(rows)} rows.")


def _what_is_missing(content: Mapping[str, Any]) -> str:
    """Return which distributions that a model requires are missing or have another version."""
    here = {each.plugin.distribution: each.plugin.version for each in registry().found}
    requires = content.get("requires")
    for requirement in requires if isinstance(requires, list) else ():
        name, _, version = str(requirement).partition("==")
        if name not in here:
            return f" The model requires {requirement}, which is not installed."
        if here[name] != version:
            return f" The model was written by {requirement}; the installed version is {name}=={here[name]}."
    return ""


def restore(
    clusterer: Clusterer[Any], fields: Mapping[str, Any], columns: Mapping[str, Any] | None = None
) -> Clusterer[Any]:
    """Set the model of a clusterer from its fields, and the preparation of its columns."""
    arrays = {
        name: np.array(value, dtype=float) if isinstance(value, list) else value for name, value in fields.items()
    }
    for name, value in arrays.items():
        if isinstance(value, np.ndarray) and np.isnan(value).any():
            raise DataError(f"{name} of the model must not contain NaN.")
    clusterer.model_ = clusterer.model_class()(**arrays)
    clusterer.model_.check()
    if columns is None:
        widths = [value.shape[1] for value in arrays.values() if np.ndim(value) == 2]
        if not widths:
            raise DataError("it has neither columns nor an array of shape (k, d)")
        clusterer.n_features_in_ = widths[0]
    else:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in columns.items()}
        clusterer.preparation_ = Preparation(**values)  # type: ignore[arg-type]
        clusterer.n_features_in_ = clusterer.preparation_.n_columns
        if clusterer.preparation_.names:
            clusterer.feature_names_in_ = np.array(clusterer.preparation_.names, dtype=object)
    return clusterer
