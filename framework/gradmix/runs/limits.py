"""Limits of time, memory and threads on a run. Where they are passed, an error is raised in its midst."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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
    """Hold what runs in the context to its limits; raises `TimedOutError` and `OutOfMemoryError`, which name the limit.

    The alarm of a time limit interrupts Python code at once; a call into compiled code returns first. `abandon` is
    called if what runs swallows every alarm and goes on. Memory is limited by the system (Linux): an allocation beyond
    it fails. What is yielded raises `TimedOutError` once the time is over, for where no alarm can ring: outside of a
    process's main thread.
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
    """Hold what runs in the context to a time limit alone; as `limited`."""
    give_up = None if abandon is None else lambda: abandon(_timed_out(seconds))
    return time_limit(seconds, lambda: _timed_out(seconds), give_up)


def _timed_out(seconds: float | None) -> TimedOutError:
    return TimedOutError(f"stopped after limits.seconds={seconds:g}.")


@contextmanager
def _memory_limit(size: int | None) -> Iterator[None]:
    """Limit what the process takes beyond what it has; no limit where the system does not say what that is."""
    if size is None or (taken := _data_bytes()) is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (taken + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """What the system counts against its limit on data, of this process; None where it does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Hold engines, and the libraries that are loaded, to so many threads."""
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
