"""Sweep events: what they say, and the signatures that their listeners implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradmix.contracts.meaning import Meaning
from gradmix.sweeps.plan import Job


@dataclass(frozen=True)
class SweepInfo:
    """A sweep, as events name it.

    Parameters
    ----------
    name
        The experiment's name.
    run_id
        The sweep's own id.
    folder
        Where its own journal is, and a folder for each job.
    n_jobs
        How many jobs it has.
    is_resumed
        Whether it was taken up again.
    """

    name: str
    run_id: str
    folder: Path
    n_jobs: int
    is_resumed: bool = False


@dataclass(frozen=True)
class JobEnd:
    """How a job of a sweep ended, as events and the sweep's journal tell.

    Parameters
    ----------
    number
        Its place in the sweep, from 0.
    overrides
        What makes it.
    label
        What tells it from the others.
    status
        As a run's; ``failed`` if it could not even start.
    folder
        Of its run; None if it did not come to one.
    run_key
        Identity of what is computed.
    metrics
        Its result.
    seconds
        How long it took.
    error
        What went wrong.
    is_reused
        Whether the result was there already.
    has_timings
        Whether its timings hold in this environment.
    stopped
        Who ended it early, if somebody did.
    declared
        What its journal declares of its metrics, in the order in which they rank.
    """

    number: int
    overrides: tuple[str, ...]
    label: str
    status: str
    folder: Path | None = None
    run_key: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    is_reused: bool = False
    has_timings: bool = True
    stopped: str = ""
    declared: Mapping[str, Meaning] = field(default_factory=dict)


def planned(jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
    """A sweep is planned, and nothing more was asked for; a search of `n_jobs` has its first jobs only."""


def sweep_started(sweep: SweepInfo, jobs: Sequence[Job]) -> None:
    """A sweep's journal exists; its jobs come next."""


def job_ended(sweep: SweepInfo, end: JobEnd) -> None:
    """A job of the sweep has ended, and its journal says how; perhaps it is tried again."""


def sweep_ended(sweep: SweepInfo) -> None:
    """A sweep has ended, one way or another, and its journal is closed."""
