"""The journal of a run: JSON lines, appended as things happen. It is the truth; everything else is a view of it.

Each line is one event, whole once it is written. While the run lives its process holds a lock on the file, so that
anybody can tell a running journal from one whose process is gone.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.journal.lock import is_locked, lock, try_lock

Event = Mapping[str, Any]
"""One line of a journal: its ``event``, its ``time``, and what belongs to it."""

FORMAT = 1
FILE_NAME = "journal.jsonl"
TERMINAL_EVENTS = {
    "finished": "finished",
    "failed": "failed",
    "interrupted": "killed",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
}
"""Event that ends a journal → status of its run."""
ITERATION_BEGINS = b'{"event": "iteration"'
"""How the line of an iteration begins: most of a journal, and not needed for a table."""
RESUMED = "resumed"
"""Event that takes up a journal again that had ended."""

_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)

_SYNC_SECONDS = 1.0
"""How long an event may wait to be forced to the disk; the kernel has it at once."""


class Journal:
    """A journal being written.

    Parameters
    ----------
    folder
        The run's own folder; must not have a journal yet.
    """

    def __init__(self, folder: Path) -> None:
        self._open(folder / FILE_NAME, os.O_CREAT | os.O_EXCL)
        lock(self._descriptor)

    @classmethod
    def reopen(cls, folder: Path) -> Journal:
        """Take up a journal whose process has gone; a last line that was cut off is taken away.

        Raises
        ------
        StorageError
            If there is none, or a live process still writes it.
        """
        journal = cls.__new__(cls)
        journal._open(folder / FILE_NAME, 0)
        if not try_lock(journal._descriptor):
            journal.close()
            raise StorageError(f"the journal {journal.path} is being written by another process.")
        text = journal.path.read_bytes()
        os.ftruncate(journal._descriptor, text.rfind(b"\n") + 1)
        last = _last_time(text)
        journal._clock += max(0.0, last - time.time())  # the clock may have been set back since
        return journal

    def _open(self, path: Path, flags: int) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o644)
        except OSError as error:
            raise StorageError(f"cannot write the journal {path}: {error.strerror}.") from error
        self._clock = time.time() - time.monotonic()  # fixed here: a clock set back must not turn events around
        self._synced = time.monotonic()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def write(self, event: str, **content: Any) -> None:
        """Append one event; threads may write at once.

        Raises
        ------
        StorageError
            If the disk is full or the file has gone; what was written before stays whole.
        """
        if os.getpid() != self._process:
            os._exit(0)  # somebody's code has forked, and this is the child, which would write all a second time
        encoded = encode(content)
        with self._lock:
            now = time.monotonic()
            record = {"event": event, "time": self._clock + now, **encoded}
            line = _JSON.encode(record) + "\n"
            self._append(line.encode())
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
        """Close the file and give back its lock."""
        os.close(self._descriptor)


def encode(value: Any) -> Any:
    """Plain values for JSON; a number that is not finite becomes the text ``"nan"``, ``"inf"`` or ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [encode(each) for each in value]
    if hasattr(value, "tolist"):
        return encode(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


@dataclass(frozen=True)
class Record:
    """A journal that was read.

    Parameters
    ----------
    folder
        The run's folder.
    events
        Its events, oldest first.
    is_live
        Whether the process that writes it is still there.
    """

    folder: Path
    events: tuple[Mapping[str, Any], ...]
    is_live: bool

    @property
    def started(self) -> Mapping[str, Any]:
        """The first event: id, key, config, parameters, plugins, environment."""
        return self.events[0]

    @cached_property
    def ended(self) -> Mapping[str, Any] | None:
        """The event that ended the run, if it came to that and nobody took it up again."""
        return ending(self.events)

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``failed``, ``killed``, ``timed_out`` or ``out_of_memory``."""
        return status_of(self.ended, self.is_live)

    @property
    def result(self) -> Mapping[str, Any]:
        """The last event with final metrics; empty if it did not come to that."""
        return last_event(self.events, "result") or {}

    @property
    def iterations(self) -> list[Mapping[str, Any]]:
        """The events of iterations."""
        return [event for event in self.events if event["event"] == "iteration"]

    @property
    def last_time(self) -> float:
        """Time of the last event, in seconds since 1970."""
        return float(self.events[-1]["time"])


def last_event(events: Sequence[Event], name: str) -> Event | None:
    """The last event of a name, if there is one."""
    return next((event for event in reversed(events) if event["event"] == name), None)


def ending(events: Sequence[Event]) -> Event | None:
    """The event that ended a journal, unless it was taken up again after it."""
    last = next((event for event in reversed(events) if event["event"] in (*TERMINAL_EVENTS, RESUMED)), None)
    return None if last is None or last["event"] == RESUMED else last


def status_of(ended: Mapping[str, Any] | None, is_live: bool) -> str:
    """Status of a run, by how its journal ended and whether its process is there."""
    if ended is not None:
        return TERMINAL_EVENTS[ended["event"]]
    return "running" if is_live else "killed"


def read_journal(folder: Path) -> Record:
    """Read a run's journal; a last line that was cut off by a kill is left out.

    Raises
    ------
    StorageError
        If there is none, or a line of it is no event (line named).
    """
    path = folder / FILE_NAME
    try:
        is_live = is_locked(path)  # asked before reading: a run that ends in between is read in full
        text = path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read the journal {path}: {error.strerror}.") from error
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    events = tuple(parse_event(line, path, number) for number, line in enumerate(lines, start=1))
    check_start(events[0] if events else None, path)
    return Record(folder, events, is_live)


def check_start(started: Mapping[str, Any] | None, path: Path) -> None:
    """Check that a journal begins as one that we can read.

    Raises
    ------
    StorageError
        If it does not, or is of a newer version.
    """
    if started is None or started["event"] != "started":
        raise StorageError(f"the journal {path} has no start; nothing was journalled in it.")
    written = started.get("format", 0)
    if not isinstance(written, float | int) or written > FORMAT:
        raise StorageError(f"the journal {path} is of a newer gradmix (format {written}); upgrade to read it.")
    if not isinstance(started.get("params", {}), Mapping):
        raise StorageError(f"line 1 of the journal {path} has no parameters; was it edited?")


def parse_event(line: bytes, path: Path, number: int | None = None) -> Mapping[str, Any]:
    """Parse one line of a journal.

    Raises
    ------
    StorageError
        If it is no event; `number` says which line it is.
    """
    which = f"line {number}" if number else "a line"
    try:
        event = json.loads(line)
        is_event = isinstance(event.get("event"), str) and isinstance(event.get("time"), float | int)
    except (ValueError, AttributeError):
        is_event = False
    if not is_event:
        raise StorageError(f"{which} of the journal {path} is no event; was it edited?")
    check_metrics(event, f"{which} of the journal {path}")
    return event  # type: ignore[no-any-return]


def check_metrics(event: Mapping[str, Any], where: str) -> None:
    """Check that what an event has measured are numbers, or the texts that stand for those that are not finite.

    Raises
    ------
    StorageError
        Names the first that is none.
    """
    if event["event"] not in ("iteration", "result"):
        return
    metrics = event.get("metrics", {})
    if not isinstance(metrics, dict):
        raise StorageError(f"{where} has no metrics; was it edited?")
    for name, value in metrics.items():
        if not isinstance(value, float | int) and value not in _NOT_FINITE:
            raise StorageError(f"{where} has {name}={value!r}, which is no number; was it edited?")


_NOT_FINITE = ("nan", "inf", "-inf")


def _last_time(text: bytes) -> float:
    """Time of the last event of a journal that can be read; 0 if there is none."""
    for line in reversed(text[: text.rfind(b"\n") + 1].splitlines()):
        try:
            return float(json.loads(line)["time"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0.0


def find_journals(runs_dir: Path) -> Iterator[Path]:
    """Folders under `runs_dir` that hold a journal, a sweep before its jobs."""
    for directory, subdirectories, files in os.walk(runs_dir):
        subdirectories.sort()
        if FILE_NAME in files and _has_begun(Path(directory) / FILE_NAME):
            yield Path(directory)


def _has_begun(path: Path) -> bool:
    """Whether there is a whole line: a full disk or a kill may leave a journal without one."""
    with path.open("rb") as file:
        return file.readline().endswith(b"\n")
