"""Folders that belong to one run or sweep alone."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

from gradmix.contracts.errors import StorageError


def fresh_folder(parent: Path, suffix: str) -> Path:
    """Make a folder ``TIME-SUFFIX`` under `parent` that nobody else has, also when several processes ask at once.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    stem = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{suffix}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise unwritable(parent, error) from error
    raise AssertionError("unreachable")


def unwritable(folder: Path, error: OSError) -> StorageError:
    """The error for a folder of runs that cannot be written."""
    return StorageError(f"cannot write to {folder}: {error.strerror}. Choose another folder by runs_dir=…")
