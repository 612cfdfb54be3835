"""Events: the methods that a component defines, and their arguments."""

from __future__ import annotations

from gradmix.contracts.by_name import lacking
from gradmix.contracts.events import HEARD, WITH_ANSWER, Events
from gradmix.contracts.task import Task
from gradmix.registry.registry import registry
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.subject import Subject


def handles_an_event(subject: Subject) -> None:
    """It overrides at least one method of `gradmix.Events`."""
    if not subject.make().heard():
        raise BrokenPromiseError(f"one of {', '.join(HEARD)}", "none", subject.component.__name__)


def requests_existing_arguments(subject: Subject) -> None:
    """Its methods only take arguments that exist: the run, its objective, the event's own, a task's answers."""
    events: Events = subject.make()
    tasks: list[type[Task]] = [entry.load() for entry in registry() if entry.kind == "task"]  # type: ignore[misc]
    answers = {name for task in tasks for name in task.answers}
    for method in events.heard():
        offered = {*HEARD[method], *(answers if method in WITH_ANSWER else ())}
        absent = lacking(getattr(events, method), offered)
        if absent:
            raise BrokenPromiseError(f"of {', '.join(sorted(offered))}", ", ".join(absent), f"{method}(self, …)")


def stops_runs_only_if_declared(subject: Subject) -> None:
    """`may_stop` and `must` are True or False, and a component that may stop runs defines `iteration`."""
    events: Events = subject.make()
    for name in ("may_stop", "must"):
        if not isinstance(getattr(events, name), bool):
            raise BrokenPromiseError("True or False", repr(getattr(events, name)), name)
    if events.may_stop and "iteration" not in events.heard():
        raise BrokenPromiseError("a method iteration, which stops the run", "none", "may_stop = True")
