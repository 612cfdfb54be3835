"""A pool of workers on this machine: each job goes to the next free worker, and a worker that dies is replaced.

A worker is a child process that runs jobs one after the other; a job may kill it. Parent and worker exchange pickles
through the worker's standard input and output. A worker ends when its input ends, so it outlives its parent by at most
one job. The output of plugins goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from gradmix.config.spec import Limits
from gradmix.contracts.errors import StorageError
from gradmix.interrupts import termination_as_interrupt
from gradmix.journal.writing import Journal
from gradmix.registry.registry import registry
from gradmix.runs.environment import threads_of_each
from gradmix.sweeps.attempts import relevant_attempt
from gradmix.sweeps.job import JobReport, SweepJob
from gradmix.sweeps.plan import Job

_TRIES = 2
"""How many workers may die before a block starts. After that, the block is considered the cause."""

_PATIENCE_SECONDS = 5.0
"""How long a worker may take to end after a request, or after its job's time limit."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerPool:
    """Workers that share the jobs of a sweep and the cores; the launcher ``hydra/launcher=gradmix``."""

    def __init__(self, workers: int) -> None:
        self.size = workers
        self.threads = threads_of_each(workers) if workers > 1 else None
        self._is_over = False
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._workers: set[Worker] = set()
        self._free.put(self._add())  # the first worker loads while the sweep is planned

    def run(
        self, sweep_job: SweepJob, blocks: Sequence[Sequence[Job]], limits: Limits, rounds: int = 0
    ) -> list[JobReport]:
        """Run blocks of jobs, each block in one worker; `rounds` is the largest number of timing rounds of a job.

        A job whose worker died has no report. Its journal is completed here with the reason.
        """
        while len(self._workers) < min(self.size, len(blocks)):
            self._free.put(self._add())
        with ThreadPoolExecutor(self.size) as threads:  # one for each worker, so a thread always finds one free
            try:
                return list(chain(*threads.map(lambda block: self._run(sweep_job, block, limits, rounds), blocks)))
            except BaseException:
                self.interrupt()
                raise

    def close(self) -> None:
        """End the workers after their present jobs."""
        for worker in self._workers:
            worker.close()

    def interrupt(self) -> None:
        """Interrupt every worker, which journals this and ends. No further job starts."""
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
                if any(
                    relevant_attempt(sweep_job.folder, job.number, sweep_job.superseded) is not None for job in block
                ):
                    _end_journals(sweep_job.folder, block, "interrupted", death)
                    return []
            finally:
                if not worker.is_alive and not self._is_over:
                    self._workers.discard(worker)
                    worker = self._add()
                self._free.put(worker)
        return [JobReport(job.number, f"no worker started it: {death}") for job in block]


def _end_journals(sweep: Path, block: Sequence[Job], event: str, error: str) -> None:
    """Complete the journals that a dead worker left open, with the reason."""
    for job in block:
        last = relevant_attempt(sweep, job.number)
        if last is not None and last.status == "killed" and not last.has_ended:
            with closing(Journal.reopen(last.folder)) as journal:
                journal.write(event, error=error)


class WorkerDiedError(StorageError):
    """The worker's process died before it answered."""


class Worker:
    """The parent's side of a worker; `threads` limits BLAS and the like in that process."""

    def __init__(self, threads: int | None = None) -> None:
        limits = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gradmix.sweeps.worker_pool"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the parent, which passes it on as SIGTERM
            env={**limits, **os.environ},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    def run(self, sweep_job: SweepJob, jobs: Sequence[Job], seconds: float | None = None) -> list[JobReport]:
        """Run jobs together in the worker; several jobs are timed in turns.

        After `seconds` the worker is killed, which works even if compiled code never returns, and `TimeoutError` is
        raised. If the worker dies otherwise, `WorkerDiedError` says how.
        """
        plain = [replace(job, spec=None, earlier=None) for job in jobs]  # the worker builds its own from the config
        try:
            pickle.dump((sweep_job, plain), self._requests)
            self._requests.flush()
            if seconds is not None and not select.select([self._answers], [], [], seconds + _PATIENCE_SECONDS)[0]:
                self._kill()
                raise TimeoutError
            reports: list[JobReport] = pickle.load(self._answers)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            code = self._process.wait()
            end = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended, code {code}"
            raise WorkerDiedError(f"its process {end}") from None
        return reports

    @property
    def is_alive(self) -> bool:
        """Whether the worker's process is running."""
        return self._process.poll() is None

    def close(self) -> None:
        """Wait until the worker has done its present job and ended."""
        with suppress(BrokenPipeError):
            self._requests.close()
        self._process.wait()

    def interrupt(self) -> None:
        """Interrupt the worker, which journals this and ends; kill it if it does not end in time."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Serve the parent until it has no more requests, or has died."""
    answers, requests_in = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a component that reads standard input must not receive the requests
    os.dup2(2, 1)
    try:
        with termination_as_interrupt(), suppress(EOFError):
            registry()
            np.ones((2, 2)) @ np.ones((2, 2))  # load what every job needs while the parent is busy
            while True:
                sweep_job, jobs = pickle.load(requests_in)
                pickle.dump(sweep_job.run(jobs), answers)
                answers.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)  # the journal records it; the parent no longer reads answers


if __name__ == "__main__":
    main()
