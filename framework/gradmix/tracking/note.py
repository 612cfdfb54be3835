"""The note beside a journal: a file that names the journal's run in MLflow, and locks the journal for one ingester.

A note saves requests to MLflow and provides links. It is only a hint: MLflow itself decides which runs it has.
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
    """The content of a note, which an ingester writes after it has imported a journal."""

    uri: str
    """Address of the store."""
    run_id: str = ""
    experiment_id: str = ""
    """MLflow's IDs; empty while the run is being created, and if another journal supersedes this one."""
    size: int = -1
    """Number of bytes of the journal that were imported; -1 if more will follow."""
    time: float = math.inf
    """Time of the import, in seconds since 1970. A store that was changed later has the run, or had it."""


class OpenNote:
    """A journal's note, locked by this process; `note` is its content, or None if it is empty or invalid."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.note = _parse(file.read())

    def write(self, note: Note) -> None:
        """Replace the note's content."""
        text = json.dumps({key: value for key, value in asdict(note).items() if value != math.inf})
        self._file.seek(0)
        self._file.write(text)
        self._file.flush()
        self._file.truncate()  # last, as an empty file means that no ingester has started
        self.note = note


def read_note(folder: Path) -> Note | None:
    """Return the content of a journal's note; None if it is missing or invalid."""
    try:
        return _parse((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@contextmanager
def noting(folder: Path) -> Iterator[OpenNote]:
    """Lock a journal's note, so that no other process imports the journal at the same time."""
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
