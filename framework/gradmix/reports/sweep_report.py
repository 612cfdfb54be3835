"""A sweep in the terminal: a line a job, as it ends, and a closing table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradmix.contracts.hooks import hookimpl
from gradmix.journal.reading import Run
from gradmix.reports.console import print_table
from gradmix.reports.plan_table import drift, opening
from gradmix.reports.wording import HEADLINES, duration, number, shown
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LINES_IN_SIGHT = 20
"""Jobs of a sweep whose lines one can still see at its end; of more, those that failed are listed again."""

_ALWAYS = ("done", "failed")
"""Counts that are shown even if they are 0."""


class SweepReport:
    """Reports a sweep, job by job.

    Parameters
    ----------
    console
        Where to write.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._sweep: SweepInfo | None = None
        self._ends: dict[int | None, Run] = {}

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Say what is planned, and what has changed since earlier runs."""
        self._sweep = sweep
        for line in (opening(sweep, jobs), *drift(jobs)):
            self.console.print(line, highlight=False, soft_wrap=True)

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: Run) -> None:
        """Say how a job ended, unless its result was there before."""
        self._ends[end.number] = end
        if not end.is_reused:
            self.console.print(_line(end, sweep.n_jobs), highlight=False, soft_wrap=True)

    @property
    def has_begun(self) -> bool:
        """Whether a sweep has started."""
        return self._sweep is not None

    @property
    def is_complete(self) -> bool:
        """Whether every job is done."""
        done = sum(end.status == "finished" for end in self._ends.values())
        return self._sweep is not None and done == self._sweep.n_jobs

    def close(self) -> None:
        """Print what failed, and the closing table."""
        sweep, ends = self._sweep, self._ends.values()
        if sweep is None:
            return
        failed = [end for end in ends if end.status != "finished"]
        if len(ends) > _LINES_IN_SIGHT:
            for end in sorted(failed, key=lambda end: end.number or 0):
                self.console.print(_line(end, sweep.n_jobs), highlight=False, soft_wrap=True)
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
        print_table(self.console, rows)


def _line(end: Run, n_jobs: int) -> Text:
    from rich.text import Text

    text = Text(f"{(end.number or 0) + 1:>{len(str(n_jobs))}}/{n_jobs}  ") + Text(end.label or "(defaults)")
    if end.status == "finished":
        named = [name for name in (*HEADLINES, "bic") if name in end.metrics]
        told = "  ".join(f"{name} {number(end.metrics[name])}" for name in named) or "finished"
        result = Text(f"  {told}", style="green") + Text(f"  stopped by {end.stopped_by}" if end.stopped_by else "")
    else:
        result = Text(f"  {end.status.replace('_', ' ')}", style="red")
        result += Text(f": {end.error}" if end.error else "")
    return text + result + Text(f"  {duration(end.seconds)}" if end.seconds else "", style="dim")
