"""Run events: told to every watcher, none of which can harm the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.registry.entry import describe
from gradmix.registry.registry import registry
from gradmix.runs.limits import TimedOutError


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

    def stopped(self, run: RunInfo, by: str, reason: str) -> None:
        """A run has ended early, because chosen events wanted it to; it finishes next."""

    def settings_known(self, settings: Settings) -> None:
        """The first config has been checked: runs with these settings come next."""

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
    """Tell the watchers of this process of something that plugins do not hear of; not every watcher needs to know."""
    for watcher in _watchers.get():
        hear = getattr(watcher, event, None)
        if hear is not None:
            hear(*what)


def report_problem(message: str) -> None:
    """Tell the watchers of something that went wrong without stopping the run."""
    tell_watchers("problem", message)


class Audience:
    """Tells plugins that implement hooks, and watchers, of one run's events."""

    def __init__(self) -> None:
        self._silenced: set[str] = set()

    def tell(self, event: str, **arguments: Any) -> None:
        """Call every implementation of the hook `event`; one that raises is reported once, and not called again."""
        for name, call, names in _listeners(event):
            if name in self._silenced:
                continue
            try:
                call(**{argument: arguments[argument] for argument in names})
            except (KeyboardInterrupt, TimedOutError):  # Ctrl-C and limits are meant for the run
                raise
            except BaseException as error:  # SystemExit, too, would end more than this run
                self._silenced.add(name)
                report_problem(f"{name} failed in {event} and hears no more of this run: {describe(error)}")


def _listeners(event: str) -> Iterator[tuple[str, Callable[..., None], tuple[str, ...]]]:
    for implementation in getattr(registry().hooks.hook, event).get_hookimpls():
        yield implementation.plugin_name, implementation.function, implementation.argnames
    for watcher in _watchers.get():
        call = getattr(watcher, event)
        code = call.__func__.__code__
        yield type(watcher).__name__, call, code.co_varnames[1 : code.co_argcount]
