"""A pool of workers on this machine: each job goes to the next free one, and a worker that dies is replaced."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from pathlib import Path

from gradmix.config.spec import Limits
from gradmix.journal.writing import Journal
from gradmix.runs.environment import threads_of_each
from gradmix.sweeps.attempts import telling
from gradmix.sweeps.job import JobReport, SweepJob
from gradmix.sweeps.plan import Job
from gradmix.sweeps.worker import Worker, WorkerDiedError

_TRIES = 2
"""Workers that may die before one of them begins a block; more, and it is the block that kills them."""


class WorkerPool:
    """Workers that share the jobs of a sweep and the cores; the launcher that ``hydra/launcher=gradmix`` names."""

    def __init__(self, workers: int) -> None:
        self.size = workers
        self.threads = threads_of_each(workers) if workers > 1 else None
        self._is_over = False
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._workers: set[Worker] = set()
        self._free.put(self._add())  # one at least loads while we get ready

    def run(
        self, sweep_job: SweepJob, blocks: Sequence[Sequence[Job]], limits: Limits, rounds: int = 0
    ) -> list[JobReport]:
        """Run blocks of jobs, those of a block together in one worker; each job's work is timed `rounds` times at most.

        A job whose worker died has no report: its journal is ended here, with the reason.
        """
        while len(self._workers) < min(self.size, len(blocks)):
            self._free.put(self._add())
        with ThreadPoolExecutor(self.size) as threads:  # a thread for each worker: there is always one free
            try:
                return list(chain(*threads.map(lambda block: self._run(sweep_job, block, limits, rounds), blocks)))
            except BaseException:
                self.interrupt()
                raise

    def close(self) -> None:
        """Let the workers go."""
        for worker in self._workers:
            worker.close()

    def interrupt(self) -> None:
        """Have every worker journal that it was interrupted, and end; nothing more is begun."""
        self._is_over = True
        for worker in list(self._workers):
            worker.interrupt()

    def _add(self) -> Worker:
        worker = Worker(self.threads)
        self._workers.add(worker)
        return worker

    def _run(self, sweep_job: SweepJob, block: Sequence[Job], limits: Limits, rounds: int) -> Sequence[JobReport]:
        seconds = None if limits.seconds is None else limits.seconds * len(block) * (rounds + 3)
        death = ""
        for _ in range(_TRIES):
            if self._is_over:
                return []
            worker = self._free.get()
            try:
                return worker.run(sweep_job, block, seconds)
            except TimeoutError:
                _end_journals(sweep_job.folder, block, "timed_out", f"stopped after limits.seconds={limits.seconds:g}.")
                return []
            except WorkerDiedError as error:
                death = str(error)
                if any(telling(sweep_job.folder, job.number, sweep_job.anew) is not None for job in block):
                    _end_journals(sweep_job.folder, block, "interrupted", death)
                    return []
            finally:
                if not worker.is_alive and not self._is_over:
                    self._workers.discard(worker)
                    worker = self._add()
                self._free.put(worker)
        return [JobReport(job.number, f"no worker began it: {death}") for job in block]


def _end_journals(sweep: Path, block: Sequence[Job], event: str, error: str) -> None:
    """Say in the journals that a dead worker left open how it ended."""
    for job in block:
        last = telling(sweep, job.number)
        if last is not None and last.status == "killed" and not last.has_ended:
            with closing(Journal.reopen(last.folder)) as journal:
                journal.write(event, error=error)
