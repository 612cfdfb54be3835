"""Runs and sweeps in Python, with the same config, checks, journal and tracking as on the command line."""

from __future__ import annotations

from gradmix.cli.main import choose_plugins
from gradmix.cli.outcome import Outcome
from gradmix.cli.run import perform
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.notebook.results import RunResult, SweepResult, read_run
from gradmix.reports.terminal import SessionReport
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
    made = _perform(overrides, one_only=True)
    if made.error is not None:
        raise made.error
    assert made.run is not None
    return read_run(made.run)


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
    made = _perform(("--multirun", *overrides))
    assert made.sweep is not None
    return SweepResult(made.sweep)


def _perform(arguments: tuple[str, ...], one_only: bool = False) -> Outcome:
    if wrong := [each for each in arguments if not isinstance(each, str)]:
        raise ConfigError(f"overrides are strings, such as 'clusterer=gmm'; given: {wrong[0]!r}.")
    choose_plugins([*arguments])
    report, tracking, outcome = SessionReport(), TrackingProcess(), Outcome()
    try:
        perform(Intent(arguments, arguments, one_only=one_only), report, tracking, outcome)
    except GradmixError as error:  # about the overrides; a notebook would show pages of frames that explain nothing
        raise error.with_traceback(None) from error.__cause__
    finally:
        outcome.closing(report.close)
        errors = tracking.finish()
        outcome.closing(lambda: report.close_tracking(errors))
    return outcome
