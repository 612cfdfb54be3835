"""One job of a sweep: from its composed config to a run in a folder of its own. It works in any process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.config.composition import plain_config
from gradmix.config.spec import read_spec
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.terminal import visible
from gradmix.journal.folder import has_journal
from gradmix.runs.events import watched_by
from gradmix.runs.runner import Order, execute_together
from gradmix.sweeps.attempts import is_taken, new_attempt

if TYPE_CHECKING:
    from omegaconf import DictConfig

STOPPED = "stopped"
"""File in a sweep's folder: no job is to start any more."""

_PARENT_SECONDS = 0.5
"""How often a worker looks whether its parent is still there."""

_NUMBER = "hydra.job.name"
"""Hydra's key by which a job's number travels to its worker: launchers set all others themselves."""


@dataclass(frozen=True)
class JobRequest:
    """One job of a sweep, on its way to a worker.

    Parameters
    ----------
    number
        Its place in the sweep.
    config
        Its config, as plain values.
    overrides
        What makes it.
    """

    number: int
    config: Mapping[str, Any]
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class JobReport:
    """What a worker says of a job when it is over; the journal says it, too, if it came to one.

    Parameters
    ----------
    number
        The job's.
    error
        Why it could not even start; empty if it did.
    parcel
        Path within the sweep's folder → content: the run's files, if the worker does not share our disk.
    """

    number: int
    error: str = ""
    parcel: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepJob:
    """Runs the jobs of a sweep, in whichever process a launcher has put it; it is what launchers call.

    Parameters
    ----------
    folder, run_id
        The sweep's.
    varies
        Keys that tell its jobs apart.
    stops_on_error
        Whether a job that fails keeps others from starting.
    threads
        Threads for each job, unless its config says so.
    parent
        Process that launched the jobs: its own workers end when it has gone.
    anew
        Names of the folders whose jobs have finished, and are to be run again all the same.
    workers
        How many jobs run at a time.
    """

    folder: Path
    run_id: str
    varies: tuple[str, ...] = ()
    stops_on_error: bool = False
    threads: int | None = None
    parent: int | None = None
    anew: tuple[str, ...] = ()
    workers: int = 1

    def __call__(self, config: DictConfig) -> JobReport:
        """Run the job that a launcher of Hydra's has composed."""
        from hydra.core.hydra_config import HydraConfig

        if os.getppid() == self.parent:
            _end_with_parent(self.parent)
        hydra = HydraConfig.get()
        return self.run([JobRequest(int(hydra.job.name), plain_config(config), tuple(hydra.overrides.task))])[0]

    def run(self, requests: Sequence[JobRequest]) -> list[JobReport]:
        """Run one job, or several whose work is timed in turns. A job that somebody else has taken is left to them."""
        is_remote = not has_journal(self.folder)
        with _working, watched_by(_Stderr(), alone=True):
            try:
                free = [each for each in requests if not self._is_stopped and not self._is_taken(each.number)]
                orders = [self._order(each) for each in free]
                outcomes = execute_together(orders) if orders else []
            except GradmixError as error:
                return [JobReport(each.number, str(error)) for each in requests]
        if self.stops_on_error and any(outcome.status != "finished" for outcome in outcomes):
            (self.folder / STOPPED).touch()
        parcels = {
            each.number: _parcel(order.folder, self.folder)
            for each, order in zip(free, orders, strict=True)
            if is_remote
        }
        return [JobReport(each.number, parcel=parcels.get(each.number, {})) for each in requests]

    def _is_taken(self, number: int) -> bool:
        return is_taken(self.folder, number, self.anew)

    @property
    def _is_stopped(self) -> bool:
        return self.stops_on_error and (self.folder / STOPPED).exists()

    def _order(self, request: JobRequest) -> Order:
        spec = read_spec(request.config)
        limits = replace(spec.settings.limits, threads=spec.settings.limits.threads or self.threads)
        spec = replace(spec, settings=replace(spec.settings, limits=limits))
        label = label_of(request.overrides, self.varies) or spec.label
        folder = new_attempt(self.folder, request.number)
        return Order(spec, folder, self.run_id, request.overrides, label, self.workers)


_working = threading.Lock()
"""Held while this process runs jobs."""


@cache
def _end_with_parent(parent: int) -> None:
    """End this process once its parent has gone, when it is done with the job that it is at; pools wait for ever."""

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
    given = [each.partition("=") for each in overrides]
    return ", ".join(f"{key.replace('/', '.')}={value}" for key, _, value in given if key in varies)


def for_launcher(number: int, overrides: Sequence[str], sweep: Path) -> list[str]:
    """A job's overrides as a launcher takes them, with its number, and with the sweep's folder.

    Workers compose the job anew, by its overrides alone, and Hydra makes the folder that it finds there.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    folder = QuotedString(str(sweep), Quote.single).with_quotes()
    return [*overrides, f"hydra.sweep.dir={folder}", "hydra.sweep.subdir='.'", f"{_NUMBER}='{number}'"]


def _parcel(folder: Path, sweep: Path) -> Mapping[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(sweep)): path.read_bytes() for path in files}


class _Stderr:
    """Says on standard error what went wrong besides the run; the sweep's own watchers are in another process."""

    @hookimpl
    def problem(self, message: str) -> None:
        import sys

        print(visible(f"warning: {message}"), file=sys.stderr, flush=True)
