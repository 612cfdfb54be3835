"""The mark beside a journal: where it went, and how much of it. It is the lock, too: one ingester at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from gradmix.journal.folder import FILE_NAME
from gradmix.tracking.store import store_identity

MARK = "tracked.json"


@dataclass(frozen=True)
class Mark:
    """What of a journal MLflow has.

    Parameters
    ----------
    uri, store
        The store, and what tells it from another one at the same place.
    run_id, experiment_id
        MLflow's own; empty while the run is being made.
    size
        How many bytes of the journal are in.
    status
        The run's status then; a running one is looked at again.
    """

    uri: str
    store: str = ""
    run_id: str = ""
    experiment_id: str = ""
    size: int = -1
    status: str = "running"

    def is_of(self, uri: str) -> bool:
        """Whether it speaks of the store that is there now."""
        return self.uri == uri and self.store == store_identity(uri)

    def is_done(self, uri: str, folder: Path) -> bool:
        """Whether there is nothing left to bring in."""
        size = (folder / FILE_NAME).stat().st_size
        return self.is_of(uri) and self.size == size and self.status != "running"


def read_mark(folder: Path) -> Mark | None:
    """Read a journal's mark, if it has one."""
    try:
        return Mark(**json.loads((folder / MARK).read_text()))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def marking(folder: Path) -> Iterator[IO[str]]:
    """Hold a journal's mark: nobody else brings it in meanwhile."""
    with os.fdopen(os.open(folder / MARK, os.O_RDWR | os.O_CREAT, 0o644), "r+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield file


def parse_mark(text: str) -> Mark | None:
    """The mark that a file holds; None if nobody has begun."""
    try:
        return Mark(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return Mark("")  # a mark that was cut off: somebody began, so look before making a run


def write_mark(file: IO[str], mark: Mark) -> None:
    """Write a mark in the place of the one that is there."""
    file.seek(0)
    file.write(json.dumps(asdict(mark)))
    file.flush()
    file.truncate()  # last, so that the mark is never empty: that would mean that nobody has begun
