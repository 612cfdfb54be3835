"""The events of a sweep, as the functions whose names and arguments listeners implement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradmix.journal.reading import Run
from gradmix.sweeps.plan import Job


@dataclass(frozen=True)
class SweepInfo:
    """The sweep that an event concerns. Its folder has its own journal and a folder for each job."""

    name: str  # of the experiment
    run_id: str
    folder: Path
    n_jobs: int
    is_resumed: bool = False
    is_unchanged: bool = False  # it had finished and nothing was missing, so its journal is not changed


def planned(jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
    """A run or sweep was planned with ``--plan``. For a search, `jobs` has only the first of its `n_jobs` jobs."""


def options_left_out(sentences: Sequence[str]) -> None:
    """A sweep leaves out options of components that do not have them."""


def sweep_started(sweep: SweepInfo, jobs: Sequence[Job]) -> None:
    """The sweep's journal was created; its jobs follow."""


def jobs_running(sweep: SweepInfo, running: Sequence[Run]) -> None:
    """The journals of the running jobs were read again, which happens several times a second."""


def job_ended(sweep: SweepInfo, end: Run) -> None:
    """An attempt at a job has ended, as its journal records; the job may be tried again."""


def sweep_ended(sweep: SweepInfo) -> None:
    """The sweep has finished, failed or was interrupted, and its journal is closed."""
