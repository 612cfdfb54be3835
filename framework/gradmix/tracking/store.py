"""MLflow's store: made once and safely, opened by its client."""

from __future__ import annotations

import logging
import os
import tempfile
import uuid
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.config.spec import Tracking
from gradmix.contracts.errors import StorageError
from gradmix.journal.lock import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"


def absolute_uri(uri: str) -> str:
    """A tracking URI that means the same from any folder."""
    return _SQLITE + str(Path(uri.removeprefix(_SQLITE)).absolute()) if uri.startswith(_SQLITE) else uri


def sqlite_path(uri: str) -> Path | None:
    """Where a store in a SQLite file is; None of any other."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def import_mlflow() -> None:
    """Load MLflow, quiet and impatient as suits us: the parts that every client needs."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # the journal is safe: no use in waiting minutes
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it would read each run from the server
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for module in ("mlflow", "mlflow.store.tracking.sqlalchemy_store"):
        import_module(module)


def open_client(tracking: Tracking) -> MlflowClient:
    """Open the store that `tracking` names, made first if it is a SQLite file that is not there yet.

    Raises
    ------
    StorageError
        If it cannot be made or reached.
    """
    assert tracking.uri is not None
    uri = absolute_uri(tracking.uri)
    import_mlflow()
    if uri.startswith(_SQLITE):
        _make_once(Path(uri.removeprefix(_SQLITE)))
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _make_once(path: Path) -> None:
    """Make the SQLite store beside its place and move it there whole, one process at a time."""
    if path.exists():
        return
    try:
        with locked(path.with_name(path.name + ".lock")):
            if not path.exists():
                _make(path)
    except OSError as error:
        raise StorageError(f"cannot make MLflow's store {path}: {error.strerror or error}.") from error


def _make(path: Path) -> None:
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlflow-") as folder:
        draft = Path(folder) / path.name
        MlflowClient(tracking_uri=_SQLITE + str(draft)).search_experiments(max_results=1)  # MLflow makes its tables
        _identity_file(path).write_text(uuid.uuid4().hex)
        draft.replace(path)


def store_identity(uri: str) -> str:
    """What tells a SQLite store from another one at the same place; nothing for a server.

    Marks of what has been brought in hold for one store: when it is deleted and made anew, all has to come in again.
    """
    if not uri.startswith(_SQLITE):
        return ""
    path = Path(uri.removeprefix(_SQLITE))
    try:
        return _identity_file(path).read_text() if path.exists() else "none yet"
    except OSError:
        return ""  # somebody else made it


def _identity_file(path: Path) -> Path:
    return path.with_name(path.name + ".id")


def artifact_root(tracking: Tracking) -> str | None:
    """Where a new experiment of a local store keeps its artifacts; None leaves it to the server."""
    uri = absolute_uri(tracking.uri or "")
    if tracking.artifacts is not None:
        return Path(tracking.artifacts).absolute().as_uri()
    if uri.startswith(_SQLITE):
        return (Path(uri.removeprefix(_SQLITE)).parent / "mlflow-artifacts").as_uri()
    return None
