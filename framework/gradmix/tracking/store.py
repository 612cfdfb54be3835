"""Open MLflow's store. A local store is created if it is missing, and created again if it is damaged or was moved."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gradmix.config.spec import Tracking
from gradmix.contracts.errors import StorageError
from gradmix.journal.lock import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_HEADER = b"SQLite format 3\0"
_DRAFTS = ".mlflow-"
_ARTIFACTS = "mlflow-artifacts"


def absolute_uri(uri: str) -> str:
    """Return a tracking URI with an absolute path, if it names an SQLite file."""
    return _SQLITE + str(Path(uri.removeprefix(_SQLITE)).absolute()) if uri.startswith(_SQLITE) else uri


def sqlite_path(uri: str) -> Path | None:
    """Return the path of a store in an SQLite file; None for other stores."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def local_folder(uri: str) -> Path | None:
    """Return the folder that an artifact URI names; None if it is on a server."""
    return Path(url2pathname(urlsplit(uri).path)) if uri.startswith("file:") else None


def import_mlflow() -> None:
    """Import MLflow with few messages and short time-outs."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # do not wait for minutes: the journal is safe
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # printing needs a request for each run
    if "mlflow" not in sys.modules:
        gc.disable()
        import mlflow  # noqa: F401

        gc.freeze()  # the garbage collector need not scan MLflow's million objects each time
        gc.enable()
    for name in ("mlflow", "alembic"):  # after the import, which sets the level of MLflow's own
        logging.getLogger(name).setLevel(logging.WARNING)


def open_client(tracking: Tracking, is_thorough: bool = False, remarks: list[str] | None = None) -> MlflowClient:
    """Open the store that `tracking` names.

    A local store that does not exist is created. A store that is empty, damaged or was moved away from its artifacts
    is renamed to ``….bak`` and replaced, and a line about it is added to `remarks`. With `is_thorough`, the whole file
    is checked for damage.

    Raises
    ------
    StorageError
        If the store cannot be created or reached.
    """
    assert tracking.uri is not None
    uri = absolute_uri(tracking.uri)
    import_mlflow()
    if (path := sqlite_path(uri)) is not None:
        try:
            found = _make_ready(path, tracking, is_thorough)
        except OSError as error:
            raise StorageError(f"cannot make MLflow's store {path}: {error.strerror or error}.") from error
        if found and remarks is not None:
            remarks.append(found)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def artifact_root(tracking: Tracking) -> str | None:
    """Return the folder for artifacts of new experiments in a local store, as a URI; None if the server decides."""
    if tracking.artifacts is not None:
        return Path(tracking.artifacts).absolute().as_uri()
    path = sqlite_path(absolute_uri(tracking.uri or ""))
    return None if path is None else path.with_name(_ARTIFACTS).as_uri()


def _make_ready(path: Path, tracking: Tracking, is_thorough: bool) -> str:
    """Create a local store, or replace one that cannot be used; return a line on the replacement, or empty."""
    if path.is_dir():
        raise StorageError(f"MLflow's store {path} is a folder. Set tracking.uri=sqlite:///… to a file.")
    if path.exists() and not _fault(path, tracking, is_thorough) and not list(path.parent.glob(f"{_DRAFTS}*")):
        return ""
    with locked(path.with_name(f"{path.name}.lock")):  # one process at a time
        for draft in path.parent.glob(f"{_DRAFTS}*"):  # drafts exist only under this lock, so their process was killed
            shutil.rmtree(draft, ignore_errors=True)
        done = ""
        if path.exists() and (fault := _fault(path, tracking, is_thorough)):
            done = (
                f"MLflow's store {path} {fault}. It was renamed to {_set_aside(path)}; "
                "a new one is made from the journals."
            )
        if not path.exists():
            _make(path)
        return done


def _fault(path: Path, tracking: Tracking, is_thorough: bool) -> str:
    """Return why a store cannot be used; empty if it can, or if MLflow will report the error."""
    if path.stat().st_size == 0:
        return "was empty"
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            return "was not an SQLite database"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=1.0, uri=True)) as store:
            if is_thorough and (found := store.execute("PRAGMA quick_check(1)").fetchone()) != ("ok",):
                return f"was damaged ({found[0].splitlines()[-1]})"
            # MLflow stores absolute paths. They are read here, not by its client, which would keep the file open while
            # it may be renamed.
            places = [local_folder(place) for (place,) in store.execute("SELECT artifact_location FROM experiments")]
    except sqlite3.DatabaseError as error:
        is_damaged = error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        return f"was damaged ({error})" if is_damaged else ""
    return next(("was moved" for place in places if place is not None and _is_elsewhere(place, path, tracking)), "")


def _is_elsewhere(place: Path, path: Path, tracking: Tracking) -> bool:
    """Whether an experiment's artifacts are beside another store than this one."""
    chosen = None if tracking.artifacts is None else Path(tracking.artifacts).resolve()
    is_beside_a_store = place.parent.name == _ARTIFACTS and place.parent.resolve() != chosen
    return is_beside_a_store and place.parent.parent.resolve() != path.parent.resolve()


def _set_aside(path: Path) -> Path:
    """Rename a store, its artifacts and SQLite's files beside it; return the store's new path."""
    numbers = (f".bak{number}" for number in range(1, 10_000))
    suffix = next(each for each in (".bak", *numbers) if not path.with_name(path.name + each).exists())
    for ending in ("-journal", "-wal", "-shm"):  # first: SQLite would take them for the new file's
        if (beside := path.with_name(path.name + ending)).exists():
            beside.rename(path.with_name(path.name + suffix + ending))
    artifacts, backup = path.with_name(_ARTIFACTS), path.with_name(path.name + suffix)
    if artifacts.is_dir() and not artifacts.with_name(_ARTIFACTS + suffix).exists():
        artifacts.rename(artifacts.with_name(_ARTIFACTS + suffix))
    path.rename(backup)
    return backup


def _make(path: Path) -> None:
    """Create a store in a temporary folder, then move it to its path in one step."""
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=_DRAFTS) as folder:
        draft = Path(folder) / path.name
        MlflowClient(tracking_uri=_SQLITE + str(draft)).search_experiments(max_results=1)  # MLflow makes its tables
        draft.replace(path)
