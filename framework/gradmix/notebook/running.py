"""Runs and sweeps in Python, with the same config, checks, journal and tracking as on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradmix.cli.main import choose_plugins
from gradmix.cli.run import perform
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.run import RunInfo
from gradmix.notebook.results import RunResult, SweepResult, read_run
from gradmix.reports.terminal import SessionReport
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Intent
from gradmix.tracking.process import TrackingProcess


def run(*overrides: str) -> RunResult:
    """Execute a run, as ``gradmix run`` does, and wait for it.

    Parameters
    ----------
    *overrides
        Overrides as on the command line: ``"clusterer=gmm", "clusterer.n_components=3", "dataset=iris"``. A choice of
        plugins, such as ``"plugins.files=[my.py]"``, stays in effect in this process.

    Raises
    ------
    GradmixError
        If the config is wrong; nothing is run.
    Exception
        The exception that made the run fail; it is also in the run's journal.

    Examples
    --------
    >>> result = gradmix.run("clusterer=kmeans", "dataset=iris")  # doctest: +SKIP
    >>> result.metrics["inertia"], result.model.predict(X)  # doctest: +SKIP
    """
    seen = _perform(overrides, one_only=True)
    if seen.error is not None:
        raise seen.error
    assert seen.folder is not None
    return read_run(seen.folder)


def sweep(*overrides: str) -> SweepResult:
    """Execute a sweep, as ``gradmix run -m`` does, and wait for it.

    Existing results are reused, and jobs run in parallel. A job that fails does not affect the others; its row in
    `SweepResult.runs` contains the error.

    Parameters
    ----------
    *overrides
        Overrides as on the command line: ``"clusterer.n_components=1,2,3", "dataset=iris,wine"``.

    Raises
    ------
    GradmixError
        If the config is wrong or a job is impossible; nothing is run.

    Examples
    --------
    >>> gradmix.sweep("clusterer=gmm,kmeans", "seed=range(5)").runs  # doctest: +SKIP
    """
    seen = _perform(("--multirun", *overrides))
    assert seen.sweep is not None
    return SweepResult(seen.sweep)


class _Seen:
    """Records the folder of a run or sweep, and the error if the run failed."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.sweep: Path | None = None
        self.error: BaseException | None = None

    @hookimpl
    def gradmix_run_started(self, run: RunInfo) -> None:
        """Record the folder of a run."""
        self.folder = run.folder

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Record the error of a failed run."""
        self.error = error

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Any) -> None:
        """Record the folder of a sweep."""
        self.sweep = sweep.folder


def _perform(arguments: tuple[str, ...], one_only: bool = False) -> _Seen:
    if wrong := [each for each in arguments if not isinstance(each, str)]:
        raise ConfigError(f"overrides are strings, such as 'clusterer=gmm'; given: {wrong[0]!r}.")
    choose_plugins([*arguments])
    report, tracking, seen = SessionReport(), TrackingProcess(), _Seen()
    try:
        perform(Intent(arguments, arguments, one_only=one_only), report, tracking, seen)
    finally:
        report.close()
        report.close_tracking(tracking.finish())
    return seen
