"""A fitted clusterer as an MLflow model: a folder without pickles, for ``mlflow models predict`` and ``serve``.

MLflow's ``pyfunc.save_model`` loads the model, and MLflow's modules for models, before it writes: this takes 0.4 s for
the first model and 9 ms for each further one. The result is a few text files, which this module writes in 2 ms.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gradmix.contracts.clusterer import Clusterer

NAME = "model"
"""Name of the model in its address ``runs:/…/model``."""

FILE_NAME = "model.json"
"""The run's artifact from which the model is built."""

_SCRIPT = Path(__file__).with_name("served_model.py")


_TYPES = {
    "float64": "double",
    "float32": "float",
    "int64": "long",
    "int32": "integer",
    "bool": "boolean",
    "number": "any",  # MLflow rejects integers where "double" is required; the model rejects all but numbers
}
"""NumPy's type of a column → MLflow's type. Other types become strings."""


def read_model_file(path: Path) -> Mapping[str, Any] | None:
    """Read a file that `gradmix.write_model` wrote; return None if it does not exist or has another format."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and {Clusterer.kind, "model"} <= set(content) else None


def write_model_folder(folder: Path, file: Path, content: Mapping[str, Any], **about: str) -> None:
    """Write MLflow's folder of a model; `about` is added to ``MLmodel`` (run_id, model_id, artifact_path, …)."""
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / "artifacts" / FILE_NAME)
    requirements = (f"mlflow=={_mlflow_version()}", *content.get("requires", ()))
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in about.items())  # JSON strings are valid YAML
    for name, text in _common_files(json.dumps(_signature(content)), requirements).items():
        (folder / name).write_text(text + own if name == "MLmodel" else text, encoding="utf-8")


def columns_schema(columns: Iterable[tuple[str | None, str]]) -> list[dict[str, Any]]:
    """Return MLflow's schema of columns; each is given as its name, or None, and NumPy's name of its type."""
    return [
        {"type": _TYPES.get(kind, "string"), **({} if name is None else {"name": name}), "required": True}
        for name, kind in columns
    ]


def description() -> Mapping[str, Any]:
    """Return how MLflow loads the model: by a script (models from code) and the JSON file."""
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
    """Return a time in the format of ``MLmodel``."""
    return str(datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None))


def _signature(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return MLflow's signature of the model; None if the model was written without its data."""
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
    """Return the files that all models with one signature share. Cached, because a sweep writes them many times.

    The requirements for serving the model are written in the three formats that MLflow supports.
    """
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
    described = {**description(), "mlflow_version": _mlflow_version(), "signature": json.loads(signature)}
    return {
        "MLmodel": yaml.safe_dump(described),
        _SCRIPT.name: _SCRIPT.read_text(encoding="utf-8"),
        "requirements.txt": "\n".join(requirements) + "\n",
        "python_env.yaml": yaml.safe_dump(virtual),
        "conda.yaml": yaml.safe_dump(conda),
    }


@cache
def _mlflow_version() -> str:
    from importlib.metadata import version

    return version("mlflow")
