"""One run in the terminal: a live line with iteration and objective, and a closing table; plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports.console import print_table, say
from gradmix.reports.wording import HEADLINES, metric_text, shown
from gradmix.runs.runner import explain_failure, status_of_error

_LINES_IN_FULL = 20
"""Iterations that get a line each without a terminal; after these one a second does."""


class RunReport:
    """Reports one run, iteration by iteration."""

    def __init__(self, console: Console) -> None:
        self.run: RunInfo | None = None
        self._console = console
        self._live: Live | None = None
        self._lines, self._last_line = 0, 0.0
        self._rows: dict[str, str] = {}
        self._stopped: dict[str, str] = {}

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Say what runs."""
        self.run = run
        chosen = " · ".join(f"{key} {value}" for key, value in run.params.items() if "." not in key)
        self._console.print(Text(chosen, style="bold"))
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=12)
            self._live.start()

    @hookimpl
    def gradmix_iteration(self, iteration: Iteration[Any]) -> None:
        """Show the iteration."""
        line = Text(f"iteration {iteration.step:>4}", style="dim")
        line += Text(f" (start {iteration.start + 1})" if iteration.start else "", style="dim")
        for name, value in iteration.metrics.items():
            line += Text(f"  {name} {value:.6f}")
        line += Text("  converged" if iteration.converged else "", style="green")
        if self._live is not None:
            self._live.update(line)
        elif self._lines < _LINES_IN_FULL or time.monotonic() - self._last_line > 1:
            self._console.print(line, soft_wrap=True)
            self._lines, self._last_line = self._lines + 1, time.monotonic()

    @hookimpl
    def gradmix_run_finished(self, metrics: Mapping[str, float]) -> None:
        """Keep the metrics for the closing table."""
        self._stop()
        names = sorted(metrics, key=lambda name: (name.startswith("time."), name not in HEADLINES))
        self._rows = {name: metric_text(name, metrics[name]) for name in names}

    @hookimpl
    def stopped(self, by: str, reason: str) -> None:
        """Keep for the closing table why it ended early."""
        self._stopped = {"stopped": f"by {by}: {reason}"}

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Say what went wrong."""
        self._stop()
        self._rows = {"status": status_of_error(error) if isinstance(error, Exception) else "interrupted"}
        if not isinstance(error, KeyboardInterrupt):
            say("gradmix run", explain_failure(error, Path(shown(run.folder))))

    def close(self) -> None:
        """Print the closing table."""
        self._stop()
        if self.run is not None:
            print_table(self._console, self._rows | self._stopped | {"folder": shown(self.run.folder)})

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
