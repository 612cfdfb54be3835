"""A worker: a process beside the main one that runs a sweep's jobs one after the other, and may die of one of them.

The parent writes one line for each request on the worker's standard input; the worker answers with one line when it is
over, and ends when its input ends. What plugins print goes to standard error.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from gradmix.contracts.errors import StorageError
from gradmix.interrupts import termination_as_interrupt
from gradmix.sweeps.job import JobReport, JobRequest, SweepJob

_PATIENCE_SECONDS = 5.0
"""How long a worker may take to end by itself when it is asked to, or when its job's time is over."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerDiedError(StorageError):
    """The worker's process has gone before it answered."""


class Worker:
    """The parent's side of a worker.

    Parameters
    ----------
    threads
        Threads of BLAS and the like in that process; None leaves them as they are.
    """

    def __init__(self, threads: int | None = None) -> None:
        limits = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gradmix.sweeps.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for the parent, who tells us by SIGTERM
            env={**limits, **os.environ},
        )

    def run(self, job: SweepJob, requests: Sequence[JobRequest], seconds: float | None = None) -> list[JobReport]:
        """Have jobs run together.

        Parameters
        ----------
        job
            The sweep's side of it.
        requests
            The jobs; several are timed in turns.
        seconds
            After how long the worker is killed; None for never.

        Raises
        ------
        WorkerDiedError
            Says how it died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        message = {"job": _plain(job), "requests": [dataclasses.asdict(each) for each in requests]}
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerDiedError(self._end()) from None
        if seconds is not None and not self._answers_within(seconds + _PATIENCE_SECONDS):
            self._process.kill()
            self._process.wait()
            raise TimeoutError
        answer = self._process.stdout.readline()
        if not answer:
            raise WorkerDiedError(self._end())
        return [JobReport(**each) for each in json.loads(answer)]

    def _answers_within(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return bool(ready)

    def _end(self) -> str:
        code = self._process.wait()
        return (
            f"its process was killed by {signal.Signals(-code).name}" if code < 0 else f"its process ended, code {code}"
        )

    def close(self) -> None:
        """Let it end when it is done with what it is at."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def interrupt(self) -> None:
        """Have it journal that it was interrupted, and end; one that does not heed that is killed."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _plain(job: SweepJob) -> dict[str, object]:
    return {**dataclasses.asdict(job), "folder": str(job.folder.absolute())}


def main() -> None:
    """Serve the parent until it has no more requests, or has gone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    errands_in = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # whoever asks for input must not be given our requests
    os.dup2(2, 1)
    try:
        with termination_as_interrupt():
            warm_up()
            for line in errands_in:
                _answer(json.loads(line), answers)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)  # the journal says so; the parent does not listen any more


def _answer(message: Mapping[str, Any], answers: TextIO) -> None:
    """Run the jobs of one line, and answer with one."""
    job = message["job"]
    sweep_job = SweepJob(
        **{**job, "folder": Path(job["folder"]), "varies": tuple(job["varies"]), "anew": tuple(job["anew"])}
    )
    requests = [JobRequest(**{**each, "overrides": tuple(each["overrides"])}) for each in message["requests"]]
    reports = sweep_job.run(requests)
    print(json.dumps([{"number": each.number, "error": each.error} for each in reports]), file=answers, flush=True)


def warm_up() -> None:
    """Load what every job needs, while the parent is busy."""
    from gradmix.registry.registry import registry

    registry()
    np.ones((2, 2)) @ np.ones((2, 2))


if __name__ == "__main__":
    main()
