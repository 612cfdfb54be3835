"""Signals: a time limit raises in what runs, Ctrl-C is told from an exception, SIGTERM is an interrupt."""

import os
import signal
import threading

import pytest

from gradmix.interrupts import Terminated, ctrl_c_noticed, sigterm_kept, termination_as_interrupt, time_limit


class TooLongError(Exception):
    pass


def wait():
    threading.Event().wait(60)


def test_work_without_end_is_interrupted():
    with pytest.raises(TooLongError), time_limit(0.01, TooLongError):
        wait()


def test_no_limit_sets_no_alarm():
    with time_limit(None, TooLongError):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_handler_and_the_timer_are_as_before():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TooLongError), time_limit(0.01, TooLongError):
        wait()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_outer_limit_holds_after_an_inner_one():
    def work():
        with time_limit(60, AssertionError):
            pass
        wait()

    with pytest.raises(TooLongError), time_limit(0.05, TooLongError):
        work()


def test_work_that_swallows_every_alarm_is_given_up(monkeypatch):
    monkeypatch.setattr("gradmix.interrupts._AGAIN_SECONDS", 0.001)

    class GivenUpError(BaseException):
        pass

    def give_up():
        raise GivenUpError

    def swallow(depth=5):
        """Within one another: an alarm may ring while another one is being swallowed."""
        while True:
            try:
                if depth:
                    swallow(depth - 1)
                signal.pause()  # threading.Event would be left inconsistent by an alarm in its midst
            except TooLongError:
                continue

    with pytest.raises(GivenUpError), time_limit(0.001, TooLongError, give_up):
        swallow()


def test_outside_the_main_thread_nothing_is_set():
    seen = []

    def work():
        with time_limit(0.001, TooLongError), ctrl_c_noticed() as is_pressed, termination_as_interrupt():
            seen.append((signal.getitimer(signal.ITIMER_REAL)[0], is_pressed()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(0.0, False)]


def test_ctrl_c_is_told_from_an_exception_of_the_same_kind():
    with ctrl_c_noticed() as is_pressed:
        with pytest.raises(KeyboardInterrupt):
            raise KeyboardInterrupt
        assert not is_pressed()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert is_pressed()


def test_ctrl_c_within_two_contexts_is_noticed_by_both():
    with ctrl_c_noticed() as outer, ctrl_c_noticed() as inner:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert outer()
        assert inner()


def test_a_programs_own_handler_hears_ctrl_c():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with ctrl_c_noticed() as is_pressed:
            os.kill(os.getpid(), signal.SIGINT)
            assert is_pressed()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_sigterm_is_an_interrupt_within_the_context():
    before = signal.getsignal(signal.SIGTERM)

    def work():
        os.kill(os.getpid(), signal.SIGTERM)
        wait()

    with pytest.raises(Terminated), termination_as_interrupt():
        work()
    assert signal.getsignal(signal.SIGTERM) is before
    assert issubclass(Terminated, KeyboardInterrupt)


def replaced_interrupt():
    """What Ray makes of an interrupt while it waits."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None


def test_sigterm_is_known_even_if_a_library_raises_an_interrupt_of_its_own():
    with pytest.raises(Terminated), termination_as_interrupt():
        replaced_interrupt()


def test_a_library_that_takes_sigterm_over_gives_it_back():
    with termination_as_interrupt():
        before = signal.getsignal(signal.SIGTERM)
        with sigterm_kept():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) is before
