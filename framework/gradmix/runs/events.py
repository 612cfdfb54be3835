"""Run events: told to every watcher, none of which can harm the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.registry.registry import describe, registry

if TYPE_CHECKING:
    from gradmix.runs.plan import Job


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


class Watcher:
    """Somebody within gradmix itself who is told of run events; plugins implement the hooks instead."""

    def gradmix_run_started(self, run: RunInfo) -> None:
        """A run's journal stands."""

    def gradmix_iteration(self, run: RunInfo, iteration: Iteration[Any]) -> None:
        """An iteration is journalled."""

    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """A run has finished."""

    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """A run has failed or was interrupted."""

    def settings_known(self, settings: Settings) -> None:
        """The first config has been checked: runs with these settings come next."""

    def planned(self, jobs: Sequence[Job], workers: int) -> None:
        """A sweep is planned, and nothing more was asked for."""

    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """A sweep's journal stands; its jobs come next."""

    def job_ended(self, sweep: SweepInfo, end: JobEnd) -> None:
        """A job of the sweep has ended, and its journal tells how; perhaps it is tried again."""

    def sweep_ended(self, sweep: SweepInfo) -> None:
        """A sweep has ended, one way or another, and its journal is closed."""

    def refused(self, error: GradmixError) -> None:
        """A job could not even start."""

    def problem(self, message: str) -> None:
        """Something else went wrong that does not stop the run."""


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("gradmix_watchers", default=())


@contextmanager
def watched_by(*watchers: Watcher) -> Iterator[None]:
    """Tell `watchers` of the run events of this process, as long as the context lasts."""
    token = _watchers.set((*_watchers.get(), *watchers))
    try:
        yield
    finally:
        _watchers.reset(token)


@contextmanager
def watched_only_by(*watchers: Watcher) -> Iterator[None]:
    """Tell `watchers` and nobody else."""
    token = _watchers.set(watchers)
    try:
        yield
    finally:
        _watchers.reset(token)


def tell_watchers(event: str, *what: Any) -> None:
    """Tell the watchers of this process of something that plugins do not hear of."""
    for watcher in _watchers.get():
        getattr(watcher, event)(*what)


def report_problem(message: str) -> None:
    """Tell the watchers of something that went wrong without stopping the run."""
    tell_watchers("problem", message)


class Events:
    """Tells plugins and watchers of one run's events."""

    def __init__(self) -> None:
        self._silenced: set[str] = set()

    def tell(self, event: str, **arguments: Any) -> None:
        """Call every implementation of the hook `event`; one that raises is reported once, and not called again."""
        for name, call, names in _listeners(event):
            if name in self._silenced:
                continue
            try:
                call(**{argument: arguments[argument] for argument in names})
            except Exception as error:
                self._silenced.add(name)
                report_problem(f"{name} failed in {event} and hears no more of this run: {describe(error)}")


def _listeners(event: str) -> Iterator[tuple[str, Callable[..., None], tuple[str, ...]]]:
    for implementation in getattr(registry().hooks.hook, event).get_hookimpls():
        yield implementation.plugin_name, implementation.function, implementation.argnames
    for watcher in _watchers.get():
        call = getattr(watcher, event)
        code = call.__func__.__code__
        yield type(watcher).__name__, call, code.co_varnames[1 : code.co_argcount]
