import signal
import threading
import time

import numpy as np
import pytest

from gradmix.config.spec import Limits
from gradmix.runs.limits import OutOfMemoryError, TimedOutError, limited


def spin(seconds):
    """Work in Python for so long, and never yield."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_work_without_end_is_stopped():
    with pytest.raises(TimedOutError, match=r"limits\.seconds=0\.05"), limited(Limits(seconds=0.05)):
        spin(30)


def test_an_alarm_that_is_swallowed_rings_again():
    def swallow():
        try:
            spin(30)
        except TimedOutError:
            spin(30)

    with pytest.raises(TimedOutError), limited(Limits(seconds=0.05)):
        swallow()


@pytest.mark.parametrize("seconds", [1e-6, 1e-5, 1e-4])
def test_no_alarm_is_left_behind(seconds):
    for _ in range(50):
        try:
            with limited(Limits(seconds=seconds)):
                spin(1e-4)
        except TimedOutError:
            pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    spin(0.01)


def test_outside_the_main_thread_the_deadline_is_checked_by_hand():
    raised = []

    def work():
        with limited(Limits(seconds=0.01)) as check_time:
            spin(0.02)
            try:
                check_time()
            except TimedOutError as error:
                raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_memory_beyond_the_limit_is_refused():
    with pytest.raises(OutOfMemoryError, match=r"limits\.bytes=50000000"), limited(Limits(bytes=50_000_000)):
        np.empty(100_000_000)
    assert np.empty(100_000_000).nbytes == 8e8  # and is there again afterwards


def test_memory_within_the_limit_is_there():
    with limited(Limits(bytes=200_000_000)):
        assert np.ones(10_000_000).sum() == 1e7


def test_without_a_limit_a_failed_allocation_is_what_it_is():
    with pytest.raises(MemoryError) as caught, limited(Limits()):
        raise MemoryError("somebody's own")
    assert not isinstance(caught.value, OutOfMemoryError)


def test_threads_of_blas_are_limited():
    from threadpoolctl import threadpool_info, threadpool_limits

    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2):
        before = [pool["num_threads"] for pool in threadpool_info()]
        assert 2 in before, "the test would see nothing"
        with limited(Limits(threads=1)):
            assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
        assert [pool["num_threads"] for pool in threadpool_info()] == before
