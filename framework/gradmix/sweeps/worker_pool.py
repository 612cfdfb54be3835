"""A pool of workers on this machine: each job is handed to the next free one, and a worker that dies is replaced."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import closing

from gradmix.config.spec import Limits
from gradmix.journal.writing import Journal
from gradmix.runs.environment import threads_of_each
from gradmix.sweeps.attempts import telling
from gradmix.sweeps.job import JobReport, JobRequest, SweepJob
from gradmix.sweeps.worker import Worker, WorkerDiedError


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
        self._add()  # one at least loads while we get ready

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
            One for each job. One whose worker died says nothing: its journal is ended here, with the reason.
        """
        while len(self._workers) < min(self.size, len(blocks)):
            self._add()
        todo: queue.SimpleQueue[Sequence[JobRequest]] = queue.SimpleQueue()
        for block in blocks:
            todo.put(block)
        reports: list[JobReport] = []
        threads = [
            threading.Thread(target=self._serve, args=(job, todo, limits, rounds, reports.extend), daemon=True)
            for _ in range(min(self.size, len(blocks)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return reports

    def close(self) -> None:
        """Let the workers go."""
        for worker in self._workers:
            worker.close()

    def interrupt(self) -> None:
        """Have every worker journal that it was interrupted, and end."""
        self._is_over = True
        for worker in self._workers:
            worker.interrupt()

    def _add(self) -> None:
        worker = Worker(self.threads)
        self._workers.add(worker)
        self._free.put(worker)

    def _serve(
        self,
        job: SweepJob,
        todo: queue.SimpleQueue[Sequence[JobRequest]],
        limits: Limits,
        rounds: int,
        take: Callable[[Sequence[JobReport]], None],
    ) -> None:
        worker = self._free.get()
        again: Sequence[JobRequest] | None = None
        while True:
            try:
                block = todo.get_nowait()
            except queue.Empty:
                self._free.put(worker)
                return
            try:
                take(worker.run(job, block, _most_seconds(limits, rounds, len(block))))
                continue
            except WorkerDiedError as error:
                if any(telling(job.folder, request.number, job.anew) is not None for request in block):
                    _end_journals(job, block, "interrupted", str(error))
                elif block is not again and not self._is_over:
                    again = block  # it died before it began: of nothing of the block's
                    todo.put(block)
                else:
                    take([JobReport(request.number, f"no worker began it: {error}") for request in block])
            except TimeoutError:
                _end_journals(job, block, "timed_out", f"stopped after limits.seconds={limits.seconds:g}.")
            if self._is_over:
                return
            self._workers.discard(worker)
            worker = Worker(self.threads)
            self._workers.add(worker)


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
