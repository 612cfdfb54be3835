"""Sweep events: what they say, and the signatures that their listeners implement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradmix.journal.reading import Run
from gradmix.sweeps.plan import Job


@dataclass(frozen=True)
class SweepInfo:
    """A sweep, as events name it; in its folder are its own journal and a folder for each job."""

    name: str  # of the experiment
    run_id: str
    folder: Path
    n_jobs: int
    is_resumed: bool = False
    is_unchanged: bool = False  # it had finished, and nothing was missing: its journal is left as it is


def planned(jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
    """A sweep is planned, and nothing more was asked for; a search of `n_jobs` has its first jobs only."""


def options_left_out(sentences: Sequence[str]) -> None:
    """A sweep leaves out options for those of its components that lack them."""


def sweep_started(sweep: SweepInfo, jobs: Sequence[Job]) -> None:
    """A sweep's journal exists; its jobs come next."""


def job_ended(sweep: SweepInfo, end: Run) -> None:
    """A job of the sweep has ended, and its journal says how; perhaps it is tried again."""


def sweep_ended(sweep: SweepInfo) -> None:
    """A sweep has ended, one way or another, and its journal is closed."""
