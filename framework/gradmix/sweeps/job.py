"""The jobs of a sweep at work: from a composed config to a run in a folder of its own, in any process."""

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
"""File in a sweep's folder: no job is to start any more."""

_PARENT_SECONDS = 0.5
"""How often a worker looks whether its parent is still there."""

_NUMBER = "hydra.job.name"
"""Hydra's key by which a job's number travels to its worker: launchers set all others themselves."""


@dataclass(frozen=True)
class JobReport:
    """What a worker says of a job when it is over; the job's journal says it, too, if it has one."""

    number: int
    error: str = ""  # why it could not even start
    parcel: Mapping[str, bytes] = field(default_factory=dict)
    """Path within the sweep's folder → content: the run's files, if the worker does not share our disk."""


@dataclass(frozen=True)
class SweepJob:
    """Runs the jobs of a sweep, in whichever process a launcher has put it; launchers call it."""

    folder: Path  # the sweep's
    run_id: str  # the sweep's
    varies: tuple[str, ...] = ()  # keys that tell its jobs apart
    stops_on_error: bool = False  # whether a job that fails keeps others from starting
    threads: int | None = None  # of each job, unless its config says so
    parent: int | None = None  # process that launched the jobs: its own workers end when it has gone
    anew: tuple[str, ...] = ()  # names of folders whose jobs have finished, and are to be run again all the same
    workers: int = 1  # how many jobs run at a time
    origin: Origin = field(default_factory=Origin)  # of its jobs; its arguments come before those of each

    def __call__(self, config: DictConfig) -> JobReport:
        """Run the job that one of Hydra's launchers has composed."""
        from hydra.core.hydra_config import HydraConfig

        if os.getppid() == self.parent:
            _end_with_parent(self.parent)
        hydra = HydraConfig.get()
        overrides = tuple(hydra.overrides.task)
        return self.run([Job(int(hydra.job.name), overrides, "new", plain_config(config, overrides))])[0]

    def run(self, jobs: Sequence[Job]) -> list[JobReport]:
        """Run one job, or several whose work is timed in turns. A job that another process has taken is left to it."""
        is_remote = not has_journal(self.folder)
        with _working, watched_by(alone=True):  # the sweep's own watchers are in another process
            is_stopped = self.stops_on_error and (self.folder / STOPPED).exists()
            try:
                free = [] if is_stopped else [job for job in jobs if not is_taken(self.folder, job.number, self.anew)]
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
    """End this process once its parent has gone, when it is done with its present job; pools wait forever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        with _working:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def label_of(overrides: Sequence[str], varies: Sequence[str]) -> str:
    """What to call a job: the overrides that tell it from the others.

    >>> label_of(("dataset=iris", "seed=3"), ("seed",))
    'seed=3'
    >>> label_of(("clusterer/differentiator=dual",), ("clusterer/differentiator",))
    'clusterer.differentiator=dual'
    """
    given = [masked_argument(each).partition("=") for each in overrides]
    return ", ".join(f"{key.replace('/', '.')}={value}" for key, _, value in given if key in varies)


def for_launcher(job: Job, sweep: Path) -> list[str]:
    """A job's overrides as a launcher takes them, with its number and the sweep's folder.

    Workers compose the job again from its overrides alone, and Hydra makes the folder that it finds there.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    folder = QuotedString(str(sweep), Quote.single).with_quotes()
    return [*job.overrides, f"hydra.sweep.dir={folder}", "hydra.sweep.subdir='.'", f"{_NUMBER}='{job.number}'"]
