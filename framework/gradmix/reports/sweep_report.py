"""A sweep in the terminal: a line a job, as it ends, and a closing table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gradmix.reports.console import print_table
from gradmix.reports.plan_table import drift, opening
from gradmix.reports.wording import HEADLINES, duration, number, shown
from gradmix.sweeps.events import JobEnd, SweepInfo
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
    sweep
        The sweep.
    jobs
        Its jobs, planned; the first ones, if more are found as it goes on.
    """

    def __init__(self, console: Console, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        self.console, self.sweep = console, sweep
        self.has_begun = True
        self._ends: dict[int, JobEnd] = {}
        console.print(opening(sweep, jobs), highlight=False, soft_wrap=True)
        for line in drift(jobs):
            console.print(line, highlight=False, soft_wrap=True)

    def ended(self, end: JobEnd) -> None:
        """Say how a job ended, unless its result was there before."""
        self._ends[end.number] = end
        if not end.is_reused:
            self.console.print(self._line(end), highlight=False, soft_wrap=True)

    @property
    def is_complete(self) -> bool:
        """Whether every job is done."""
        done = sum(end.status == "finished" for end in self._ends.values())
        return done == self.sweep.n_jobs

    def close(self) -> None:
        """Print what failed, and the closing table."""
        failed = [end for end in self._ends.values() if end.status != "finished"]
        if failed and len(self._ends) > _LINES_IN_SIGHT:
            for end in sorted(failed, key=lambda end: end.number):
                self.console.print(self._line(end), highlight=False, soft_wrap=True)
        rows = {name: str(count) for name, count in self._counts().items()}
        resume = {} if self.is_complete else {"go on": f"gradmix resume {self.sweep.folder.name}"}
        compare = {"compare": f"gradmix compare {self.sweep.folder.name}"} if len(self._ends) > 1 else {}
        print_table(self.console, rows | {"folder": shown(self.sweep.folder)} | resume | compare)

    def _counts(self) -> Mapping[str, int]:
        ends = self._ends.values()
        statuses = Counter(end.status for end in ends)
        done = statuses.pop("finished", 0)
        reused = sum(end.is_reused for end in ends)
        counts = {"done": done, "failed": statuses.pop("failed", 0), "of these reused": reused, **statuses}
        missing = self.sweep.n_jobs - len(ends)
        return {name: count for name, count in {**counts, "not reached": missing}.items() if count or name in _ALWAYS}

    def _line(self, end: JobEnd) -> Text:
        from rich.text import Text

        width = len(str(self.sweep.n_jobs))
        text = Text(f"{end.number + 1:>{width}}/{self.sweep.n_jobs}  ") + Text(end.label or "(defaults)")
        if end.status == "finished":
            named = [name for name in (*HEADLINES, "bic") if name in end.metrics]
            told = "  ".join(f"{name} {number(end.metrics[name])}" for name in named) or "finished"
            result = Text(f"  {told}", style="green") + Text(f"  stopped by {end.stopped}" if end.stopped else "")
        else:
            result = Text(f"  {end.status.replace('_', ' ')}", style="red")
            result += Text(f": {end.error}" if end.error else "")
        took = Text(f"  {duration(end.seconds)}" if end.seconds else "", style="dim")
        return text + result + took
