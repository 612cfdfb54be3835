"""Write the journal of a run: one JSON line an event, appended when it happens.

A line is either written completely or not at all. While the run is active, its process holds a lock on the file, so
that other processes can distinguish the journal of a running process from that of a dead one.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.contracts.secrets import masked
from gradmix.journal.events import CHECKSUM, TERMINAL_EVENTS, valid_events
from gradmix.journal.folder import FILE_NAME
from gradmix.journal.lock import lock, try_lock

_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)

_SYNC_SECONDS = 1.0
"""If the last ``fsync`` is longer ago than this, an event calls it again; the kernel receives each event at once."""


_WITHOUT_TEXT = frozenset({"iteration", "system", "timing"})
"""Events with numbers only: they have nothing to mask, and there are thousands of them."""

_PUBLIC = frozenset(
    {
        "kind",
        "run_id",
        "run_key",
        "name",
        "sweep",
        "status",
        "plugins",
        "parts",
        "environment",
        "seeds",
        "ranking",
        "metrics",
    }
)
"""Fields that are never masked: names of experiments, components and metrics, and the status, are not secret."""


class Journal:
    """A journal open for writing, in the folder of its run, which must not have a journal yet.

    Secrets are masked before they are written (`gradmix.contracts.secrets`): values of options with secret names, users
    and passwords in addresses, and the strings in `hidden`.
    """

    def __init__(self, folder: Path, hidden: Collection[str] = (), flags: int = os.O_CREAT | os.O_EXCL) -> None:
        self.path = folder / FILE_NAME
        self.hidden: tuple[str, ...] = ()
        self.hide(hidden)
        try:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | flags, 0o644)
        except OSError as error:
            raise StorageError(f"cannot write the journal {self.path}: {error.strerror}.") from error
        if flags:
            lock(self._descriptor)
        elif not try_lock(self._descriptor):
            self.close()
            raise StorageError(f"the journal {self.path} is being written by another process.")
        self._clock = time.time() - time.monotonic()  # fixed, so that a clock set back reorders no events
        self._synced = time.monotonic()
        self._checksum = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    @classmethod
    def reopen(cls, folder: Path, hidden: Collection[str] = ()) -> Journal:
        """Continue a journal whose process has died; an incomplete last line is removed.

        Raises `StorageError` if there is no journal, or if a live process is still writing it.
        """
        journal = cls(folder, hidden, flags=0)
        text = journal.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        os.ftruncate(journal._descriptor, len(whole))
        journal._checksum = zlib.crc32(whole)
        last = next(valid_events(reversed(whole.splitlines())), {"time": 0.0})
        journal._clock += max(0.0, last["time"] - time.time())  # the clock may have been set back since
        return journal

    def hide(self, texts: Collection[str]) -> None:
        """Mask these strings, too, in all events written from now on."""
        if not set(self.hidden).issuperset(texts):
            self.hidden = tuple(sorted({*self.hidden, *texts}, key=len, reverse=True))

    def write(self, event: str, **content: Any) -> None:
        """Append one event; several threads may write at once.

        Raises `StorageError` if the disk is full or the file is gone; events written before stay intact.
        """
        if os.getpid() != self._process:
            os._exit(0)  # the child of a fork in a component's code, which would write every event again
        encoded = encode(content)
        if event not in _WITHOUT_TEXT:
            hidden = masked({name: value for name, value in encoded.items() if name not in _PUBLIC}, self.hidden)
            encoded = {name: hidden.get(name, value) for name, value in encoded.items()}
        with self._lock:
            now = time.monotonic()
            record = {"event": event, "time": self._clock + now, **encoded}
            if event in TERMINAL_EVENTS:
                record[CHECKSUM] = self._checksum
            line = (_JSON.encode(record) + "\n").encode()
            self._append(line)
            self._checksum = zlib.crc32(line, self._checksum)
            if now - self._synced > _SYNC_SECONDS or event in TERMINAL_EVENTS:
                os.fsync(self._descriptor)
                self._synced = now

    def _append(self, line: bytes) -> None:
        end = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                raise OSError(28, "No space left on device")
        except OSError as error:
            os.ftruncate(self._descriptor, end)
            raise StorageError(f"cannot append to the journal {self.path}: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file and release its lock."""
        os.close(self._descriptor)


def encode(value: Any) -> Any:
    """Convert a value to plain values for JSON; NaN and infinities become ``"nan"``, ``"inf"`` and ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [encode(each) for each in value]
    if hasattr(value, "tolist"):
        return encode(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
