"""The note beside a journal: which run of MLflow shows it. It is the lock, too: one ingester at a time.

A note saves questions and makes links; it decides nothing. What MLflow has, MLflow itself is asked.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

FILE_NAME = "tracked.json"


@dataclass(frozen=True)
class Note:
    """What an ingester wrote down when it had brought a journal in."""

    uri: str
    """The store's."""
    run_id: str = ""
    experiment_id: str = ""
    """MLflow's own; empty while the run is being made, and of a journal that another one supersedes."""
    size: int = -1
    """How many bytes of the journal are in; -1 if more is to come."""
    time: float = math.inf
    """When, in seconds since 1970. A store that was written to later has the run, or had it."""


class OpenNote:
    """A journal's note, held by this process: `note` is what it says, None if it says nothing."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.note = _parse(file.read())

    def write(self, note: Note) -> None:
        """Replace what it says."""
        text = json.dumps({key: value for key, value in asdict(note).items() if value != math.inf})
        self._file.seek(0)
        self._file.write(text)
        self._file.flush()
        self._file.truncate()  # last, so that it is never empty: an empty note means that no ingester has begun
        self.note = note


def read_note(folder: Path) -> Note | None:
    """What a journal's note says; None if it says nothing."""
    try:
        return _parse((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@contextmanager
def noting(folder: Path) -> Iterator[OpenNote]:
    """Hold a journal's note: no other process brings the journal in meanwhile."""
    with os.fdopen(os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield OpenNote(file)


def _parse(text: str) -> Note | None:
    try:
        content = json.loads(text)
        note = Note(**{field.name: content[field.name] for field in fields(Note) if field.name in content})
        return note if isinstance(note.size, int) and isinstance(note.time, float | int) else None
    except (ValueError, TypeError):
        return None
