"""Samples of the processor and memory usage of the machine and of the run's process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from gradmix.journal.writing import Journal
from gradmix.registry.entry import describe
from gradmix.runs.events import report_problem

_SECONDS = 1.0
_SHORTEST = 0.1
"""Shortest time in seconds over which the use of the processor can be measured."""

_MEGABYTE = 1e6
"""Bytes, as MLflow defines a megabyte."""


@contextmanager
def sampling(journal: Journal, seconds: float = _SECONDS) -> Iterator[None]:
    """Journal samples as events ``system``: one at the start, one every `seconds`, and one at the end.

    Metrics have MLflow's names where these exist. If sampling fails, the run goes on and a problem is reported.
    """
    has_begun, over, problems = threading.Event(), threading.Event(), list[str]()

    def sample() -> None:
        try:
            process, is_over = psutil.Process(), False
            journal.write("system", metrics=_memory(process))
            _processor(process)  # psutil measures from the first call on
            has_begun.set()
            while not is_over:
                begin = time.monotonic()
                is_over = over.wait(seconds)
                used = _processor(process) if time.monotonic() - begin >= _SHORTEST else {}
                journal.write("system", metrics={**used, **_memory(process)})
        except Exception as error:
            problems.append(describe(error))
        finally:
            has_begun.set()

    thread = threading.Thread(target=sample, name="gradmix-sampling", daemon=True)
    thread.start()
    has_begun.wait()  # the first sample is written before the first iteration
    try:
        yield
    finally:
        over.set()
        thread.join()
        if problems:
            report_problem(f"the system metrics are not complete: {problems[0]}")


def _processor(process: psutil.Process) -> Mapping[str, float]:
    """Return the usage since this thread's last call: of all cores by the machine, of one core by the process."""
    return {
        "cpu_utilization_percentage": psutil.cpu_percent(),
        "process_cpu_utilization_percentage": process.cpu_percent(),
    }


def _memory(process: psutil.Process) -> Mapping[str, float]:
    """Return the memory in use on the machine and by the process."""
    memory = psutil.virtual_memory()
    return {
        "system_memory_usage_megabytes": round(memory.used / _MEGABYTE, 1),
        "system_memory_usage_percentage": round(memory.used / memory.total * 100, 1),
        "process_memory_usage_megabytes": round(process.memory_info().rss / _MEGABYTE, 1),
    }
