"""A run's artifacts on their way to MLflow: files of its own folder, and nothing that a link leads to elsewhere."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from mlflow import MlflowClient


def local_folder(uri: str) -> Path | None:
    """The folder that an artifact URI names; None if a server keeps it."""
    return Path(url2pathname(urlsplit(uri).path)) if uri.startswith("file:") else None


@contextmanager
def artifact_folder(client: MlflowClient, run_id: str, uri: str) -> Iterator[Path]:
    """A folder whose files become a run's artifacts; of a local store it is the very place where MLflow looks."""
    local = local_folder(uri)
    if local is not None:
        local.mkdir(parents=True, exist_ok=True)
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="gradmix-") as temporary:
        yield Path(temporary)
        client.log_artifacts(run_id, temporary)


def is_own_file(path: Path, run: Path) -> bool:
    """Whether a path names a file, and one within a run's folder, whatever links are on the way."""
    return path.is_file() and path.resolve().is_relative_to(run.resolve())


def copy_own_files(folder: Path, run: Path, target: Path) -> list[Path]:
    """Copy the files of a folder within a run's folder.

    Parameters
    ----------
    folder
        What to copy.
    run
        The run's folder.
    target
        Where to; made if need be.

    Returns
    -------
    list of pathlib.Path
        What was left out: links that lead out of the run's folder or to folders, and whatever is not a file.
    """
    if folder.is_symlink():
        return [folder]
    left_out = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            left_out += copy_own_files(path, run, target / path.name)
        elif is_own_file(path, run):
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)
        else:
            left_out.append(path)
    return left_out
