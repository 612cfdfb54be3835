"""A fitted clusterer as a model of MLflow's: a folder without pickle that ``mlflow models predict`` and ``serve`` take.

MLflow's own ``pyfunc.save_model`` loads the model to write it, and MLflow's machinery for models with it: 0.4 s for the
first and 9 ms for each other one. What it writes is a few files of text; here they are written as such in 2 ms.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gradmix.contracts.clusterer import Clusterer
from gradmix.tracking.entities import columns_schema

NAME = "model"
"""What the model is called: ``runs:/…/model``."""

FILE_NAME = "model.json"
"""The run's artifact that it is made of."""

_SCRIPT = Path(__file__).with_name("served_model.py")


@dataclass(frozen=True)
class Source:
    """A file that `gradmix.write_model` wrote, and what it says."""

    path: Path
    content: Mapping[str, Any]


def read_source(path: Path) -> Source | None:
    """Read a model's file; None if there is none, or it is somebody else's."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return Source(path, content) if isinstance(content, dict) and {Clusterer.kind, "model"} <= set(content) else None


def write_model_folder(folder: Path, source: Source, **about: str) -> None:
    """Write MLflow's folder of a model.

    Parameters
    ----------
    folder
        Where; made if need be.
    source
        What it is made of.
    **about
        What ``MLmodel`` says besides, as text: run_id, model_id, artifact_path, …
    """
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.path, folder / "artifacts" / FILE_NAME)
    requirements = (f"mlflow=={_mlflow_version()}", *source.content.get("requires", ()))
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in about.items())  # YAML takes JSON's strings
    for name, text in _common_files(json.dumps(_signature(source.content)), requirements).items():
        (folder / name).write_text(text + own if name == "MLmodel" else text, encoding="utf-8")


def description() -> Mapping[str, Any]:
    """How MLflow is to load the model: by a script (models from code) and the JSON file."""
    flavor = {
        "artifacts": {"model": {"path": f"artifacts/{FILE_NAME}", "uri": FILE_NAME}},
        "code": None,
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.pyfunc.loaders.code_model",
        "model_code_path": _SCRIPT.name,
        "python_version": platform.python_version(),
        "streamable": False,
    }
    return {"flavors": {"python_function": flavor}}


def utc(milliseconds: int) -> str:
    """A time as ``MLmodel`` writes it."""
    return str(datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None))


def _signature(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the model takes and gives; unknown of a model that was written without its data."""
    if "columns" not in content:
        return None
    columns = content["columns"]
    inputs = [(name, "number") for name in columns["names"] or [None] * columns["n_columns"]]
    outputs = [(name, "int64" if name == "group" else "float64") for name in content["outputs"]]
    return {
        "inputs": json.dumps(columns_schema(inputs)),
        "outputs": json.dumps(columns_schema(outputs)),
        "params": None,
    }


@cache
def _common_files(signature: str, requirements: tuple[str, ...]) -> Mapping[str, str]:
    """The files that are the same for all models of one signature: a sweep writes them a hundred times."""
    import yaml

    described = {**description(), "mlflow_version": _mlflow_version(), "signature": json.loads(signature)}
    return {
        "MLmodel": yaml.safe_dump(described),
        _SCRIPT.name: _SCRIPT.read_text(encoding="utf-8"),
        **_environment_files(requirements),
    }


def _environment_files(requirements: tuple[str, ...]) -> Mapping[str, str]:
    """What is to be installed where the model is served, in the three ways that MLflow knows."""
    import yaml

    python = platform.python_version()
    virtual = {
        "python": python,
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": list(requirements)}],
    }
    return {
        "requirements.txt": "\n".join(requirements) + "\n",
        "python_env.yaml": yaml.safe_dump(virtual),
        "conda.yaml": yaml.safe_dump(conda),
    }


@cache
def _mlflow_version() -> str:
    from importlib.metadata import version

    return version("mlflow")
