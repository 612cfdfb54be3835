"""A session of ``gradmix run`` in the terminal: a run, a sweep or a plan, and the status of MLflow.

A run has a live line with iteration and metrics (plain lines in a pipe), and a closing table.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.text import Text

from gradmix.config.spec import Settings
from gradmix.contracts.errors import StorageError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.contracts.secrets import without_user
from gradmix.journal.reading import read_run
from gradmix.reports.console import live_line, make_console, print_table, say
from gradmix.reports.sweep_report import SweepReport
from gradmix.reports.wording import metric_text, progress, shown
from gradmix.runs.runner import explain_failure, status_of_error

_LINES_IN_FULL = 20
"""Number of iterations that get a line each without a terminal; later ones get a line a second, then fewer."""

_SHARE_BETWEEN_LINES = 0.05
"""Pause until the next line, as a share of the time since the start, if that is more than a second."""


class SessionReport:
    """Reports one ``gradmix run``: a run or a sweep, errors, the place of the results, and how to continue."""

    def __init__(self) -> None:
        self._console = make_console()
        self._sweep = SweepReport(self._console)
        self.watchers = (self, self._sweep)
        """The listeners to register for the session's events."""
        self._settings: Settings | None = None
        self._run: RunInfo | None = None
        self._live: Live | None = None
        self._lines, self._begun, self._last_line = 0, 0.0, 0.0
        self._line = Text()
        self._unprinted: Text | None = None
        self._objectives: Collection[str] = ()
        self._rows: dict[str, str] = {}
        self._stopped: dict[str, str] = {}

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Remember the tracking settings."""
        self._settings = settings

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Print the components of the run, and start the live line."""
        self._run, self._begun = run, time.monotonic()
        chosen = " · ".join(f"{key} {value}" for key, value in run.params.items() if "." not in key)
        self._console.print(Text(chosen, style="bold"))
        self._live = live_line(self._console, self._live_line)

    @hookimpl
    def gradmix_iteration(self, iteration: Iteration[Any]) -> None:
        """Show an iteration."""
        self._objectives = iteration.metrics.keys()
        line = Text(f"iteration {iteration.step:>4}", style="dim")
        line += Text(f" (start {iteration.start + 1})" if iteration.start else "", style="dim")
        for name, value in iteration.metrics.items():
            line += Text(f"  {name} {progress(value)}")
        line += Text("  converged" if iteration.converged else "", style="green")
        self._line = line
        if self._live is not None:
            return
        now, self._unprinted = time.monotonic(), line
        pause = max(1.0, (now - self._begun) * _SHARE_BETWEEN_LINES)
        if self._lines < _LINES_IN_FULL or now - self._last_line > pause:
            self._print_line()
            self._lines, self._last_line = self._lines + 1, now
        elif self._lines == _LINES_IN_FULL:
            self._console.print(Text("… not every iteration is shown from here on", style="dim"))
            self._lines += 1

    def _live_line(self) -> Text:
        """Return the last iteration and the elapsed time, which advances even during a long iteration."""
        return self._line + Text(f"  {time.monotonic() - self._begun:.0f} s", style="dim")

    def _print_line(self) -> None:
        """Print the last iteration, unless it has been printed."""
        if self._unprinted is not None:
            self._console.print(self._unprinted, soft_wrap=True)
            self._unprinted = None

    @hookimpl
    def gradmix_run_finished(self, metrics: Mapping[str, float], remarks: Mapping[str, str]) -> None:
        """Keep the metrics and remarks for the closing table."""
        self._stop()
        names = sorted(metrics, key=lambda name: (name.startswith("time."), name not in self._objectives))
        self._rows = {name: metric_text(name, metrics[name]) for name in names} | dict(remarks)

    @hookimpl
    def stopped(self, by: str, reason: str) -> None:
        """Keep the reason for an early stop for the closing table."""
        self._stopped = {"stopped": f"by {by}: {reason}"}

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Print the error of a failed run."""
        self._stop()
        self._rows = {"status": status_of_error(error) if isinstance(error, Exception) else "interrupted"}
        if isinstance(error, KeyboardInterrupt):
            again = (
                "the same command; limits.seconds=60 ends a run automatically, events=patience once nothing improves"
            )
            self._rows |= {"show": f"gradmix show {run.folder.name}", "run again": again}
        else:
            say("gradmix run", explain_failure(error, Path(shown(run.folder))))

    @hookimpl
    def problem(self, message: str) -> None:
        """Print a warning."""
        say("warning", message)

    def close(self) -> None:
        """Print how the session ended."""
        self._stop()
        if self._run is not None:
            rows = self._rows or _recorded(self._run.folder)
            print_table(self._console, rows | self._stopped | {"folder": shown(self._run.folder)})
        self._sweep.close()

    def close_tracking(self, errors: list[str]) -> None:
        """Print where the results are in MLflow, once tracking has ended."""
        settings = self._settings
        if settings is not None and (self._run or self._sweep.sweep):
            uri = settings.tracking.uri
            rows = {"experiment": f"{settings.name} in {without_user(uri or '')}", "dashboard": "gradmix ui"}
            if uri is None:
                rows = {"tracking": "none; `gradmix sync` can import it into MLflow later"}
            elif errors:
                rows = {"tracking": "incomplete; see the warning"}
            print_table(self._console, rows)
        for error in errors:
            say("warning", error)

    def _stop(self) -> None:
        self._print_line()
        if self._live is not None:
            self._live.stop()
            self._live = None


def _recorded(folder: Path) -> dict[str, str]:
    """Return the outcome that the journal has, for a report that was disabled because it raised during the run."""
    try:
        run = read_run(folder)
    except StorageError as error:
        return {"status": str(error)}
    return {"status": run.status} | ({"error": run.error} if run.error else {})
