"""Signals that interrupt work: a time limit by alarm, Ctrl-C told apart from an exception, SIGTERM as an interrupt.

Python runs signal handlers in the main thread of a process only. In any other thread these contexts do nothing.
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
"""How soon the alarm rings again if what runs has swallowed its exception."""

_MOST_RINGS = 10
"""How often it does so before the work is given up."""


@contextmanager
def time_limit(
    seconds: float | None, error: Callable[[], BaseException], give_up: Callable[[], None] | None = None
) -> Iterator[None]:
    """Raise an error in what runs in the context after so many seconds; None sets no limit.

    Python code is interrupted at once, a call into compiled code when it returns. `give_up` is called if the work has
    swallowed the exception ten times, once a second, and goes on. An alarm that was set before rings when it would
    have, or soon after.
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
    finally:  # entered also when the alarm rang within the other one; the next ring is a second away
        is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 0.01), interval)


@contextmanager
def ctrl_c_noticed() -> Iterator[Callable[[], bool]]:
    """Distinguish Ctrl-C from a KeyboardInterrupt that a component raises; yields whether it was pressed so far.

    The handler that was set before is called as well, which raises KeyboardInterrupt unless a program has set its own.
    """
    is_pressed = False
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # the signal is ignored, or not for Python
        yield lambda: False
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_pressed
        is_pressed = True
        before(number, frame)

    with _handling(signal.SIGINT, interrupt):
        yield lambda: is_pressed


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, journalled, by raising `Terminated`."""
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
                raise Terminated from error  # Ray raises an interrupt of its own in its place
            raise


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Undo what a library does to the handling of SIGTERM in the context."""
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
