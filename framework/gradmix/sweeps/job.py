"""Execute the jobs of a sweep, in any process: each composed config becomes a run in its own folder."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.config.composition import plain_config
from gradmix.config.spec import read_spec
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.secrets import masked_argument
from gradmix.journal.folder import has_journal, new_folder
from gradmix.runs.events import watched_by
from gradmix.runs.origin import Origin
from gradmix.runs.runner import Order, execute_together
from gradmix.sweeps.attempts import is_taken
from gradmix.sweeps.plan import Job

if TYPE_CHECKING:
    from omegaconf import DictConfig

STOPPED = "stopped"
"""File in a sweep's folder. While it exists, no further job starts."""

_PARENT_SECONDS = 0.5
"""Interval at which a worker checks that its parent process still exists."""

_NUMBER = "hydra.job.name"
"""Hydra's key that passes a job's number to its worker. Launchers overwrite all other such keys."""


@dataclass(frozen=True)
class JobReport:
    """A worker's report on a job that has ended. The job's journal, if it exists, has the same information."""

    number: int
    error: str = ""  # why the job could not start
    parcel: Mapping[str, bytes] = field(default_factory=dict)
    """Path in the sweep's folder → content of the run's files, if the worker has another file system."""


@dataclass(frozen=True)
class SweepJob:
    """Runs jobs of a sweep. Launchers call it, in whichever process they choose."""

    folder: Path  # the sweep's
    run_id: str  # the sweep's
    varies: tuple[str, ...] = ()  # keys in which its jobs differ
    stops_on_error: bool = False  # whether no further job starts after a failure
    threads: int | None = None  # of each job, unless its config sets limits.threads
    parent: int | None = None  # process that launched the jobs; its child processes end when it has ended
    superseded: tuple[str, ...] = ()  # names of folders of finished jobs that are run again
    workers: int = 1  # how many jobs run at the same time
    origin: Origin = field(default_factory=Origin)  # of its jobs; its arguments precede the overrides of each job

    def __call__(self, config: DictConfig) -> JobReport:
        """Run a job whose config a launcher of Hydra has composed."""
        from hydra.core.hydra_config import HydraConfig

        if os.getppid() == self.parent:
            _end_with_parent(self.parent)
        hydra = HydraConfig.get()
        overrides = tuple(hydra.overrides.task)
        return self.run([Job(int(hydra.job.name), overrides, "new", plain_config(config, overrides))])[0]

    def run(self, jobs: Sequence[Job]) -> list[JobReport]:
        """Run one job, or several whose work is timed in turns. Skip jobs that another process has taken."""
        is_remote = not has_journal(self.folder)
        with _working, watched_by(alone=True):  # the sweep's own watchers are in another process
            is_stopped = self.stops_on_error and (self.folder / STOPPED).exists()
            try:
                free = (
                    []
                    if is_stopped
                    else [job for job in jobs if not is_taken(self.folder, job.number, self.superseded)]
                )
                orders = [self._order(job) for job in free]
                outcomes = execute_together(orders) if orders else []
            except GradmixError as error:
                return [JobReport(job.number, str(error)) for job in jobs]
        if self.stops_on_error and any(outcome.status != "finished" for outcome in outcomes):
            (self.folder / STOPPED).touch()
        folders = {job.number: order.folder for job, order in zip(free, orders, strict=True) if is_remote}
        parcels = {number: self._parcel(folder) for number, folder in folders.items()}
        return [JobReport(job.number, parcel=parcels.get(job.number, {})) for job in jobs]

    def _order(self, job: Job) -> Order:
        spec = read_spec(job.config)
        limits = replace(spec.settings.limits, threads=spec.settings.limits.threads or self.threads)
        spec = replace(spec, settings=replace(spec.settings, limits=limits))
        label = label_of(job.overrides, self.varies) or spec.label
        return Order(
            spec,
            new_folder(self.folder, str(job.number)),
            self.run_id,
            job.overrides,
            label,
            self.workers,
            self.origin.with_arguments(*(self.origin.arguments or ()), *job.overrides),
            self.varies,
        )

    def _parcel(self, folder: Path) -> Mapping[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


_working = threading.Lock()
"""Held while this process runs jobs."""


@cache
def _end_with_parent(parent: int) -> None:
    """End this process after its present job once its parent has ended; pools would wait forever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        with _working:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def label_of(overrides: Sequence[str], varies: Sequence[str]) -> str:
    """Return a job's label: the overrides in which it differs from the other jobs.

    >>> label_of(("dataset=iris", "seed=3"), ("seed",))
    'seed=3'
    >>> label_of(("clusterer/differentiator=dual",), ("clusterer/differentiator",))
    'clusterer.differentiator=dual'
    """
    given = [masked_argument(each).partition("=") for each in overrides]
    return ", ".join(f"{key.replace('/', '.')}={value}" for key, _, value in given if key in varies)


def for_launcher(job: Job, sweep: Path) -> list[str]:
    """Return a job's overrides for a launcher of Hydra, with the job's number and the sweep's folder added.

    Workers compose the job again from these overrides alone, and Hydra creates the folder that they name.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    folder = QuotedString(str(sweep), Quote.single).with_quotes()
    return [*job.overrides, f"hydra.sweep.dir={folder}", "hydra.sweep.subdir='.'", f"{_NUMBER}='{job.number}'"]
