"""Folders of runs and sweeps: make a new one for a single run, and find those that have a journal."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gradmix.contracts.errors import StorageError

FILE_NAME = "journal.jsonl"
"""Name of the journal in the folder of a run or sweep."""


def fresh_folder(parent: Path, suffix: str) -> Path:
    """Make a folder ``TIME-SUFFIX`` for a run or a sweep, in the same way as `new_folder`."""
    return new_folder(parent, f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{suffix}")


def new_folder(parent: Path, name: str) -> Path:
    """Make the first of the folders ``NAME``, ``NAME-2``, … that does not exist, so that no other process uses it.

    Raises `StorageError` if the folder cannot be made.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = parent / numbered(name, number)
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise unwritable(parent, error) from error
    raise AssertionError("unreachable")


def numbered(name: str, number: int) -> str:
    """Return the name of the n-th folder of that name.

    >>> numbered("3", 1), numbered("3", 2)
    ('3', '3-2')
    """
    return name if number == 1 else f"{name}-{number}"


def unwritable(folder: Path, error: OSError) -> StorageError:
    """Return the error for a folder of runs that cannot be written."""
    return StorageError(f"cannot write to {folder}: {error.strerror}. Choose another folder with runs_dir=…")


def has_journal(folder: Path) -> bool:
    """Return whether a folder has a journal."""
    return (folder / FILE_NAME).exists()


def find_journals(runs_dir: Path) -> Iterator[Path]:
    """Yield the folders under `runs_dir` that have a journal, each sweep before its jobs.

    A journal without one complete line, as a full disk or a kill can leave it, does not count.
    """
    for directory, subdirectories, files in os.walk(runs_dir):
        subdirectories.sort()
        if FILE_NAME in files:
            with open(os.path.join(directory, FILE_NAME), "rb") as file:
                has_begun = file.readline().endswith(b"\n")
            if has_begun:
                yield Path(directory)
