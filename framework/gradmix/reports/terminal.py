"""Runs in the terminal: a live line with iteration and objective, and a closing table; plain lines in a pipe."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports.plan_table import drift, opening
from gradmix.reports.wording import duration, number, shown
from gradmix.runs.runner import explain_failure
from gradmix.sweeps.events import JobEnd, SweepInfo, SweepWatcher
from gradmix.sweeps.plan import Job

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from gradmix.config.spec import Settings

HEADLINES = ("log_likelihood", "inertia", "derivative_error")
"""Metrics that a run is known by; of those that it has, the first."""

_LINES_IN_SIGHT = 20
"""Jobs of a sweep whose lines one can still see at its end; of more, those that failed are told again."""

_ALWAYS = ("done", "failed")
"""Counts that are told also when they are 0."""

_LINES_IN_FULL = 20
"""Iterations that get a line each without a terminal; after these one a second does."""


class SessionReport(SweepWatcher):
    """Tells of one ``gradmix run``: a run or a sweep, what went wrong, where all is, and how to go on."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._report: RunReport | None = None
        self._sweep: SweepReport | None = None
        self._settings: Settings | None = None
        self._complaint = ""

    def settings_known(self, settings: Settings) -> None:
        """Begin with a single run; a sweep says so next."""
        self._settings = settings
        self._report = RunReport(make_console())

    def planned(self, jobs: Sequence[Job], workers: int) -> None:
        """Show what would run."""
        from gradmix.reports.plan_table import print_plan

        self._report = None
        print_plan(make_console(), jobs, workers)

    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Tell of a sweep instead."""
        self._sweep = SweepReport(make_console(), sweep, jobs)

    def job_ended(self, sweep: SweepInfo, end: JobEnd) -> None:
        """Pass on."""
        if self._sweep is not None:
            self._sweep.ended(end)

    def sweep_ended(self, sweep: SweepInfo) -> None:
        """A sweep in which not every job is done has failed."""
        if self._sweep is not None and not self._sweep.is_complete:
            self.exit_code = self.exit_code or 1

    def gradmix_run_started(self, run: RunInfo) -> None:
        """Pass on."""
        if self._report is not None:
            self._report.started(run)

    def gradmix_iteration(self, run: RunInfo, iteration: Iteration[Any]) -> None:
        """Pass on."""
        if self._report is not None:
            self._report.iterated(iteration)

    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Pass on."""
        if self._report is not None:
            self._report.finished(run, metrics)

    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Pass on."""
        if self._report is not None:
            self._report.failed(run, error)
        self.exit_code = 1

    def problem(self, message: str) -> None:
        """Warn."""
        _say("warning", message)

    def refused(self, error: GradmixError) -> None:
        """A wrong config is the person's to mend, a folder that cannot be written the machine's."""
        self.fail(1 if isinstance(error, StorageError) else 2, str(error))

    def fail(self, exit_code: int, complaint: str) -> None:
        """Take note of why it all ends here."""
        self.exit_code, self._complaint = exit_code, complaint

    def close(self) -> None:
        """Say how it ended."""
        report = self._sweep or self._report
        if report is not None:
            report.close()
        if self._complaint:
            _say("gradmix run", self._complaint)

    def close_tracking(self, errors: list[str]) -> None:
        """Say where it is in MLflow, when that is done, too."""
        report = self._sweep or self._report
        if report is not None and self._settings is not None and report.has_begun:
            _print_table(report.console, _dashboard(self._settings, not errors))
        for error in errors:
            _say("warning", error)


class RunReport:
    """Tells of one run, iteration by iteration.

    Parameters
    ----------
    console
        Where to write.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._lines, self._last_line = 0, 0.0
        self._table: dict[str, str] = {}
        self._run: RunInfo | None = None

    def started(self, run: RunInfo) -> None:
        """Say what runs."""
        from rich.live import Live
        from rich.text import Text

        self._run = run
        chosen = " · ".join(f"{key} {value}" for key, value in run.params.items() if "." not in key)
        self.console.print(Text(chosen, style="bold"), highlight=False)
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=12)
            self._live.start()

    def iterated(self, iteration: Iteration[Any]) -> None:
        """Show the iteration."""
        if self._live is not None:
            self._live.update(_line(iteration))
        elif self._lines < _LINES_IN_FULL or time.monotonic() - self._last_line > 1:
            self.console.print(_line(iteration), highlight=False, soft_wrap=True)
            self._lines, self._last_line = self._lines + 1, time.monotonic()

    def finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Keep the metrics for the closing table."""
        self._stop()
        names = sorted(metrics, key=lambda name: (name.startswith("time."), name not in HEADLINES))
        self._table = {name: number(metrics[name], name) for name in names}

    def failed(self, run: RunInfo, error: BaseException) -> None:
        """Say what went wrong."""
        self._stop()
        self._table = {"status": "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"}
        if not isinstance(error, KeyboardInterrupt):
            _say("gradmix run", explain_failure(error, Path(shown(run.folder))))

    @property
    def has_begun(self) -> bool:
        """Whether there is a run to tell of."""
        return self._run is not None

    def close(self) -> None:
        """Print the closing table."""
        self._stop()
        if self._run is not None:
            _print_table(self.console, self._table | {"folder": shown(self._run.folder)})

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class SweepReport:
    """Tells of a sweep, job by job.

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
        _print_table(self.console, rows | {"folder": shown(self.sweep.folder)} | resume | compare)

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
            result = Text(f"  {told}", style="green")
        else:
            result = Text(f"  {end.status.replace('_', ' ')}", style="red")
            result += Text(f": {end.error}" if end.error else "")
        took = Text(f"  {duration(end.seconds)}" if end.seconds else "", style="dim")
        return text + result + took


def make_console(stderr: bool = False) -> Console:
    """A console on standard output; a reader that goes away, as `| head` does, ends the output and not the run."""
    from rich.console import Console

    class PatientConsole(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return PatientConsole(stderr=stderr)


def _dashboard(settings: Settings, is_tracked: bool) -> dict[str, str]:
    if settings.tracking.uri is None:
        return {"tracking": "none; `gradmix sync` can bring it into MLflow later"}
    if not is_tracked:
        return {"tracking": "not complete; see the warning"}
    return {"experiment": f"{settings.name} in {settings.tracking.uri}", "dashboard": "gradmix ui"}


def _print_table(console: Console, rows: Mapping[str, str]) -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=18)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def _line(iteration: Iteration[Any]) -> Text:
    from rich.text import Text

    text = Text(f"iteration {iteration.step:>4}", style="dim")
    if iteration.start:
        text += Text(f" (start {iteration.start + 1})", style="dim")
    for name, value in iteration.metrics.items():
        text += Text(f"  {name} {value:.6f}")
    return text + Text("  converged", style="green") if iteration.converged else text


def _say(prefix: str, message: str) -> None:
    """One message for the person, on standard error."""
    from rich.text import Text

    style = "yellow" if prefix == "warning" else "red"
    make_console(stderr=True).print(Text(f"{prefix}: ", style=style) + Text(message), highlight=False, soft_wrap=True)
