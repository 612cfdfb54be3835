"""What a computation takes: processor time and memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np


def processor_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median processor time of a call, of repeats of at least a millisecond each."""
    calls = 1
    while (once := _seconds(work, calls)) < 1e-3:
        calls *= 4
    return float(np.median([once, *(_seconds(work, calls) for _ in range(repeats - 1))])) / calls


def _seconds(work: Callable[[], Any], calls: int) -> float:
    before = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - before


def peak_bytes(work: Callable[[], Any]) -> float:
    """Most memory that Python and NumPy hold at once in a call, beyond what they held before."""
    work()  # what is imported or kept by the first call is not the computation's
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return float(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
