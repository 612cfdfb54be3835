"""Pulling a task's iterations, each timed, and measuring what it has found; its listeners may have it end early."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from gradmix.contracts.by_name import lacking, lend_by_name
from gradmix.contracts.errors import ConfigError, PluginError, listing
from gradmix.contracts.events import StopRun
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.metric import Metric
from gradmix.contracts.task import Result, Steps
from gradmix.registry.entry import describe_use
from gradmix.runs.limits import TimedOutError

_PLAIN_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Pulled:
    """What a task has come to."""

    result: Result
    seconds: tuple[float, ...]  # of each iteration
    stopped: StopRun | None = None  # who has ended it early, and why


def pull(
    steps: Steps,
    tell: Callable[[Iteration[Any]], StopRun | None],
    check_time: Callable[[], None],
    now: Callable[[], float] = time.perf_counter,
) -> Pulled:
    """Pull all iterations of a task; `now` is the clock, in seconds.

    `tell` gets each iteration, with the task's number within its start or else ours; it returns the request to end
    here, if there is one. `check_time` raises once the time is over. Raises `TypeError` if the task returns no result,
    or goes on when it is to stop; `ConfigError` if it cannot stop.
    """
    seconds: list[float] = []
    made: Counter[int] = Counter()
    while True:
        begin = now()
        try:
            iteration = next(steps)
        except StopIteration as end:
            return Pulled(_checked(end.value), tuple(seconds))
        seconds.append(now() - begin)
        check_time()
        made[iteration.start] += 1
        request = tell(iteration if iteration.step else replace(iteration, step=made[iteration.start]))
        if request is not None:
            return Pulled(_ended(steps, request), tuple(seconds), request)


def _ended(steps: Steps, request: StopRun) -> Result:
    """Have the task end, and return what it has."""
    try:
        steps.throw(request)
    except StopIteration as end:
        return _checked(end.value)
    except StopRun:
        raise ConfigError(
            f"events.{request.by} wants the run to stop ({request.reason}), but its task cannot stop early: "
            "it does not catch gradmix.StopRun where it yields."
        ) from None
    steps.close()
    raise TypeError("a task that has caught gradmix.StopRun must return its result, and yield no more")


def _checked(result: object) -> Result:
    if not isinstance(result, Result):
        raise TypeError(f"a task must return a gradmix.Result, not {type(result).__name__}")
    return result


def measured(metrics: Mapping[str, Metric], result: Result) -> dict[str, float]:
    """Measure what a task has found, by the metrics of these names.

    Raises `PluginError` if a metric fails, gives no number, or has the name of one of the task's own.
    """
    found: dict[str, float] = {}
    for own, metric in metrics.items():
        missing = lacking(metric.measure, result.answer)
        if missing:
            raise PluginError(
                f"metric.{own} needs {listing(missing)}, which the task's answer lacks though its class names it."
            )
        try:
            value = lend_by_name(metric.measure, result.answer)
        except (KeyboardInterrupt, MemoryError, TimedOutError):
            raise
        except BaseException as error:  # SystemExit, too, would end more than this run
            raise PluginError(f"metric.{own} failed: {describe_use(error)}") from error
        values = {f"{own}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {own: value}
        for name, each in values.items():
            if not isinstance(each, Real) or not _PLAIN_NAME.fullmatch(name):
                raise PluginError(f"metric.{name} must be a number under a plain name; it is {each!r}.")
            found[name] = float(each)
    taken = found.keys() & result.metrics.keys()
    if taken:
        raise PluginError(f"metrics that the task has itself: {listing(taken)}; choose metric.* under other names.")
    return found
