"""Samples of the machine that a run works on, and of what the run itself takes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
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

    Sampling that fails harms nothing else.
    """
    sampler = _Sampler(journal, seconds)
    try:
        with sampler.harmless():
            sampler.start()
        yield
    finally:
        sampler.stop()


class _Sampler:
    """Asks the system from a thread of its own; metrics have MLflow's names where it has one."""

    def __init__(self, journal: Journal, seconds: float) -> None:
        self.journal, self.seconds = journal, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_over, name="gradmix-sampling", daemon=True)
        self._problem = ""

    def start(self) -> None:
        import psutil

        self._psutil, self._process = psutil, psutil.Process()
        self.journal.write("system", metrics=self._memory())
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._problem:
            report_problem(f"the system metrics are not complete: {self._problem}")

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """Keep what goes wrong, to be reported at the end."""
        try:
            yield
        except StorageError as error:
            self._problem = str(error)
        except Exception as error:
            self._problem = describe(error)

    def _sample_until_over(self) -> None:
        with self.harmless():
            self._processor()  # psutil counts the use of the processor from here, for the thread that asks
            is_over = False
            while not is_over:
                begin = time.monotonic()
                is_over = self._over.wait(self.seconds)
                is_long_enough = time.monotonic() - begin >= _SHORTEST
                used = self._processor() if is_long_enough else {}
                self.journal.write("system", metrics={**used, **self._memory()})

    def _processor(self) -> Mapping[str, float]:
        """Share of all cores that was used since the last call; of one core, for the process itself."""
        return {
            "cpu_utilization_percentage": self._psutil.cpu_percent(),
            "process_cpu_utilization_percentage": self._process.cpu_percent(),
        }

    def _memory(self) -> Mapping[str, float]:
        """What is in use, and what of it the process has."""
        memory = self._psutil.virtual_memory()
        return {
            "system_memory_usage_megabytes": round(memory.used / _MEGABYTE, 1),
            "system_memory_usage_percentage": round(memory.used / memory.total * 100, 1),
            "process_memory_usage_megabytes": round(self._process.memory_info().rss / _MEGABYTE, 1),
        }
