"""Timing fit to compare with: warm-up, rounds long enough for the clock, several pieces of work in turns, medians.

glibc takes a large array from the system and gives it back when it is freed, so that each round of a timing pays for
new pages. From which size on it does so depends on what was freed before, so that one piece of work changes the time of
the next. A pinned allocator keeps what it has: each round works in memory that is there.
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
"""Rounds of plugins that are compared in turns, for tasks that do not say how many they want."""

_SHORTEST_ROUND, _SHORTEST_PAIRED_ROUND = 1e-3, 1e-2
"""Seconds: shorter work is repeated within a round. In turns with others, each round begins with caches that hold the
others' code and data: the first call costs more, and a short round would measure that."""

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``, as ``malloc.h`` numbers them."""


def rounds_of(task: Task, timing: Timing) -> int:
    """How many rounds a run's work is timed for."""
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
        """Measure the peaks of memory, in a round that is not timed."""
        self.peak_bytes = peak_bytes(self._work.work)
        if self._reference is not None:
            self.traced_bytes = peak_traced(self._work.work), peak_traced(self._reference.work)

    @property
    def metrics(self) -> Mapping[str, float]:
        """Medians, by metric name."""
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
        """What the journal records."""
        return {
            "seconds": self.seconds,
            "reference_seconds": self.reference_seconds,
            "calls_per_round": self._work.calls,
            "peak_bytes": self.peak_bytes,
            "traced_bytes": self.traced_bytes,
            **self._how,
        }


class _Clock:
    """One piece of work, warmed up, and repeated within a round so often that the clock can tell."""

    def __init__(self, work: Callable[[], object], timing: Timing) -> None:
        self.work, self.calls, self._now = work, 1, timing.now
        for _ in range(timing.warmup):
            work()
        shortest = _SHORTEST_PAIRED_ROUND if timing.paired else _SHORTEST_ROUND
        while self._elapsed() < shortest:
            self.calls *= 2

    def seconds(self) -> float:
        """Seconds of one call, the mean over a round."""
        return self._elapsed() / self.calls

    def _elapsed(self) -> float:
        begin = self._now()
        for _ in range(self.calls):
            self.work()
        return self._now() - begin


def peak_bytes(work: Callable[[], object]) -> int:
    """Most memory that `work` held at one time beyond what was there before.

    The larger of what Python and NumPy allocate, as tracemalloc sees it, and of the growth of the process's resident
    memory (Linux), which other libraries' own allocators show in.
    """
    return max(_peak_resident(work), peak_traced(work))


def peak_traced(work: Callable[[], object]) -> int:
    """The part of it that Python and NumPy allocate: the same each time, as pages and fragments play no part."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _peak_resident(work: Callable[[], object]) -> int:
    if trim := _of_c_library("malloc_trim"):
        trim(0)  # what the process keeps would hide what the work takes
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
    """Keep freed memory, from now on until the process ends; False where the C library cannot (all but glibc)."""
    mallopt = _of_c_library("mallopt")
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, -1) and mallopt(_MMAP_MAX, 0))


def _of_c_library(name: str) -> Any:
    """A function of the C library; None if it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None)
