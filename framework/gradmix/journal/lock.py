"""File locks, which the system releases when the process that holds them ends, even if it crashes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.5
"""Time for which `try_lock` retries: longer than `is_held` in another process keeps the lock for its test."""


def lock(descriptor: int) -> None:
    """Lock an open file for this process; wait until no other process holds the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process; return False if another process holds the lock."""
    end = time.monotonic() + _LOOK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
            continue
        return True


def is_held(descriptor: int) -> bool:
    """Return whether a live process holds the lock of an open file.

    The test takes a shared lock for a moment, so that several processes can test at once without seeing one another.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is created if missing; wait while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        lock(file.fileno())
        yield
