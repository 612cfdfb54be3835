"""Timings that can be compared: warm-up, rounds long enough for the clock, pieces of work timed in turns, medians.

glibc requests the memory of a large array from the system and returns it when the array is freed, so each round of a
timing pays for new pages. The size from which glibc does this depends on what was freed before, so one piece of work
changes the time of the next. A pinned allocator keeps its memory, so that later rounds need no new pages.
"""

from __future__ import annotations

import ctypes
import statistics
import tracemalloc
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gradmix.config.spec import Timing
from gradmix.contracts.task import Task, Timed

PAIRED_ROUNDS = 11
"""Number of rounds of paired timings (in turns), for tasks that declare fewer."""

_SHORTEST_ROUND, _SHORTEST_PAIRED_ROUND = 1e-3, 1e-2
"""Seconds. Shorter work is repeated within a round. When runs are timed in turns, the caches hold the code and data of
another run at the start of each round. The first call then takes longer, and would dominate a short round."""

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``, as ``malloc.h`` numbers them."""


def rounds_of(task: Task, timing: Timing) -> int:
    """Return the number of rounds in which a run's work is timed."""
    if timing.repeats is not None:
        return timing.repeats
    return max(task.rounds, PAIRED_ROUNDS) if timing.paired else task.rounds


class Stopwatch:
    """Times a run's work and its reference, round by round, in seconds."""

    def __init__(self, timed: Timed, timing: Timing) -> None:
        is_pinned = timing.allocator == "pinned" and pin_allocator()
        self._how = {"clock": timing.clock, "allocator": "pinned" if is_pinned else "default"}
        self._work = _Clock(timed.work, timing)
        self._reference = None if timed.reference is None else _Clock(timed.reference, timing)
        self.seconds: list[float] = []
        self.reference_seconds: list[float] = []
        self.peak_bytes: int | None = None
        self.traced_bytes: tuple[int, int] | None = None

    def round(self) -> None:
        """Time one round."""
        self.seconds.append(self._work.seconds())
        if self._reference is not None:
            self.reference_seconds.append(self._reference.seconds())

    def measure_memory(self) -> None:
        """Measure the peak memory in a round that is not timed."""
        self.peak_bytes = peak_bytes(self._work.work)
        if self._reference is not None:
            self.traced_bytes = peak_traced(self._work.work), peak_traced(self._reference.work)

    @property
    def metrics(self) -> Mapping[str, float]:
        """The medians, by metric name."""
        found: dict[str, float] = {}
        if self.seconds:
            found["time.seconds"] = statistics.median(self.seconds)
        if self.reference_seconds:
            ratios = [own / other for own, other in zip(self.seconds, self.reference_seconds, strict=True)]
            found["time.ratio_to_function"] = statistics.median(ratios)
        if self.peak_bytes is not None:
            found["memory.peak_bytes"] = float(self.peak_bytes)
        if self.traced_bytes is not None and self.traced_bytes[1]:
            found["memory.ratio_to_function"] = self.traced_bytes[0] / self.traced_bytes[1]
        return found

    @property
    def content(self) -> Mapping[str, Any]:
        """The content of the journal's event ``timing``."""
        return {
            "seconds": self.seconds,
            "reference_seconds": self.reference_seconds,
            "calls_per_round": self._work.calls,
            "peak_bytes": self.peak_bytes,
            "traced_bytes": self.traced_bytes,
            **self._how,
        }


class _Clock:
    """One piece of work with its warm-up. A round repeats it until the time is long enough for the clock."""

    def __init__(self, work: Callable[[], object], timing: Timing) -> None:
        self.work, self.calls, self._now = work, 1, timing.now
        for _ in range(timing.warmup):
            work()
        shortest = _SHORTEST_PAIRED_ROUND if timing.paired else _SHORTEST_ROUND
        while self._elapsed() < shortest:
            self.calls *= 2

    def seconds(self) -> float:
        """Time a round; return its mean seconds per call."""
        return self._elapsed() / self.calls

    def _elapsed(self) -> float:
        begin = self._now()
        for _ in range(self.calls):
            self.work()
        return self._now() - begin


def peak_bytes(work: Callable[[], object]) -> int:
    """Return the peak memory of `work` in bytes, beyond the memory in use before.

    It is the larger of two values: the memory that Python and NumPy allocate, measured by tracemalloc, and the growth
    of the process's resident memory (Linux), which includes the allocators of other libraries.
    """
    return max(_peak_resident(work), peak_traced(work))


def peak_traced(work: Callable[[], object]) -> int:
    """Return the peak memory of `work` that Python and NumPy allocate, in bytes.

    Pages and fragmentation do not affect this value, so it is the same each time.
    """
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _peak_resident(work: Callable[[], object]) -> int:
    if trim := _of_c_library("malloc_trim"):
        trim(0)  # memory that the process has kept would hide the memory that the work needs
    try:
        Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark to what is resident now
        before = _high_water()
        work()
        return _high_water() - before
    except OSError:
        return 0


def _high_water() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@cache
def pin_allocator() -> bool:
    """Keep freed memory until the process ends; return False if the C library cannot do so (any except glibc)."""
    mallopt = _of_c_library("mallopt")
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, -1) and mallopt(_MMAP_MAX, 0))


def _of_c_library(name: str) -> Any:
    """Return the function of the C library with this name, or None."""
    return getattr(ctypes.CDLL(None), name, None)
