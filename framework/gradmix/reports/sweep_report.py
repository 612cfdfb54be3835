"""A sweep in the terminal: a line a job, as it ends, and a closing table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from gradmix.contracts.hooks import hookimpl
from gradmix.journal.reading import Run
from gradmix.reports.console import print_table
from gradmix.reports.plan_table import drift, opening
from gradmix.reports.wording import HEADLINES, measured, metric_text, shown
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job

_LINES_IN_SIGHT = 20
"""Jobs of a sweep whose lines one can still see at its end; of more, those that failed are listed again."""

_ALWAYS = ("done", "failed")
"""Counts that are shown even if they are 0."""


class SweepReport:
    """Reports a sweep, job by job."""

    def __init__(self, console: Console) -> None:
        self.sweep: SweepInfo | None = None
        self._console = console
        self._ends: dict[int | None, Run] = {}

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Say what is planned, and what has changed since earlier runs."""
        self.sweep = sweep
        for line in (opening(sweep, jobs), *drift(jobs)):
            self._console.print(line, soft_wrap=True)

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: Run) -> None:
        """Say how a job ended, unless its result was there before."""
        self._ends[end.number] = end
        if not end.is_reused:
            self._print(end, sweep.n_jobs)

    @property
    def is_complete(self) -> bool:
        """Whether every job is done."""
        done = sum(end.status == "finished" for end in self._ends.values())
        return self.sweep is not None and done == self.sweep.n_jobs

    def close(self) -> None:
        """Print what failed, and the closing table."""
        sweep, ends = self.sweep, self._ends.values()
        if sweep is None:
            return
        if len(ends) > _LINES_IN_SIGHT:
            for end in sorted(ends, key=lambda end: end.number or 0):
                if end.status != "finished":
                    self._print(end, sweep.n_jobs)
        statuses = Counter(end.status for end in ends)
        counts = {
            "done": statuses.pop("finished", 0),
            "failed": statuses.pop("failed", 0),
            "of these reused": sum(end.is_reused for end in ends),
            **statuses,
            "not reached": sweep.n_jobs - len(ends),
        }
        rows = {name: str(count) for name, count in counts.items() if count or name in _ALWAYS}
        rows |= {"folder": shown(sweep.folder)}
        rows |= {} if self.is_complete else {"go on": f"gradmix resume {sweep.folder.name}"}
        rows |= {"compare": f"gradmix compare {sweep.folder.name}"} if len(ends) > 1 else {}
        print_table(self._console, rows)

    def _print(self, end: Run, n_jobs: int) -> None:
        line = Text(f"{(end.number or 0) + 1:>{len(str(n_jobs))}}/{n_jobs}  {end.label or '(defaults)'}")
        if end.status == "finished":
            named = [name for name in (*HEADLINES, "bic") if name in end.metrics]
            told = "  ".join(f"{name} {metric_text(name, end.metrics[name])}" for name in named) or "finished"
            line += Text(f"  {told}", style="green") + Text(f"  stopped by {end.stopped_by}" if end.stopped_by else "")
        else:
            line += Text(f"  {end.status.replace('_', ' ')}", style="red") + Text(f": {end.error}" if end.error else "")
        line += Text(f"  {measured(end.seconds, 's')}" if end.seconds else "", style="dim")
        self._console.print(line, soft_wrap=True)
