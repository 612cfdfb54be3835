"""Many journals, read fast: of each run its start, its end and its metrics; iterations only for those who ask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.contracts.meaning import metric_named
from gradmix.journal.journal import FILE_NAME, ITERATION_BEGINS, TERMINAL_EVENTS, check_metrics, check_start
from gradmix.journal.lock import is_locked


@dataclass(frozen=True)
class TimedRounds:
    """Times of repeated rounds of one run.

    Parameters
    ----------
    seconds
        A time a round.
    block
        What runs that were timed in turns, round by round, have in common; None if it was timed by itself.
    """

    seconds: tuple[float, ...]
    block: str | None = None


@dataclass(frozen=True)
class Run:
    """A run, as its journal tells.

    Parameters
    ----------
    folder
        Where it is.
    status
        ``finished``, ``failed``, ``killed``, ``running``, ``timed_out`` or ``out_of_memory``.
    started
        The event of its start; empty if it did not come to that.
    metrics
        Its final metrics; not all need be finite.
    error
        What went wrong, in one line.
    timing
        Times of repeated rounds, if it was timed so.
    best_start
        The start that counts, of several.
    number
        Its number as a job of a sweep.
    is_reused
        Whether the sweep took it over from an earlier one.
    is_stopped
        Whether chosen events ended it early.
    lines
        Its iterations, not parsed yet.
    """

    folder: Path
    status: str
    started: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    timing: TimedRounds | None = None
    best_start: int | None = None
    number: int | None = None
    is_reused: bool = False
    is_stopped: bool = False
    lines: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def params(self) -> Mapping[str, Any]:
        """Chosen components and options, flat."""
        return self.started.get("params", {})  # type: ignore[no-any-return]

    @property
    def is_finished(self) -> bool:
        """Whether it has a result that counts."""
        return self.status == "finished"

    @cached_property
    def iterations(self) -> list[Mapping[str, Any]]:
        """Iterations of the start that counts, in order; a line that is no iteration is left out."""
        try:
            events = json.loads(b"[" + b",".join(self.lines) + b"]")  # at once: a third of the time of one by one
        except ValueError:
            events = [event for event in map(_parsed, self.lines) if event is not None]
        events = [event for event in events if isinstance(event.get("metrics"), dict) and _is_number(event.get("step"))]
        shown = self.best_start if self.best_start is not None else events[-1].get("start") if events else None
        return [event for event in events if event.get("start") == shown]

    def samples(self, name: str) -> Sequence[float]:
        """What was measured of a metric: the rounds of a repeated timing, or the one value; empty if it has none."""
        if name == "time.seconds" and self.timing is not None and name in self.metrics:
            return self.timing.seconds
        return (self.metrics[name],) if name in self.metrics else ()

    def without_timings(self) -> Run:
        """The same run without what holds for the machine that it ran on only."""
        kept = {name: value for name, value in self.metrics.items() if not metric_named(name).is_timing}
        return replace(self, metrics=kept, timing=None)


@dataclass(frozen=True)
class Reading:
    """Runs that were read.

    Parameters
    ----------
    runs
        The runs, in order.
    warnings
        What could not be read, and why.
    n_unreadable
        How many runs had to be left out.
    n_missing
        How many jobs of a sweep were never reached.
    """

    runs: tuple[Run, ...]
    warnings: tuple[str, ...] = ()
    n_unreadable: int = 0
    n_missing: int = 0


def read_run(folder: Path) -> Run:
    """Read one run's journal.

    Raises
    ------
    StorageError
        If it is missing, was edited, or is of a newer format.
    """
    events, lines = read_events(folder)
    ended = next((event for event in events if event["event"] in TERMINAL_EVENTS), None)
    if ended is not None:
        status = TERMINAL_EVENTS[ended["event"]]
    else:
        status = "running" if is_locked(folder / FILE_NAME) else "killed"
    result = _last(events, "result")
    timing = _timing(_last(events, "timing"))
    return Run(
        folder=folder,
        status=status,
        started=events[0],
        metrics={name: float(value) for name, value in result.get("metrics", {}).items()},
        error=str((ended or {}).get("error", "")),
        timing=timing,
        best_start=result.get("best_start"),
        is_stopped="stopped" in result,
        lines=tuple(lines),
    )


def read_runs(folders: Iterable[Path]) -> Reading:
    """Read several runs' journals; those that cannot be read become warnings."""
    runs: list[Run] = []
    warnings: list[str] = []
    for folder in folders:
        try:
            runs.append(read_run(folder))
        except StorageError as error:
            warnings.append(f"left out: {error}")
    return Reading(tuple(runs), tuple(warnings), n_unreadable=len(warnings))


def read_kind(folder: Path) -> tuple[str, float]:
    """Whether a journal is of a ``run`` or a ``sweep``, and when it began, by its first line alone.

    Raises
    ------
    StorageError
        If it has none.
    """
    started = _parsed(_first_line(folder)) or {}
    time = started.get("time", 0.0)
    return str(started.get("kind", "run")), float(time) if _is_number(time) else 0.0


def _first_line(folder: Path) -> bytes:
    try:
        with (folder / FILE_NAME).open("rb") as file:
            return file.readline()
    except OSError as error:
        raise _unreadable(folder, error) from error


def read_events(folder: Path) -> tuple[list[Mapping[str, Any]], list[bytes]]:
    """Events of a journal but for its iterations, and the lines of these."""
    path = folder / FILE_NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _unreadable(folder, error) from error
    whole = text[: text.rfind(b"\n") + 1].split(b"\n")[:-1]
    lines = [line for line in whole if line.startswith(ITERATION_BEGINS)]
    events = [
        _event(line, number, path) for number, line in enumerate(whole, 1) if not line.startswith(ITERATION_BEGINS)
    ]
    check_start(events[0] if events else None, path)
    return events, lines


def _event(line: bytes, number: int, path: Path) -> Mapping[str, Any]:
    event = _parsed(line)
    if event is None or not isinstance(event.get("event"), str) or not _is_number(event.get("time")):
        raise StorageError(f"line {number} of the journal {path} is no event; was it edited?")
    check_metrics(event, f"line {number} of the journal {path}")
    return event


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _unreadable(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot read the journal {folder / FILE_NAME}: {error.strerror}.")


def _last(events: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next((event for event in reversed(events) if event["event"] == name), {})


def _timing(event: Mapping[str, Any]) -> TimedRounds | None:
    seconds = event.get("seconds")
    if not isinstance(seconds, list) or not seconds or not all(map(_is_number, seconds)):
        return None
    block = event.get("block")
    return TimedRounds(tuple(map(float, seconds)), None if block is None else str(block))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
