"""Measurement of a computation's processor time and memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np


def processor_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Return the median processor time of a call, from repeats of at least a millisecond each."""
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
    """Return the peak memory of Python and NumPy during a call, in addition to the memory held before."""
    work()  # imports and caches of the first call do not count
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return float(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
