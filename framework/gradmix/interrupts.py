"""Signals that interrupt work: time limits by alarm, Ctrl-C as opposed to an exception, SIGTERM as an interrupt.

Python runs signal handlers only in the main thread of a process. In any other thread these contexts do nothing.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_SECONDS = 1.0
"""Time until the alarm rings again if the work has swallowed the exception."""

_MOST_RINGS = 10
"""Number of rings before the work is given up."""


@contextmanager
def time_limit(
    seconds: float | None, error: Callable[[], BaseException], give_up: Callable[[], None] | None = None
) -> Iterator[None]:
    """Raise an error in the code within the context after so many seconds; None sets no limit.

    Python code is interrupted at once, a call into compiled code when it returns. The exception is raised again every
    second. `give_up` is called if the work has swallowed it ten times and still continues. An alarm that was set before
    rings at its own time or soon after.
    """
    if seconds is None or not _is_main_thread():
        yield
        return
    is_on = True
    rings = itertools.count(1)

    def ring(number: int, frame: FrameType | None) -> None:
        if not is_on:
            return
        if give_up is not None and next(rings) > _MOST_RINGS:
            give_up()
        raise error()

    before = signal.signal(signal.SIGALRM, ring)
    left, interval, begun = 0.0, 0.0, time.monotonic()
    try:
        try:
            left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
            yield
        finally:
            is_on = False
    finally:  # runs even if the alarm rang within the inner `finally`; the next ring is a second away
        is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 0.01), interval)


@contextmanager
def ctrl_c_noticed() -> Iterator[Callable[[], bool]]:
    """Distinguish Ctrl-C from a KeyboardInterrupt that a component raises.

    Yields a function that returns whether Ctrl-C has been pressed. The previous handler is called as well; it raises
    KeyboardInterrupt unless the program has set its own.
    """
    is_pressed = False
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # the signal is ignored, or not handled by Python
        yield lambda: False
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_pressed
        is_pressed = True
        before(number, frame)

    with _handling(signal.SIGINT, interrupt):
        yield lambda: is_pressed


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM, a request to end."""


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM, so that the work ends and is journalled as after Ctrl-C."""
    is_asked = False

    def terminate(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True
        raise Terminated

    with _handling(signal.SIGTERM, terminate):
        try:
            yield
        except KeyboardInterrupt as error:
            if is_asked and not isinstance(error, Terminated):
                raise Terminated from error  # Ray replaces it by its own interrupt
            raise


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Restore the handler of SIGTERM at the end of the context, in case a library has replaced it."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if _is_main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _handling(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if not _is_main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
