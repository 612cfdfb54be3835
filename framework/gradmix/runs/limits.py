"""Limits on a run's time, memory and threads. A run that exceeds one is interrupted by an error."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil

from gradmix.config.spec import Limits
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.folds import THREADS
from gradmix.interrupts import time_limit


class TimedOutError(GradmixError, TimeoutError):
    """A run that took longer than ``limits.seconds``."""


class OutOfMemoryError(GradmixError, MemoryError):
    """A run that needed more memory than ``limits.bytes``."""


@contextmanager
def limited(limits: Limits, abandon: Callable[[TimedOutError], None] | None = None) -> Iterator[Callable[[], None]]:
    """Apply limits to the code in the context; raise `TimedOutError` or `OutOfMemoryError`, which name the limit.

    The alarm of a time limit interrupts Python code at once, and compiled code when the call returns. `abandon` is
    called if the code catches every alarm and goes on. The system limits memory (Linux): an allocation beyond the limit
    fails. The context yields a function that raises `TimedOutError` once the time is over. It is needed outside the
    main thread, where alarms do not work.
    """
    begin = time.monotonic()

    def check() -> None:
        if limits.seconds is not None and time.monotonic() - begin > limits.seconds:
            raise _timed_out(limits.seconds)

    with within(limits.seconds, abandon), _memory_limit(limits.bytes), _threads(limits.threads):
        try:
            yield check
        except MemoryError as error:
            if limits.bytes is None or isinstance(error, OutOfMemoryError):
                raise
            raise OutOfMemoryError(
                f"the run needed more memory than limits.bytes={limits.bytes}: {str(error).rstrip('.')}."
            ) from error


def within(
    seconds: float | None, abandon: Callable[[TimedOutError], None] | None = None
) -> AbstractContextManager[None]:
    """Apply only a time limit to the code in the context, as `limited` does."""
    give_up = None if abandon is None else lambda: abandon(_timed_out(seconds))
    return time_limit(seconds, lambda: _timed_out(seconds), give_up)


def _timed_out(seconds: float | None) -> TimedOutError:
    return TimedOutError(f"stopped after limits.seconds={seconds:g}.")


@contextmanager
def _memory_limit(size: int | None) -> Iterator[None]:
    """Limit the memory that the process takes in addition to its present memory; no limit if that size is unknown."""
    taken = None if size is None else getattr(psutil.Process().memory_info(), "data", None)  # on Linux only
    if size is None or taken is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (taken + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Limit the threads of engines and of the loaded libraries."""
    if count is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    allowed = THREADS.set(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        THREADS.reset(allowed)
