"""The run events that a config has chosen: each is told what it takes, and what it raises harms only itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.by_name import call_by_name
from gradmix.contracts.errors import PluginError
from gradmix.contracts.events import Events, StopRun
from gradmix.contracts.iteration import Iteration, Objective
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import Writer
from gradmix.registry.entry import describe
from gradmix.runs.events import report_problem
from gradmix.runs.limits import TimedOutError
from gradmix.runs.read_only import read_only


@dataclass(frozen=True)
class StopRequest:
    """A request to end a run here.

    Parameters
    ----------
    by
        Name of the events that have it.
    stop
        What they have raised.
    """

    by: str
    stop: StopRun

    def __str__(self) -> str:
        return f"{self.by}: {self.stop.reason}"


class ChosenEvents:
    """Tells chosen events of one run.

    Parameters
    ----------
    chosen
        The events, by name.
    run
        The run.
    improves
        Says what its task improves, if it does; asked only if there are any events.
    """

    def __init__(self, chosen: Mapping[str, Events], run: RunInfo, improves: Callable[[], Objective | None]) -> None:
        self._chosen = chosen
        objective = improves() if chosen else None
        self._always = {"run": run} if objective is None else {"run": run, "objective": objective}
        self._silenced: set[str] = set()

    def started(self) -> None:
        """The run's journal stands."""
        self._tell("run_started")

    def iterated(self, iteration: Iteration[Any]) -> StopRequest | None:
        """An iteration is journalled; the first request to end the run here, if somebody has it."""
        requests: list[StopRequest] = []
        for name in self._hearing("iteration"):
            with self._heard(name, "iteration"):
                try:
                    self._call(name, "iteration", {"iteration": iteration})
                except StopRun as stop:
                    if not self._chosen[name].may_stop:
                        raise PluginError("it asks to stop the run, but its class lacks may_stop = True") from stop
                    requests.append(StopRequest(name, stop))
        return requests[0] if requests else None

    def finishing(self, what: Mapping[str, Any]) -> None:
        """The result is about to be journalled: those that must not fail hear of it."""
        self._tell("run_finished", what, of_those_that_must=True)

    def finished(self, what: Mapping[str, Any]) -> None:
        """The run has finished, and all of it is journalled."""
        self._tell("run_finished", what, of_those_that_must=False)

    def failed(self, error: BaseException) -> None:
        """The run has failed already."""
        for name in self._hearing("run_failed"):
            with self._heard(name, "run_failed", is_over=True):
                self._call(name, "run_failed", {"error": error})

    def pictures(self, what: Mapping[str, Any], taken: Collection[str]) -> dict[str, Writer]:
        """Pictures that they add, by file name; `taken` has those of the run itself."""
        found: dict[str, Writer] = {}
        for name in self._hearing("pictures"):
            with self._heard(name, "pictures"):
                added = dict(self._call(name, "pictures", what))
                again = sorted(added.keys() & {*found, *taken})
                if again:
                    raise PluginError(f"there is a file {again[0]} already")
                found.update(added)
        return found

    def _tell(self, event: str, what: Mapping[str, Any] | None = None, of_those_that_must: bool | None = None) -> None:
        for name in self._hearing(event):
            if of_those_that_must in (None, self._chosen[name].must):
                with self._heard(name, event):
                    self._call(name, event, what or {})

    def _hearing(self, event: str) -> list[str]:
        return [name for name, each in self._chosen.items() if name not in self._silenced and event in each.heard()]

    def _call(self, name: str, event: str, what: Mapping[str, Any]) -> Any:
        with read_only(what):
            return call_by_name(getattr(self._chosen[name], event), {**what, **self._always})

    @contextmanager
    def _heard(self, name: str, event: str, is_over: bool = False) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, TimedOutError):  # Ctrl-C and limits are meant for the run
            raise
        except BaseException as error:  # SystemExit, too, would end more than this run
            self._silenced.add(name)
            if self._chosen[name].must and not is_over:
                raise PluginError(
                    f"events.{name}, which must not fail, failed in {event}: {describe(error)}"
                ) from error
            report_problem(f"events.{name} failed in {event} and hears no more of this run: {describe(error)}")
