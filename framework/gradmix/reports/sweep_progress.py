"""A line on the running jobs of a sweep: live in a terminal, printed ever less often in a pipe or notebook."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from gradmix.journal.reading import Run
from gradmix.reports.console import live_line
from gradmix.reports.wording import duration

_FIRST_LINE_SECONDS = 10.0
"""Time until the first line without a terminal. Most sweeps have ended before."""

_SHARE_BETWEEN_LINES, _LONGEST_PAUSE_SECONDS = 0.5, 600.0
"""Pause until the next line, as a share of the time since the start, and its limit."""


class SweepProgress:
    """The progress of a sweep of `n_jobs` jobs, from its start until `stop` is called."""

    def __init__(self, console: Console, n_jobs: int) -> None:
        self._console, self._n_jobs = console, n_jobs
        self._is_done: dict[int | None, bool] = {}
        self._n_done, self._n_made = 0, 0
        self._running: Sequence[Run] = ()
        self._begun, self._next_line = time.monotonic(), _FIRST_LINE_SECONDS
        self._live = live_line(console, self.line, vanishes=True)

    def ended(self, end: Run) -> None:
        """Count an attempt at a job that has ended."""
        self._n_done += end.is_finished - self._is_done.get(end.number, False)
        self._is_done[end.number] = end.is_finished
        self._n_made += not end.is_reused

    def goes_on(self, running: Sequence[Run]) -> None:
        """Take the runs that have not ended, as their journals are at present; print a line if it is time."""
        self._running = running
        if self._live is None and (seconds := time.monotonic() - self._begun) >= self._next_line:
            self._next_line = seconds + min(seconds * _SHARE_BETWEEN_LINES, _LONGEST_PAUSE_SECONDS)
            self._console.print(self.line(), soft_wrap=True)

    def line(self) -> Text:
        """Return the numbers of jobs, the time passed, an estimate of the time left, and the longest-running job."""
        seconds, n_ended, running = time.monotonic() - self._begun, len(self._is_done), self._running
        failed = f", {n_ended - self._n_done} failed" if n_ended > self._n_done else ""
        line = f"{self._n_done}/{self._n_jobs} done{failed}, {len(running)} running · {duration(seconds)}"
        if self._n_made and n_ended < self._n_jobs:
            line += f", about {duration(seconds * (self._n_jobs - n_ended) / self._n_made)} left"
        if running:
            line += f" · {_position(min(running, key=lambda run: run.began))}"
        return Text(line, style="dim", no_wrap=True, overflow="ellipsis")

    def stop(self) -> None:
        """Remove the live line."""
        if self._live is not None:
            self._live.stop()


def _position(run: Run) -> str:
    """Return the last iteration of a running job, and its label."""
    start, step = run.iteration or (0, 0)
    in_start = f" (start {start + 1})" if start else ""
    return f"iteration {step}{in_start} of {run.label or 'the job'}" if step else run.label
