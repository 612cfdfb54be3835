"""Reading a journal: its ends at once, what is between them only on demand.

How a run ended, its result and its metrics are on the last lines, whatever its length; thousands of iterations before
them are not parsed unless they are asked for.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from gradmix.contracts.errors import StorageError
from gradmix.contracts.meaning import meaning_of
from gradmix.journal.declared import Declared, declared_in
from gradmix.journal.events import (
    CHECKSUM,
    ITERATION,
    RESUMED,
    TERMINAL_EVENTS,
    Event,
    InvalidEventError,
    check_started,
    name_of,
    parse_event,
)
from gradmix.journal.folder import FILE_NAME
from gradmix.journal.lock import is_held

_TAIL = 8192
"""Bytes at the end that are read first; the result and the end of a run are nearly always among them."""


@dataclass(frozen=True)
class TimedRounds:
    """Times of repeated rounds of one run.

    Parameters
    ----------
    seconds
        Time of each round.
    block
        What runs that were timed in turns, round by round, have in common; None if it was timed by itself.
    """

    seconds: tuple[float, ...]
    block: str | None = None


@dataclass(frozen=True)
class Run:
    """A run as its journal records it. A sweep's own journal is read in the same way.

    Parameters
    ----------
    folder
        Where it is.
    status
        ``finished``, ``failed``, ``killed``, ``running``, ``timed_out`` or ``out_of_memory``.
    started
        Its first event; empty for a job that never began.
    metrics
        Its final metrics, some perhaps not finite; empty without a result.
    error
        What went wrong, in one line.
    timing
        Times of repeated rounds, if it was timed in that way.
    best_start
        The start that counts, of several.
    stopped_by
        The chosen event that ended it early; empty if none did.
    has_ended
        Whether an event ended it. A run that is killed from outside has ended without one.
    last_time
        Time of its last event, in seconds since 1970.
    number
        Its number as a job of a sweep.
    is_reused
        Whether the sweep took the result from an earlier run.
    has_timings
        Whether its timings hold in the environment of its sweep.
    size
        Length of the whole lines of the journal when it was read, in bytes; what is read later ends there, too.
    checksum
        CRC-32 of all lines but the last, if the last one records it.
    """

    folder: Path
    status: str
    started: Event = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    timing: TimedRounds | None = None
    best_start: int | None = None
    stopped_by: str = ""
    has_ended: bool = False
    last_time: float = 0.0
    number: int | None = None
    is_reused: bool = False
    has_timings: bool = True
    size: int = field(default=0, repr=False)
    checksum: int | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """``run`` or ``sweep``."""
        return str(self.started.get("kind", "run"))

    @property
    def run_key(self) -> str:
        """Identity of what it computes; empty if that is unknown."""
        return str(self.started.get("run_key", ""))

    @property
    def label(self) -> str:
        """What it is called where it is listed."""
        return str(self.started.get("label", ""))

    @property
    def params(self) -> Mapping[str, Any]:
        """Chosen components and options, flat."""
        return self.started.get("params", {})  # type: ignore[no-any-return]

    @cached_property
    def declared(self) -> Declared:
        """What it declares of its parts, seeds and metrics."""
        return declared_in(self.started)

    @property
    def began(self) -> float:
        """Time of its first event, in seconds since 1970; 0 for a job that never began."""
        return float(self.started.get("time", 0.0))

    @property
    def seconds(self) -> float:
        """Time from the first event to the last."""
        return self.last_time - self.began

    @property
    def is_stopped(self) -> bool:
        """Whether a chosen event ended it early."""
        return bool(self.stopped_by)

    @property
    def is_finished(self) -> bool:
        """Whether it has a result that counts."""
        return self.status == "finished"

    def require(self, name: str) -> Any:
        """A field of the first event.

        Raises
        ------
        StorageError
            If it is missing.
        """
        if name not in self.started:
            raise StorageError(f"line 1 of the journal {self.folder / FILE_NAME} has no {name}; was the file edited?")
        return self.started[name]

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Every event, oldest first.

        Raises
        ------
        StorageError
            If the journal cannot be read, or a line is not a valid event.
        """
        return tuple(_parsed(line, number, self.folder) for number, line in enumerate(self._lines(), start=1))

    def events_named(self, name: str) -> list[Event]:
        """Every event of a name, oldest first; as `events`."""
        return [event for event in self.events if event["event"] == name]

    @cached_property
    def iterations(self) -> list[Event]:
        """Iterations of the start that counts, in order; a line that is not a valid iteration is left out.

        Raises
        ------
        StorageError
            If the journal cannot be read.
        """
        lines = [line for line in self._lines() if line.startswith(ITERATION) or name_of(line) == "iteration"]
        try:
            events = json.loads(b"[" + b",".join(lines) + b"]")  # at once: a third of the time of one by one
        except (ValueError, RecursionError):
            events = list(_valid(lines))
        events = [
            event for event in events if isinstance(event.get("metrics"), dict) and isinstance(event.get("step"), int)
        ]
        shown = self.best_start if self.best_start is not None else events[-1].get("start") if events else None
        return [event for event in events if event.get("start") == shown]

    def verify(self) -> None:
        """Check that the journal of a run that has ended is as it was written.

        A journal of version 0.1 has no checksum; each of its lines must be a valid event.

        Raises
        ------
        StorageError
            If it was changed or damaged since.
        """
        text = self._text()
        if self.checksum == zlib.crc32(text[: text.rfind(b"\n", 0, -1) + 1]):
            return
        _ = self.events  # names the line that is not a valid event, if there is one
        if self.checksum is not None:
            raise StorageError(f"the journal {self.folder / FILE_NAME} was changed after it was written.")

    def samples(self, name: str) -> Sequence[float]:
        """What was measured of a metric: the rounds of a repeated timing, or the one value; empty if it has none."""
        if name == "time.seconds" and self.timing is not None and name in self.metrics:
            return self.timing.seconds
        return (self.metrics[name],) if name in self.metrics else ()

    def without_timings(self) -> Run:
        """The same run without what holds for the machine that it ran on only."""
        kept = {
            name: value
            for name, value in self.metrics.items()
            if not meaning_of(name, self.declared.meanings).is_timing
        }
        return replace(self, metrics=kept, timing=None)

    def _lines(self) -> list[bytes]:
        return self._text().split(b"\n")[:-1]

    def _text(self) -> bytes:
        if self.size == 0:
            return b""
        with _opened(self.folder) as file:
            return file.read(self.size)


@dataclass(frozen=True)
class Reading:
    """Runs that were read, in order, and what could not be."""

    runs: tuple[Run, ...]
    warnings: tuple[str, ...] = ()  # what had to be left out, and why
    n_unreadable: int = 0  # runs that had to be left out
    n_missing: int = 0  # jobs of a sweep that were never reached
    title: str = ""  # what was read, for a heading

    @classmethod
    def joined(cls, readings: Iterable[Reading]) -> Reading:
        """Several readings as one."""
        each = tuple(readings)
        return cls(
            runs=tuple(run for reading in each for run in reading.runs),
            warnings=tuple(warning for reading in each for warning in reading.warnings),
            n_unreadable=sum(reading.n_unreadable for reading in each),
            n_missing=sum(reading.n_missing for reading in each),
        )


def read_run(folder: Path) -> Run:
    """Read the ends of a journal; a last line that was cut off by a kill is left out.

    Raises
    ------
    StorageError
        If there is none, if one of the lines read is not a valid event, or if a newer version wrote it.
    """
    with _opened(folder) as file:
        is_live = is_held(file.fileno())  # asked before reading: a run that ends in between is read in full
        head = file.readline()
        if not head.endswith(b"\n"):
            raise StorageError(f"the journal {folder / FILE_NAME} is empty.")
        started = _parsed(head, 1, folder, check_started)
        try:
            closing = _Closing.read(file.fileno(), len(head))
            last, end, result, timing = map(
                parse_event, (closing.last or head, closing.end, closing.result, closing.timing)
            )
        except InvalidEventError:
            raise _damage(file, folder) from None
    status = TERMINAL_EVENTS.get(end["event"], "running" if is_live else "killed")
    return Run(
        folder=folder,
        status=status,
        started=started,
        metrics={name: float(value) for name, value in result.get("metrics", {}).items()},
        error=str(end.get("error", "")),
        timing=TimedRounds(tuple(map(float, timing["seconds"])), timing.get("block"))
        if timing.get("seconds")
        else None,
        best_start=result.get("best_start"),
        stopped_by=str(result.get("stopped", {}).get("by", "")),
        has_ended=end["event"] in TERMINAL_EVENTS,
        last_time=float(last["time"]),
        size=closing.size,
        checksum=last.get(CHECKSUM),
    )


def read_unchanged(folder: Path) -> Run:
    """Read a run whose result is to be shown: as `read_run`, and its checksum is verified if it has one.

    Raises
    ------
    StorageError
        Also if the journal was changed after it was written.
    """
    run = read_run(folder)
    if run.checksum is not None:
        run.verify()
    return run


def read_runs(folders: Iterable[Path], read: Callable[[Path], Run] = read_run) -> Reading:
    """Read several runs' journals; those that cannot be read become warnings."""
    runs: list[Run] = []
    warnings: list[str] = []
    for folder in folders:
        try:
            runs.append(read(folder))
        except StorageError as error:
            warnings.append(f"left out: {error}")
    return Reading(tuple(runs), tuple(warnings), n_unreadable=len(warnings))


def read_start(folder: Path) -> Event:
    """The first event of a journal; empty if it is not valid.

    Raises
    ------
    StorageError
        If there is no journal.
    """
    with _opened(folder) as file:
        return next(_valid([file.readline()]), {})


_NOTHING = b'{"event": "", "time": 0}'
"""Stands for a line that a journal does not have."""


@dataclass(frozen=True)
class _Closing:
    """The lines that say how a run ended, not parsed yet.

    Parameters
    ----------
    size
        Where the last whole line ends.
    last
        The last line but the first; empty if there is only one.
    end
        The last event that ended the journal, or continued it.
    result, timing
        The last result, and the times that were journalled right before it.
    """

    size: int
    last: bytes = b""
    end: bytes = _NOTHING
    result: bytes = _NOTHING
    timing: bytes = _NOTHING

    @classmethod
    def read(cls, descriptor: int, begin: int) -> _Closing:
        """Look backwards from the end, in growing steps; `begin` is where the first line ends."""
        end, length = os.fstat(descriptor).st_size, _TAIL
        while True:
            offset = max(begin, end - length)
            text = os.pread(descriptor, end - offset, offset)
            text = text[: text.rfind(b"\n") + 1]
            lines = text.split(b"\n")[(0 if offset == begin else 1) : -1]
            found, is_complete = _look_back(lines)
            if is_complete or offset == begin:
                return cls(offset + len(text), lines[-1] if lines else b"", **found)
            length *= 8


def _look_back(lines: Sequence[bytes]) -> tuple[dict[str, bytes], bool]:
    """Closing lines by field of `_Closing`; whether no earlier line can be one.

    Raises
    ------
    InvalidEventError
        If a line among them has no event's name.
    """
    found: dict[str, bytes] = {}
    for line in reversed(lines):
        name = name_of(line)
        if not name:
            raise InvalidEventError("has no event")
        if name == "iteration" or ("result" in found and name != "timing"):
            return found, True
        if name in TERMINAL_EVENTS or name == RESUMED:
            found.setdefault("end", line)
        elif name in ("result", "timing"):
            found.setdefault(name, line)
    return found, False


@contextmanager
def _opened(folder: Path) -> Iterator[BinaryIO]:
    try:
        with (folder / FILE_NAME).open("rb") as file:
            yield file
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read the journal {folder / FILE_NAME}: {error.strerror}.") from error


def _parsed(line: bytes, number: int, folder: Path, check: Callable[[Event], None] | None = None) -> Event:
    try:
        event = parse_event(line)
        if check is not None:
            check(event)
    except InvalidEventError as error:
        raise StorageError(f"line {number} of the journal {folder / FILE_NAME} {error}") from None
    return event


def _damage(file: BinaryIO, folder: Path) -> StorageError:
    """The error that names the first line that is not a valid event."""
    file.seek(0)
    try:
        for number, line in enumerate(file, start=1):
            _parsed(line, number, folder)
    except StorageError as error:
        return error
    return StorageError(f"the journal {folder / FILE_NAME} was changed while it was read.")


def _valid(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        with suppress(InvalidEventError):
            yield parse_event(line)
