"""A pool of workers on this machine: each job goes to the next free one, and a worker that dies is replaced."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain

from gradmix.config.spec import Limits
from gradmix.journal.writing import Journal
from gradmix.runs.environment import threads_of_each
from gradmix.sweeps.attempts import telling
from gradmix.sweeps.job import JobReport, JobRequest, SweepJob
from gradmix.sweeps.worker import Worker, WorkerDiedError

_TRIES = 2
"""Workers that may die before one of them begins a block; more, and it is the block that kills them."""


class WorkerPool:
    """Workers that share the jobs of a sweep.

    Parameters
    ----------
    size
        How many; the cores are shared out among them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.threads = threads_of_each(size) if size > 1 else None
        self._is_over = False
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._workers: set[Worker] = set()
        self._free.put(self._add())  # one at least loads while we get ready

    def run(
        self, job: SweepJob, blocks: Sequence[Sequence[JobRequest]], limits: Limits, rounds: int = 0
    ) -> list[JobReport]:
        """Run blocks of jobs; those of a block together, in one worker.

        Parameters
        ----------
        job
            The sweep's side of it.
        blocks
            The jobs.
        limits
            What each may take.
        rounds
            How often the work of each is timed, at most.

        Returns
        -------
        list of JobReport
            One for each job. A job whose worker died has none: its journal is ended here, with the reason.
        """
        while len(self._workers) < min(self.size, len(blocks)):
            self._free.put(self._add())
        with ThreadPoolExecutor(self.size) as threads:  # a thread for each worker: there is always one free
            try:
                return list(chain(*threads.map(lambda block: self._run(job, block, limits, rounds), blocks)))
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

    def _run(self, job: SweepJob, block: Sequence[JobRequest], limits: Limits, rounds: int) -> Sequence[JobReport]:
        death = ""
        for _ in range(_TRIES):
            if self._is_over:
                return []
            worker = self._free.get()
            try:
                return worker.run(job, block, _most_seconds(limits, rounds, len(block)))
            except TimeoutError:
                _end_journals(job, block, "timed_out", f"stopped after limits.seconds={limits.seconds:g}.")
                return []
            except WorkerDiedError as error:
                death = str(error)
                if any(telling(job.folder, request.number, job.anew) is not None for request in block):
                    _end_journals(job, block, "interrupted", death)
                    return []
            finally:
                self._free.put(worker if worker.is_alive or self._is_over else self._replacement(worker))
        return [JobReport(request.number, f"no worker began it: {death}") for request in block]

    def _replacement(self, dead: Worker) -> Worker:
        self._workers.discard(dead)
        return self._add()


def _most_seconds(limits: Limits, rounds: int, jobs: int) -> float | None:
    """After how long a worker that does not heed its alarms is killed."""
    return None if limits.seconds is None else limits.seconds * jobs * (rounds + 3)


def _end_journals(job: SweepJob, block: Sequence[JobRequest], event: str, error: str) -> None:
    """Say in the journals that a dead worker left open how it ended."""
    for request in block:
        last = telling(job.folder, request.number)
        if last is not None and last.status == "killed" and not last.has_ended:
            with closing(Journal.reopen(last.folder)) as journal:
                journal.write(event, error=error)
