"""Events: one loop calls every listener of a run or a session. A listener that raises does not affect the others.

Listeners are plugins that implement hooks, events components in the config (`gradmix.Events`), and parts of gradmix,
such as the report in the terminal. pluggy finds the hooks, but gradmix calls all listeners, because pluggy's loop ends
at the first listener that raises.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec

from pluggy import PluginManager

from gradmix.config.spec import Settings
from gradmix.contracts.by_name import lend_by_name
from gradmix.contracts.errors import PluginError
from gradmix.contracts.events import HEARD, Events, StopRun
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.iteration import Iteration, Objective
from gradmix.contracts.returned import as_writers
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import Writer
from gradmix.contracts.terminal import visible
from gradmix.registry.entry import describe
from gradmix.registry.registry import registry
from gradmix.runs.limits import TimedOutError

P = ParamSpec("P")


def settings_known(settings: Settings) -> None:
    """The first config has been validated; runs with these settings follow."""


def stopped(run: RunInfo, by: str, reason: str) -> None:
    """An events component of the config ended a run early; the run finishes next."""


def problem(message: str) -> None:
    """Something went wrong that does not stop the run."""


_NO_LISTENERS = PluginManager(PROJECT)
_listeners: ContextVar[PluginManager] = ContextVar("gradmix_listeners", default=_NO_LISTENERS)
"""The session's listeners. A context variable: Hydra calls the code that reports, and cannot pass them on."""


@contextmanager
def watched_by(*watchers: object, alone: bool = False) -> Iterator[None]:
    """Have parts of gradmix listen to the events of this process within the context, in this order.

    An event calls the method of the same name that is marked with `hookimpl`. With `alone`, no earlier listener is
    called within the context.
    """
    manager = PluginManager(PROJECT)
    before = [] if alone else [plugin for _, plugin in _listeners.get().list_name_plugin()]
    for watcher in [*reversed(watchers), *before]:  # pluggy calls the last one first
        manager.register(watcher, type(watcher).__name__)
    token = _listeners.set(manager)
    try:
        yield
    finally:
        _listeners.reset(token)


def notify(event: Callable[P, None], *args: P.args, **what: P.kwargs) -> None:
    """Call the session's listeners that implement `event`, a function that specifies the event's name and arguments."""

    def report(listener: _Listener, error: BaseException) -> None:
        message = f"{listener.name} raised in {event.__name__}: {describe(error)}"
        if event is problem:
            _warn(message)
        else:
            report_problem(message)

    offered = inspect.signature(event).bind(*args, **what).arguments
    _call(_implementations(_listeners.get(), event.__name__), offered, report)


def report_problem(message: str) -> None:
    """Report a problem that does not stop the run; print it on standard error if nothing listens."""
    if _implementations(_listeners.get(), problem.__name__):
        notify(problem, message)
    else:
        _warn(message)


def _warn(message: str) -> None:
    print(visible(f"warning: {message}"), file=sys.stderr, flush=True)


class RunEvents:
    """Calls the listeners of one run. A listener that raises is reported, and disabled for the rest of the run.

    `chosen` has the events components of the config, by name. `improves` returns the objective that the task improves,
    or None; it is called only if the config has events components.
    """

    def __init__(self, chosen: Mapping[str, Events], run: RunInfo, improves: Callable[[], Objective | None]) -> None:
        objective = improves() if chosen else None
        self._always = {"run": run} if objective is None else {"run": run, "objective": objective}
        self._disabled: set[str] = set()
        self._listeners = {
            event: [
                *_implementations(registry().hooks, f"gradmix_{event}"),
                *_implementations(_listeners.get(), f"gradmix_{event}"),
                *(
                    _Listener(f"events.{name}", events, getattr(events, event))
                    for name, events in chosen.items()
                    if event in events.heard()
                ),
            ]
            for event in HEARD
        }

    def call(
        self, event: str, what: Mapping[str, Any] | None = None, must: bool | None = None
    ) -> list[tuple[_Listener, Any]]:
        """Call the listeners of an event and return their answers.

        `must` selects the listeners: True those that must not fail, False the others, None all.
        """
        called = [each for each in self._enabled(event) if must in (None, each.must)]
        return _call(called, {**(what or {}), **self._always}, lambda *failed: self._disable(event, *failed))

    def iterated(self, iteration: Iteration[Any]) -> StopRun | None:
        """Notify the listeners of a journalled iteration; return the first request to stop the run, or None."""
        requests: list[StopRun] = []

        def failed(listener: _Listener, error: BaseException) -> None:
            if not isinstance(error, StopRun) or not isinstance(listener.owner, Events):
                self._disable("iteration", listener, error)
            elif listener.owner.may_stop:
                error.by = listener.name.removeprefix("events.")
                requests.append(error)
            else:
                missing = PluginError("it requested to stop the run, but its class lacks may_stop = True")
                self._disable("iteration", listener, missing)

        _call(self._enabled("iteration"), {"iteration": iteration, **self._always}, failed)
        return requests[0] if requests else None

    @property
    def have_pictures(self) -> bool:
        """Whether any listener adds pictures."""
        return bool(self._enabled("pictures"))

    def pictures(self, what: Mapping[str, Any], taken: Collection[str]) -> dict[str, Writer]:
        """Return the listeners' pictures by file name; `taken` has the file names of the run's own pictures."""
        found: dict[str, Writer] = {}
        for listener, added in self.call("pictures", what):
            try:
                as_writers("it", added)
                again = sorted(added.keys() & {*found, *taken})
                if again:
                    raise PluginError(f"the file {again[0]} already exists")
                found.update(added)
            except Exception as error:
                self._disable("pictures", listener, error)
        return found

    def _enabled(self, event: str) -> list[_Listener]:
        return [each for each in self._listeners[event] if each.name not in self._disabled]

    def _disable(self, event: str, listener: _Listener, error: BaseException) -> None:
        self._disabled.add(listener.name)
        if listener.must and event != "run_failed":
            raise PluginError(f"{listener.name}, which must not fail, raised in {event}: {describe(error)}") from error
        report_problem(f"{listener.name} raised in {event} and was disabled for the rest of the run: {describe(error)}")


def _call(
    listeners: Iterable[_Listener], offered: Mapping[str, Any], failed: Callable[[_Listener, BaseException], None]
) -> list[tuple[_Listener, Any]]:
    """Call each listener with the offered arguments that it takes; return the answers of those that did not raise."""
    answers = []
    for listener in listeners:
        try:
            answers.append((listener, lend_by_name(listener.function, offered)))
        except (KeyboardInterrupt, TimedOutError):  # Ctrl-C and limits are meant for the run
            raise
        except BaseException as error:  # SystemExit, too, would end more than this run
            failed(listener, error)
    return answers


@dataclass(frozen=True, eq=False)
class _Listener:
    """An implementation of an event: a hook that pluggy has found, or a method of an events component."""

    name: str
    owner: object
    function: Callable[..., Any]

    @property
    def must(self) -> bool:
        """Whether the run fails if this listener raises."""
        return isinstance(self.owner, Events) and self.owner.must


def _implementations(manager: PluginManager, event: str) -> list[_Listener]:
    caller = getattr(manager.hook, event, None)
    found = [] if caller is None else caller.get_hookimpls()
    return [_Listener(each.plugin_name, each.plugin, each.function) for each in reversed(found)]  # as pluggy calls them
