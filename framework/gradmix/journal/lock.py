"""Locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.5
"""Longer than a process holds a lock that only looks whether it is held."""


def lock(descriptor: int) -> None:
    """Lock an open file for this process; wait for those who only look."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process; False if another one holds it."""
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
    """Whether a live process holds the lock of an open file. Those who look do not see one another."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, made if need be; wait while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        lock(file.fileno())
        yield
