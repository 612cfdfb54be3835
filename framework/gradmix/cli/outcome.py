"""The outcome of a session, recorded independently of the report: a report that raises cannot hide a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gradmix.contracts.errors import StorageError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.run import RunInfo
from gradmix.journal.reading import Run, read_run
from gradmix.registry.entry import describe
from gradmix.reports.console import say
from gradmix.sweeps.events import SweepInfo


class Outcome:
    """Listens to a session of runs: what was made, and whether all of it has finished."""

    def __init__(self) -> None:
        self.run: Path | None = None
        """Folder of the run, unless it is a job of a sweep."""
        self.error: BaseException | None = None
        """The error that ended the run."""
        self.sweep: Path | None = None
        """Folder of the sweep."""
        self._n_jobs = 0
        self._finished: dict[int | None, bool] = {}

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Record the folder of a run."""
        self.run = run.folder

    @hookimpl
    def gradmix_run_failed(self, error: BaseException) -> None:
        """Record the error of a failed run."""
        self.error = error

    @hookimpl
    def sweep_started(self, sweep: SweepInfo) -> None:
        """Record the folder of a sweep."""
        self.sweep, self._n_jobs = sweep.folder, sweep.n_jobs

    @hookimpl
    def job_ended(self, end: Run) -> None:
        """Record whether a job has finished."""
        self._finished[end.number] = end.is_finished

    @property
    def exit_code(self) -> int:
        """0 if the run or every job of the sweep has finished, otherwise 1."""
        is_complete = self.sweep is None or sum(self._finished.values()) == self._n_jobs
        return 0 if self.error is None and is_complete else 1

    def closing(self, close: Callable[[], None]) -> None:
        """Call a function that prints the end of the report; if it raises, print a plain end."""
        try:
            close()
        except Exception as error:
            folder = self.run or self.sweep
            say("warning", f"the end of the report could not be printed: {describe(error)}")
            if folder is not None:
                try:
                    say("gradmix run", f"{read_run(folder).status}; `gradmix show {folder}` has the results")
                except StorageError as unreadable:
                    say("gradmix run", str(unreadable))
