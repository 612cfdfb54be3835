"""One run in the terminal: a live line with iteration and objective, and a closing table; plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports.console import print_table, say
from gradmix.reports.wording import HEADLINES, number, shown
from gradmix.runs.runner import explain_failure, status_of_error

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

_LINES_IN_FULL = 20
"""Iterations that get a line each without a terminal; after these one a second does."""


class RunReport:
    """Reports one run, iteration by iteration.

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
        self._stopped: dict[str, str] = {}
        self._run: RunInfo | None = None

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Say what runs."""
        from rich.live import Live
        from rich.text import Text

        self._run = run
        chosen = " · ".join(f"{key} {value}" for key, value in run.params.items() if "." not in key)
        self.console.print(Text(chosen, style="bold"), highlight=False)
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=12)
            self._live.start()

    @hookimpl
    def gradmix_iteration(self, iteration: Iteration[Any]) -> None:
        """Show the iteration."""
        if self._live is not None:
            self._live.update(_line(iteration))
        elif self._lines < _LINES_IN_FULL or time.monotonic() - self._last_line > 1:
            self.console.print(_line(iteration), highlight=False, soft_wrap=True)
            self._lines, self._last_line = self._lines + 1, time.monotonic()

    @hookimpl
    def gradmix_run_finished(self, metrics: Mapping[str, float]) -> None:
        """Keep the metrics for the closing table."""
        self._stop()
        names = sorted(metrics, key=lambda name: (name.startswith("time."), name not in HEADLINES))
        self._table = {name: number(metrics[name], name) for name in names}

    @hookimpl
    def stopped(self, by: str, reason: str) -> None:
        """Keep for the closing table why it ended early."""
        self._stopped = {"stopped": f"by {by}: {reason}"}

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Say what went wrong."""
        self._stop()
        self._table = {"status": status_of_error(error) if isinstance(error, Exception) else "interrupted"}
        if not isinstance(error, KeyboardInterrupt):
            say("gradmix run", explain_failure(error, Path(shown(run.folder))))

    @property
    def has_begun(self) -> bool:
        """Whether a run has started."""
        return self._run is not None

    def close(self) -> None:
        """Print the closing table."""
        self._stop()
        if self._run is not None:
            print_table(self.console, self._table | self._stopped | {"folder": shown(self._run.folder)})

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _line(iteration: Iteration[Any]) -> Text:
    from rich.text import Text

    text = Text(f"iteration {iteration.step:>4}", style="dim")
    if iteration.start:
        text += Text(f" (start {iteration.start + 1})", style="dim")
    for name, value in iteration.metrics.items():
        text += Text(f"  {name} {value:.6f}")
    return text + Text("  converged", style="green") if iteration.converged else text
