"""Measure: the arguments and values of a metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradmix.contracts.by_name import call_by_name, lacking
from gradmix.contracts.metric import Metric
from gradmix.contracts.task import Task
from gradmix.registry.registry import registry
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.component.uses import result_of
from gradmix.testing.subject import Subject
from gradmix.testing.subject import subject as subject_named
from gradmix.testing.values import plain_value, shown


def use(metric: Metric) -> Any:
    """Measure the answer of each installed task with default options."""
    return [call_by_name(metric.measure, answer) for answer in _answers(metric)]


def requests_answers_of_tasks(subject: Subject) -> None:
    """`measure` only takes arguments that are answers of some installed task."""
    metric: Metric = subject.make()
    absent = {task.name: lacking(metric.measure, _class_of(task.name).answers) for task in _tasks()}
    if absent and all(absent.values()):
        name, names = min(absent.items(), key=lambda item: len(item[1]))
        offered = ", ".join(_class_of(name).answers) or "nothing"
        raise BrokenPromiseError(f"of {offered}, which task {name} answers", ", ".join(names), "measure(self, …)")


def measures_a_number(subject: Subject) -> None:
    """`measure` returns a number, or several by name: finite, or NaN if there is no value."""
    for value in use(subject.make()):
        values = value if isinstance(value, Mapping) else {"": value}
        for name, each in values.items():
            is_number = isinstance(each, int | float | np.number) and not isinstance(each, bool)
            if not isinstance(name, str) or not is_number or math.isinf(each):
                raise BrokenPromiseError("a number, or numbers by name", repr(value), "measure(…)")


def measure_is_repeatable(subject: Subject) -> None:
    """The same answer, measured twice, has the same value to the last bit."""
    first, again = use(subject.make()), use(subject.make())
    if plain_value(first) != plain_value(again):
        raise BrokenPromiseError(shown(first), shown(again), "measure(…), again")


def leaves_the_answer_alone(subject: Subject) -> None:
    """`measure` does not change the task's answer, which other metrics measure, too."""
    metric: Metric = subject.make()
    for answer in _answers(metric):
        before = plain_value(answer)
        call_by_name(metric.measure, answer)
        for name, value in plain_value(answer).items():
            if value != before[name]:
                raise BrokenPromiseError(f"{name} as it was", "changed", "after measure(…)")


def declares_the_better_direction(subject: Subject) -> None:
    """`maximise` is True, False, or None if neither direction is better; `unit` is a string."""
    metric: Metric = subject.make()
    if metric.maximise not in (True, False, None):
        raise BrokenPromiseError("True, False or None", repr(metric.maximise), "maximise")
    if not isinstance(metric.unit, str):
        raise BrokenPromiseError("a string", repr(metric.unit), "unit")


def _tasks() -> list[Any]:
    return [entry for entry in registry() if entry.kind == "task" and _class_of(entry.name).answers]


def _class_of(name: str) -> type[Task]:
    return registry().find("task", name).load()  # type: ignore[return-value]


def _answers(metric: Metric) -> Iterator[Mapping[str, Any]]:
    """Yield the answers of the installed tasks that provide all arguments of the metric."""
    fitting = [task.name for task in _tasks() if not lacking(metric.measure, _class_of(task.name).answers)]
    if not fitting:
        raise NotApplicableError("no installed task returns the answers that it takes")
    return (result_of(subject_named(name, "task").make()).answer for name in fitting)
