"""Samples of the machine that a run works on, and of what the run itself takes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from gradmix.contracts.errors import StorageError
from gradmix.journal.writing import Journal
from gradmix.registry.entry import describe
from gradmix.runs.events import report_problem

_SECONDS = 1.0
_SHORTEST = 0.1
"""Seconds over which the use of the processor can be measured."""

_MEGABYTE = 1e6
"""As MLflow counts."""


@contextmanager
def sampling(journal: Journal, seconds: float = _SECONDS) -> Iterator[None]:
    """Journal samples as events ``system``: one at the start, one every so many seconds, and one at the end.

    Metrics have MLflow's names where it has one. Sampling that fails harms nothing else.
    """
    over, problems = threading.Event(), list[str]()

    def harmlessly(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            problems.append(str(error) if isinstance(error, StorageError) else describe(error))

    def start() -> None:
        journal.write("system", metrics=_memory())
        thread.start()

    def follow() -> None:
        processor, is_over = _processor_counter(), False
        while not is_over:
            begin = time.monotonic()
            is_over = over.wait(seconds)
            used = processor() if time.monotonic() - begin >= _SHORTEST else {}
            journal.write("system", metrics={**used, **_memory()})

    thread = threading.Thread(target=harmlessly, args=(follow,), name="gradmix-sampling", daemon=True)
    harmlessly(start)
    try:
        yield
    finally:
        over.set()
        if thread.is_alive():
            thread.join()
        if problems:
            report_problem(f"the system metrics are not complete: {problems[0]}")


def _processor_counter() -> Callable[[], Mapping[str, float]]:
    """Gives the share of all cores that was used since its last call; of one core, for the process itself.

    psutil counts for each thread that asks, from its first question on.
    """
    import psutil

    process = psutil.Process()

    def used() -> Mapping[str, float]:
        return {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "process_cpu_utilization_percentage": process.cpu_percent(),
        }

    used()
    return used


def _memory() -> Mapping[str, float]:
    """What is in use, and what of it the process has."""
    import psutil

    memory, own = psutil.virtual_memory(), psutil.Process().memory_info().rss
    return {
        "system_memory_usage_megabytes": round(memory.used / _MEGABYTE, 1),
        "system_memory_usage_percentage": round(memory.used / memory.total * 100, 1),
        "process_memory_usage_megabytes": round(own / _MEGABYTE, 1),
    }
