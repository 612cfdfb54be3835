"""Pulling a task's iterations: each is timed, and its listeners may have the task end early."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.errors import ConfigError
from gradmix.contracts.events import StopRun
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.task import Result, Steps


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
