"""Take iterations from a task and time each one, until the task ends or a listener stops it; then apply metrics."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.by_name import lacking, lend_by_name
from gradmix.contracts.errors import ConfigError, PluginError, listing
from gradmix.contracts.events import StopRun
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.metric import Metric
from gradmix.contracts.returned import check_iteration, check_result, is_number, unlike
from gradmix.contracts.task import Result, Task
from gradmix.registry.entry import describe_use
from gradmix.runs.limits import TimedOutError

_PLAIN_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Pulled:
    """The result of a task, with the time of each iteration."""

    result: Result
    seconds: tuple[float, ...]  # of each iteration
    stopped: StopRun | None = None  # the request that stopped the task early, with its reason


def pull(
    task: Task,
    notify: Callable[[Iteration[Any]], StopRun | None],
    check_time: Callable[[], None],
    now: Callable[[], float] = time.perf_counter,
) -> Pulled:
    """Take all iterations of a task; `now` is the clock, in seconds.

    `notify` is called with each iteration and returns a request to stop the task here, or None. An iteration that the
    task has not numbered is numbered within its start. `check_time` raises once the time is over. Raises `PluginError`
    if the task yields or returns a wrong type, or goes on after a request to stop; `ConfigError` if the task does not
    support stopping.
    """
    method, steps = f"{type(task).__name__}.run", task.run()
    if not isinstance(steps, Iterator):
        raise unlike(method, "its iterations (`yield from ()` if there are none)", steps, "yield")
    seconds: list[float] = []
    made: Counter[int] = Counter()
    while True:
        begin = now()
        try:
            iteration = next(steps)
        except StopIteration as end:
            return Pulled(check_result(method, end.value), tuple(seconds))
        seconds.append(now() - begin)
        check_time()
        check_iteration(method, iteration)
        made[iteration.start] += 1
        request = notify(iteration if iteration.step else replace(iteration, step=made[iteration.start]))
        if request is not None:
            return Pulled(_ended(method, steps, request), tuple(seconds), request)


def _ended(method: str, steps: Iterator[Any], request: StopRun) -> Result:
    """Request the task to stop, and return its result."""
    try:
        steps.throw(request)  # type: ignore[attr-defined]
    except StopIteration as end:
        return check_result(method, end.value)
    except StopRun:
        raise ConfigError(
            f"events.{request.by} wants the run to stop ({request.reason}), but its task cannot stop early: "
            "it does not catch gradmix.StopRun where it yields."
        ) from None
    steps.close()  # type: ignore[attr-defined]
    raise PluginError(f"{method} has caught gradmix.StopRun: it must then return its result without yielding again.")


def measured(metrics: Mapping[str, Metric], result: Result) -> dict[str, float]:
    """Apply the metrics to a task's result; return their values by name.

    Raises `PluginError` if a metric fails, does not return numbers, or has the name of one of the task's own metrics.
    """
    found: dict[str, float] = {}
    for own, metric in metrics.items():
        missing = lacking(metric.measure, result.answer)
        if missing:
            raise PluginError(
                f"metric.{own} needs {listing(missing)}, which the task declares in answers but did not return."
            )
        try:
            value = lend_by_name(metric.measure, result.answer)
        except (KeyboardInterrupt, MemoryError, TimedOutError):
            raise
        except BaseException as error:  # SystemExit, too, would end more than this run
            raise PluginError(f"metric.{own} failed: {describe_use(error)}") from error
        method = f"metric.{own}: {type(metric).__name__}.measure"
        values = {f"{own}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {own: value}
        for name, each in values.items():
            if not _PLAIN_NAME.fullmatch(name):
                raise PluginError(
                    f"{method} must give its values plain names, without signs or spaces; "
                    f"one is {name.removeprefix(f'{own}.')!r}."
                )
            if not is_number(each):
                one = "a number, or numbers by name" if name == own else f"a number as {name.removeprefix(f'{own}.')}"
                raise unlike(method, one, each)
            found[name] = float(each)
        if not values:
            raise unlike(method, "a number, or numbers by name", value)
    taken = found.keys() & result.metrics.keys()
    if taken:
        raise PluginError(f"the task itself has metrics named {listing(taken)}; choose metric.* under other names.")
    return found
