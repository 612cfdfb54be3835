"""A quick look at a journal: its first line and its last ones, whatever lies between."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import StorageError
from gradmix.journal.journal import FILE_NAME, ITERATION_BEGINS, check_start, ending, last_event, parse_event, status_of
from gradmix.journal.lock import is_held

_TAIL = 8192
"""Bytes at the end that are read first; a journal's result and end are nearly always in there."""


@dataclass(frozen=True)
class RunSummary:
    """What the ends of a journal tell.

    Parameters
    ----------
    folder
        The run's folder.
    started
        The first event.
    status
        As `Record.status`.
    metrics
        The final metrics; empty if it did not come to that.
    error
        What went wrong, in one line.
    seconds
        From the first event to the last.
    stopped
        Who ended it early, if somebody did.
    """

    folder: Path
    started: Mapping[str, Any]
    status: str
    metrics: Mapping[str, float]
    error: str
    seconds: float
    stopped: str = ""

    @property
    def run_key(self) -> str:
        """Identity of what was computed."""
        return str(self.started.get("run_key", ""))

    @property
    def is_finished(self) -> bool:
        """Whether it has a result."""
        return self.status == "finished"


def summarize(folder: Path) -> RunSummary:
    """Look at a journal.

    Raises
    ------
    StorageError
        If it cannot be read, or has no whole first line yet.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            is_live = is_held(file.fileno())
            head = file.readline()
            tail = _tail(file.fileno(), len(head))
    except OSError as error:
        raise StorageError(f"cannot read the journal {path}: {error.strerror}.") from error
    started = parse_event(head, path, 1) if head.endswith(b"\n") else None
    check_start(started, path)
    assert started is not None
    events = [started, *(parse_event(line, path) for line in tail)]
    ended, result = ending(events), last_event(events, "result") or {}
    return RunSummary(
        folder=folder,
        started=started,
        status=status_of(ended, is_live),
        metrics={name: float(value) for name, value in result.get("metrics", {}).items()},
        error=str((ended or {}).get("error", "")),
        seconds=float(events[-1]["time"]) - float(started["time"]),
        stopped=str((result.get("stopped") or {}).get("by", "")),
    )


def _tail(descriptor: int, begin: int) -> list[bytes]:
    """Whole lines at the end, `begin` being where the first line ends: those from the last result on, if there is one.

    Iterations are left out, but for the last line: they tell nothing of how a run ends, and there are many.
    """
    size = os.fstat(descriptor).st_size
    length = _TAIL
    while True:
        offset = max(begin, size - length)
        text = os.pread(descriptor, size - offset, offset)
        text = text[: text.rfind(b"\n") + 1]
        result = text.rfind(b'\n{"event": "result"')
        if result >= 0:
            return text[result + 1 :].splitlines()
        is_whole = offset == begin
        if is_whole or (ITERATION_BEGINS in text and b'"event": "finished"' not in text):  # in the middle of its work
            lines = text.splitlines()[0 if is_whole else 1 :]
            return [line for line in lines[:-1] if not line.startswith(ITERATION_BEGINS)] + lines[-1:]
        length *= 8


def summaries(folders: Iterator[Path]) -> Iterator[RunSummary]:
    """Look at many journals; those that cannot be read are passed over."""
    for folder in folders:
        try:
            yield summarize(folder)
        except StorageError:
            continue
