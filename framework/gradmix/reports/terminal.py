"""A session of ``gradmix run`` in the terminal: a run, a sweep or a plan, and how it went with MLflow."""

from __future__ import annotations

from collections.abc import Sequence

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.run import RunInfo
from gradmix.reports.console import make_console, print_table, say
from gradmix.reports.plan_table import print_plan
from gradmix.reports.run_report import RunReport
from gradmix.reports.sweep_report import SweepReport
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job


class SessionReport:
    """Reports one ``gradmix run``: a run or a sweep, what went wrong, where the results are, and how to continue."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._console = make_console()
        self._run, self._sweep = RunReport(self._console), SweepReport(self._console)
        self.watchers = (self, self._run, self._sweep)
        """Those that are to listen to the session's events."""
        self._settings: Settings | None = None
        self._complaint = ""

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Take note of where it is tracked."""
        self._settings = settings

    @hookimpl
    def planned(self, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
        """Show what would run."""
        print_plan(self._console, jobs, workers, n_jobs)

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """A sweep in which not every job is done has failed."""
        if not self._sweep.is_complete:
            self.exit_code = self.exit_code or 1

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """A run that failed is an error."""
        self.exit_code = 1

    @hookimpl
    def problem(self, message: str) -> None:
        """Print a warning."""
        say("warning", message)

    @hookimpl
    def refused(self, error: GradmixError) -> None:
        """A wrong config is the person's to mend, a folder that cannot be written the machine's."""
        self.fail(1 if isinstance(error, StorageError) else 2, str(error))

    def fail(self, exit_code: int, complaint: str) -> None:
        """Take note of why it all ends here."""
        self.exit_code, self._complaint = exit_code, complaint

    def close(self) -> None:
        """Say how it ended."""
        self._run.close()
        self._sweep.close()
        if self._complaint:
            say("gradmix run", self._complaint)

    def close_tracking(self, errors: list[str]) -> None:
        """Say where it is in MLflow, when that is done, too."""
        settings = self._settings
        if settings is not None and (self._run.run or self._sweep.sweep):
            rows = {"experiment": f"{settings.name} in {settings.tracking.uri}", "dashboard": "gradmix ui"}
            if settings.tracking.uri is None:
                rows = {"tracking": "none; `gradmix sync` can bring it into MLflow later"}
            elif errors:
                rows = {"tracking": "not complete; see the warning"}
            print_table(self._console, rows)
        for error in errors:
            say("warning", error)
