"""Samples of the machine that a run works on, and of what the run itself takes of it."""

from __future__ import annotations

import math
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
"""Seconds over which the use of the processor can be told."""

_MEGABYTE = 1e6
"""As MLflow counts."""


@contextmanager
def sampling(journal: Journal, seconds: float = _SECONDS) -> Iterator[None]:
    """Journal a sample at the start, one every so often, and one at the end. Sampling that fails harms nothing else.

    Parameters
    ----------
    journal
        Where samples go, as events ``system``.
    seconds
        How long to wait between two.
    """
    sampler = _Sampler(journal, seconds)
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()


class _Sampler:
    def __init__(self, journal: Journal, seconds: float) -> None:
        self.journal, self.seconds = journal, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_over, name="gradmix-sampling", daemon=True)
        self._problem = ""

    def start(self) -> None:
        with self._harmless():
            self._probe = _Probe()
            self._sample()
            self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._problem:
            report_problem(f"the system metrics are not complete: {self._problem}")

    def _sample_until_over(self) -> None:
        with self._harmless():
            self._probe.count_from_here()
            while not self._over.wait(self.seconds):
                self._sample()
            self._sample()

    def _sample(self) -> None:
        self.journal.write("system", metrics=self._probe.metrics())

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            self._problem = str(error)
        except Exception as error:
            self._problem = describe(error)


class _Probe:
    """Asks the system; MLflow's own names where it has one."""

    def __init__(self) -> None:
        import psutil

        self.psutil, self.process = psutil, psutil.Process()
        self._asked = math.inf

    def count_from_here(self) -> None:
        """Begin to count the use of the processor; psutil does so for each thread that asks."""
        self._processor()

    def metrics(self) -> Mapping[str, float]:
        is_long_enough = time.monotonic() - self._asked >= _SHORTEST
        return {**(self._processor() if is_long_enough else {}), **self._memory()}

    def _processor(self) -> Mapping[str, float]:
        """Share of all cores that was used since the last call; of one core, for the process itself."""
        self._asked = time.monotonic()
        return {
            "cpu_utilization_percentage": self.psutil.cpu_percent(),
            "process_cpu_utilization_percentage": self.process.cpu_percent(),
        }

    def _memory(self) -> Mapping[str, float]:
        """What is in use, and what of it the process has."""
        memory = self.psutil.virtual_memory()
        return {
            "system_memory_usage_megabytes": round(memory.used / _MEGABYTE, 1),
            "system_memory_usage_percentage": round(memory.used / memory.total * 100, 1),
            "process_memory_usage_megabytes": round(self.process.memory_info().rss / _MEGABYTE, 1),
        }
