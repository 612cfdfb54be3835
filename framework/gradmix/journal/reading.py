"""Read journals: the first and last lines at once, the lines between them only on demand.

The last lines of a journal have the status, the result and the metrics of the run. The iterations before them, often
thousands, are parsed only when they are needed.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    valid_events,
)
from gradmix.journal.folder import FILE_NAME
from gradmix.journal.lock import is_held

_TAIL = 8192
"""Bytes at the end of a journal that are read first; they nearly always include the result and the end of the run."""


@dataclass(frozen=True)
class TimedRounds:
    """Times of repeated rounds of one run, in seconds."""

    seconds: tuple[float, ...]
    block: str | None = None  # the same for all runs that were timed in turns, round by round


@dataclass(frozen=True)
class Run:
    """A run as its journal records it. A sweep's own journal is read in the same way."""

    folder: Path
    status: str  # finished, failed, killed, running, timed_out or out_of_memory
    started: Event = field(default_factory=dict)  # the first event; without a time if the run never began
    metrics: Mapping[str, float] = field(default_factory=dict)  # the final values, which may be NaN or infinite
    error: str = ""  # the reason of a failure, in one line
    timing: TimedRounds | None = None
    best_start: int | None = None  # the start whose result is the run's result
    stopped_by: str = ""  # name of the events component that stopped the run early; empty if none did
    remarks: Mapping[str, str] = field(default_factory=dict)  # what the task reports besides metrics
    has_ended: bool = False  # whether the journal has a terminal event; a run killed from outside has none
    last_time: float = 0.0  # time of the last event, in seconds since 1970
    iteration: tuple[int, int] | None = None  # start and step of the last event, if it is an iteration
    number: int | None = None  # number of the job in its sweep
    is_reused: bool = False  # whether the sweep took the result from an earlier run
    has_timings: bool = True  # whether its timings are valid in the environment of its sweep
    size: int = field(default=0, repr=False)
    """Length of the journal's complete lines when it was first read, in bytes; later reads stop there, too."""
    checksum: int | None = field(default=None, repr=False)  # CRC-32 of all lines before the last

    @property
    def kind(self) -> str:
        """``run`` or ``sweep``."""
        return str(self.started.get("kind", "run"))

    @property
    def run_key(self) -> str:
        """The run key; empty if it is unknown."""
        return str(self.started.get("run_key", ""))

    @property
    def label(self) -> str:
        """The name of the run in lists."""
        return str(self.started.get("label", ""))

    @property
    def params(self) -> Mapping[str, Any]:
        """Chosen components and options, flat."""
        return self.started.get("params", {})  # type: ignore[no-any-return]

    @cached_property
    def declared(self) -> Declared:
        """The declarations of its parts, seeds and metrics."""
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
    def is_finished(self) -> bool:
        """Whether it has finished, so that its result is valid."""
        return self.status == "finished"

    def require(self, name: str) -> Any:
        """Return a field of the first event; raise `StorageError` if it is missing."""
        if name not in self.started:
            raise StorageError(f"line 1 of the journal {self.folder / FILE_NAME} has no {name}; was the file edited?")
        return self.started[name]

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Return every event, oldest first; raise `StorageError` if a line is not a valid event."""
        return tuple(_parsed(line, number, self.folder) for number, line in enumerate(self._lines(), start=1))

    def events_named(self, name: str) -> list[Event]:
        """Return every event of a name, oldest first; raise as `events`."""
        return [event for event in self.events if event["event"] == name]

    @cached_property
    def iterations(self) -> list[Event]:
        """Return the iterations of the best start, in order; a line that is not a valid iteration is left out."""
        lines = [line for line in self._lines() if line.startswith(ITERATION) or name_of(line) == "iteration"]
        try:
            events = json.loads(b"[" + b",".join(lines) + b"]")  # parsing all at once takes a third of the time
        except (ValueError, RecursionError):
            events = list(valid_events(lines))
        events = [
            event for event in events if isinstance(event.get("metrics"), dict) and isinstance(event.get("step"), int)
        ]
        shown = self.best_start if self.best_start is not None else events[-1].get("start") if events else None
        return [event for event in events if event.get("start") == shown]

    def verify(self) -> None:
        """Check that the journal of an ended run is unchanged since it was written; raise `StorageError` if it is not.

        A journal of version 0.1 has no checksum; then each line must be a valid event.
        """
        text = self._text()
        if self.checksum == zlib.crc32(text[: text.rfind(b"\n", 0, -1) + 1]):
            return
        _ = self.events  # raises with the number of the invalid line, if there is one
        if self.checksum is not None:
            raise StorageError(f"the journal {self.folder / FILE_NAME} was changed after it was written.")

    def samples(self, name: str) -> Sequence[float]:
        """Return the measured values of a metric: the rounds of a repeated timing, or its one value; empty if none."""
        if name == "time.seconds" and self.timing is not None and name in self.metrics:
            return self.timing.seconds
        return (self.metrics[name],) if name in self.metrics else ()

    def without_timings(self) -> Run:
        """Return the same run without its timings, which are valid only for the machine that it ran on."""
        meanings = self.declared.meanings
        kept = {name: value for name, value in self.metrics.items() if not meaning_of(name, meanings).is_timing}
        return replace(self, metrics=kept, timing=None)

    def without_spoiled(self) -> Run:
        """Return the same run with NaN in place of each metric that other metrics make meaningless."""
        found = {name: meaning_of(name, self.declared.meanings) for name in self.metrics}
        spoiled = {name: math.nan for name, meaning in found.items() if meaning.is_spoiled(self.metrics)}
        return replace(self, metrics={**self.metrics, **spoiled}) if spoiled else self

    def _lines(self) -> list[bytes]:
        return self._text().split(b"\n")[:-1]

    def _text(self) -> bytes:
        if self.size == 0:
            return b""
        with _opened(self.folder) as file:
            return file.read(self.size)


@dataclass(frozen=True)
class Reading:
    """The runs that were read, in order, and warnings about those that could not be read."""

    runs: tuple[Run, ...]
    warnings: tuple[str, ...] = ()  # what was left out, and why
    n_unreadable: int = 0  # number of runs that could not be read
    n_missing: int = 0  # number of jobs of a sweep that never began
    title: str = ""  # what was read, for a heading

    @classmethod
    def joined(cls, readings: Iterable[Reading]) -> Reading:
        """Join several readings into one."""
        each = tuple(readings)
        return cls(
            runs=tuple(run for reading in each for run in reading.runs),
            warnings=tuple(warning for reading in each for warning in reading.warnings),
            n_unreadable=sum(reading.n_unreadable for reading in each),
            n_missing=sum(reading.n_missing for reading in each),
        )


def read_run(folder: Path) -> Run:
    """Read the first and last lines of a journal; an incomplete last line, as a kill leaves it, is ignored.

    Raises `StorageError` if there is no journal, if a line read is not a valid event, or if a newer version wrote it.
    """
    with _opened(folder) as file:
        is_live = is_held(file.fileno())  # tested before reading, so that a run that ends in between is read to its end
        head = file.readline()
        if not head.endswith(b"\n"):
            raise StorageError(f"the journal {folder / FILE_NAME} is empty.")
        started = _parsed(head, 1, folder, check_started)
        try:
            size, lines = _closing_lines(file.fileno(), len(head))
            last, end, result, timing = (
                parse_event(lines[name]) if name in lines else {} for name in ("last", "end", "result", "timing")
            )
        except InvalidEventError:
            file.seek(0)
            for number, line in enumerate(file, start=1):
                _parsed(line, number, folder)  # raises with the number of the first invalid line
            raise StorageError(f"the journal {folder / FILE_NAME} was changed while it was read.") from None
    has_ended = end.get("event") in TERMINAL_EVENTS
    seconds = tuple(map(float, timing.get("seconds", ())))
    return Run(
        folder=folder,
        status=TERMINAL_EVENTS[end["event"]] if has_ended else "running" if is_live else "killed",
        started=started,
        metrics={name: float(value) for name, value in result.get("metrics", {}).items()},
        error=str(end.get("error", "")),
        timing=TimedRounds(seconds, timing.get("block")) if seconds else None,
        best_start=result.get("best_start"),
        stopped_by=str(result.get("stopped", {}).get("by", "")),
        remarks={name: str(remark) for name, remark in result.get("remarks", {}).items()},
        has_ended=has_ended,
        last_time=float((last or started)["time"]),
        iteration=(last["start"], last["step"]) if last.get("event") == "iteration" else None,
        size=size,
        checksum=last.get(CHECKSUM),
    )


def read_unchanged(folder: Path) -> Run:
    """Read a run to show its result: like `read_run`, but also verify the checksum if there is one."""
    run = read_run(folder)
    if run.checksum is not None:
        run.verify()
    return run


def read_runs(folders: Iterable[Path], read: Callable[[Path], Run] = read_run) -> Reading:
    """Read the journals of several runs; each unreadable journal becomes a warning."""
    runs: list[Run] = []
    warnings: list[str] = []
    for folder in folders:
        try:
            runs.append(read(folder))
        except StorageError as error:
            warnings.append(f"left out: {error}")
    return Reading(tuple(runs), tuple(warnings), n_unreadable=len(warnings))


def read_start(folder: Path) -> Event:
    """Return the first event of a journal; empty if it is not valid. Raise `StorageError` if there is no journal."""
    with _opened(folder) as file:
        return next(valid_events([file.readline()]), {})


def _closing_lines(descriptor: int, begin: int) -> tuple[int, dict[str, bytes]]:
    """Return the offset at which the last complete line ends, and the closing lines of the run, not parsed.

    The search goes backwards from the end in growing steps. It looks for the ``last`` line, the last event that ended
    or continued the journal (``end``), the last ``result``, and the ``timing`` directly before that. `begin` is the
    offset at which the first line ends.
    """
    end, length = os.fstat(descriptor).st_size, _TAIL
    while True:
        offset = max(begin, end - length)
        text = os.pread(descriptor, end - offset, offset)
        text = text[: text.rfind(b"\n") + 1]
        lines = text.split(b"\n")[(0 if offset == begin else 1) : -1]
        found, is_complete = _look_back(lines)
        if is_complete or offset == begin:
            return offset + len(text), found
        length *= 8


def _look_back(lines: Sequence[bytes]) -> tuple[dict[str, bytes], bool]:
    """Return the closing lines among `lines`, and whether the search is complete, so that earlier lines do not matter.

    Raises `InvalidEventError` if a line has no event.
    """
    found: dict[str, bytes] = {}
    for line in reversed(lines):
        found.setdefault("last", line)
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
