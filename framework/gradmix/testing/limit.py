"""A time limit on a check, and who pressed Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_SECONDS = 1.0
"""How soon the alarm goes off again if what is checked has swallowed it."""


class TimeIsUpError(BaseException):
    """A check took too long. No Exception, so that what is checked does not take it for one of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeIsUpError` in what runs in the context after so many seconds.

    Python code is interrupted at once, a call into compiled code when it returns; outside of a process's main thread,
    where no alarm can ring, there is no limit. An alarm that was set before goes off when it would have, or soon after.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_on = True

    def ring(number: int, frame: FrameType | None) -> None:
        if is_on:
            raise TimeIsUpError

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    begun = time.monotonic()
    try:
        yield
    finally:
        is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 0.01), interval)


class Interrupts:
    """Tells a person's Ctrl-C from a KeyboardInterrupt that somebody's code raises."""

    def __init__(self) -> None:
        self.pressed = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take note of Ctrl-C while the context lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            self.pressed = True
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
