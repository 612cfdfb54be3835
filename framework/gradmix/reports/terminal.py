"""Runs in the terminal: a live line with iteration and objective, and a closing table; plain lines in a pipe."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports.wording import duration, number, shown
from gradmix.runs.events import SweepInfo, Watcher
from gradmix.runs.runner import explain_failure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from gradmix.config.spec import Settings

HEADLINES = ("log_likelihood", "inertia", "derivative_error")
"""Metrics that a run is known by; of those that it has, the first."""

_LINES_IN_FULL = 20
"""Iterations that get a line each without a terminal; after these one a second does."""


class SessionReport(Watcher):
    """Tells of one ``gradmix run``: a run or a sweep, what went wrong, where all is, and how to go on."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._report: RunReport | SweepReport | None = None
        self._settings: Settings | None = None
        self._complaint = ""

    def settings_known(self, settings: Settings) -> None:
        """Begin with a single run; a sweep says so next."""
        self._settings = settings
        self._report = RunReport(make_console())

    def sweep_started(self, sweep: SweepInfo) -> None:
        """Tell of a sweep instead."""
        self._report = SweepReport(make_console(), sweep)

    def gradmix_run_started(self, run: RunInfo) -> None:
        """Pass on."""
        assert self._report is not None
        self._report.started(run)

    def gradmix_iteration(self, run: RunInfo, iteration: Iteration[Any]) -> None:
        """Pass on."""
        assert self._report is not None
        self._report.iterated(iteration)

    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Pass on."""
        assert self._report is not None
        self._report.finished(run, metrics)

    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Pass on."""
        assert self._report is not None
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
        if self._report is not None:
            self._report.close()
        if self._complaint:
            _say("gradmix run", self._complaint)

    def close_tracking(self, errors: list[str]) -> None:
        """Say where it is in MLflow, when that is done, too."""
        if self._report is not None and self._settings is not None and self._report.has_begun:
            _print_table(self._report.console, _dashboard(self._settings, not errors))
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
    """

    def __init__(self, console: Console, sweep: SweepInfo) -> None:
        self.console, self.sweep = console, sweep
        self.n_done = self.n_failed = self.n_interrupted = 0
        self.has_begun = True
        self._started = 0.0
        console.print(f"{sweep.n_jobs} jobs, all checked", highlight=False)

    def started(self, run: RunInfo) -> None:
        """Start the job's clock."""
        self._started = time.monotonic()

    def iterated(self, iteration: Iteration[Any]) -> None:
        """A sweep shows no iterations."""

    def finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Say what the job reached."""
        headline = next((name for name in HEADLINES if name in metrics), None)
        self.n_done += 1
        self._job(run, "green", f"{headline} {number(metrics[headline])}" if headline else "finished")

    def failed(self, run: RunInfo, error: BaseException) -> None:
        """Say what went wrong."""
        if isinstance(error, KeyboardInterrupt):
            self.n_interrupted += 1
            self._job(run, "yellow", "interrupted")
        else:
            self.n_failed += 1
            self._job(run, "red", explain_failure(error, Path(shown(run.folder))))

    def close(self) -> None:
        """Print the closing table."""
        missing = self.sweep.n_jobs - self.n_ended
        counts = {"done": self.n_done, "failed": self.n_failed}
        counts |= {"interrupted": self.n_interrupted} if self.n_interrupted else {}
        counts |= {"not reached": missing} if missing else {}
        rows = {name: str(count) for name, count in counts.items()}
        _print_table(self.console, rows | {"folder": shown(self.sweep.folder)})

    @property
    def n_ended(self) -> int:
        """Jobs that have ended, one way or another."""
        return self.n_done + self.n_failed + self.n_interrupted

    def _job(self, run: RunInfo, style: str, result: str) -> None:
        from rich.text import Text

        number_of_job = f"{self.n_ended:>{len(str(self.sweep.n_jobs))}}/{self.sweep.n_jobs}  "
        line = Text(number_of_job) + Text(" ".join(run.overrides) or "(defaults)")
        line += Text(f"  {result}", style=style) + Text(f"  {duration(time.monotonic() - self._started)}", style="dim")
        self.console.print(line, highlight=False, soft_wrap=True)


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
