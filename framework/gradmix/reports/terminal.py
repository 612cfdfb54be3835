"""A session of ``gradmix run`` in the terminal: a run, a sweep or a plan, and how it went with MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports.console import make_console, print_table, say
from gradmix.reports.plan_table import print_plan
from gradmix.reports.run_report import RunReport
from gradmix.reports.sweep_report import SweepReport
from gradmix.sweeps.events import JobEnd, SweepInfo
from gradmix.sweeps.plan import Job

if TYPE_CHECKING:
    from gradmix.config.spec import Settings


class SessionReport:
    """Reports one ``gradmix run``: a run or a sweep, what went wrong, where the results are, and how to continue."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._report: RunReport | None = None
        self._sweep: SweepReport | None = None
        self._settings: Settings | None = None
        self._complaint = ""

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Begin with a single run; a sweep says so next."""
        self._settings = settings
        self._report = RunReport(make_console())

    @hookimpl
    def planned(self, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
        """Show what would run."""
        self._report = None
        print_plan(make_console(), jobs, workers, n_jobs)

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Report a sweep instead."""
        self._sweep = SweepReport(make_console(), sweep, jobs)

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: JobEnd) -> None:
        """Forward to the report of the run or sweep."""
        if self._sweep is not None:
            self._sweep.ended(end)

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """A sweep in which not every job is done has failed."""
        if self._sweep is not None and not self._sweep.is_complete:
            self.exit_code = self.exit_code or 1

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Forward to the report of the run or sweep."""
        if self._report is not None:
            self._report.started(run)

    @hookimpl
    def gradmix_iteration(self, run: RunInfo, iteration: Iteration[Any]) -> None:
        """Forward to the report of the run or sweep."""
        if self._report is not None:
            self._report.iterated(iteration)

    @hookimpl
    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Forward to the report of the run or sweep."""
        if self._report is not None:
            self._report.finished(run, metrics)

    @hookimpl
    def stopped(self, run: RunInfo, by: str, reason: str) -> None:
        """Forward to the report of the run or sweep."""
        if self._report is not None:
            self._report.stopped(by, reason)

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Forward to the report of the run or sweep."""
        if self._report is not None:
            self._report.failed(run, error)
        self.exit_code = 1

    @hookimpl
    def problem(self, message: str) -> None:
        """Print a warning."""
        say("warning", message)

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
            say("gradmix run", self._complaint)

    def close_tracking(self, errors: list[str]) -> None:
        """Say where it is in MLflow, when that is done, too."""
        report = self._sweep or self._report
        if report is not None and self._settings is not None and report.has_begun:
            print_table(report.console, _dashboard(self._settings, not errors))
        for error in errors:
            say("warning", error)


def _dashboard(settings: Settings, is_tracked: bool) -> dict[str, str]:
    if settings.tracking.uri is None:
        return {"tracking": "none; `gradmix sync` can bring it into MLflow later"}
    if not is_tracked:
        return {"tracking": "not complete; see the warning"}
    return {"experiment": f"{settings.name} in {settings.tracking.uri}", "dashboard": "gradmix ui"}
