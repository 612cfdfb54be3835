"""A small, typical use of a component, for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradmix.contracts.dataset import Data, Dataset
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.meaning import meaning_of
from gradmix.contracts.problem import Problem
from gradmix.contracts.returned import check_iteration, check_result, unlike
from gradmix.contracts.task import Task


def differentiate(differentiator: Differentiator) -> Any:
    """Differentiate x³ with one of the operators that the differentiator has."""
    operator = next(name for name in ("derivative", "jvp", "vjp", "jacobian") if name not in differentiator.lacks)
    direction = (1.0,) if operator in ("jvp", "vjp") else ()
    return getattr(differentiator, operator)(lambda x: x**3, 2.0, *direction)


def load(dataset: Dataset) -> Data:
    """Load the data."""
    return dataset.load()


def evaluate(problem: Problem) -> Any:
    """Evaluate the function and its exact derivative at the point."""
    problem.content()
    return problem.function(problem.point()), problem.exact()


def run(task: Task) -> Any:
    """Run the task to the end; return its iterations and its metrics except times."""
    task.preflight()
    iterations: list[Any] = []
    result = result_of(task, iterations)
    return iterations, {name: value for name, value in result.metrics.items() if not meaning_of(name).is_timing}


def result_of(task: Task, iterations: list[Any] | None = None) -> Any:
    """Run a task to the end and return its result; append its iterations to the list, if given."""
    method, steps = f"{type(task).__name__}.run", task.run()
    if not isinstance(steps, Iterator):
        raise unlike(method, "its iterations (`yield from ()` if there are none)", steps, "yield")
    while True:
        try:
            iteration = next(steps)
        except StopIteration as end:
            return check_result(method, end.value)
        check_iteration(method, iteration)
        if iterations is not None:
            iterations.append(iteration)
