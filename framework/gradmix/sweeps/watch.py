"""Watch jobs by reading their journals while a launcher is busy. This works with any launcher."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Self

from gradmix.contracts.errors import StorageError
from gradmix.journal.reading import Run, read_run
from gradmix.sweeps.attempts import job_of

_PERIOD_SECONDS = 0.1

_REST = 20
"""Minimum pause between two looks, as a multiple of the time of the last look: many jobs are checked less often."""


class JobWatch:
    """Reads the journals of jobs, and reports each attempt that has ended once.

    Each look lists the sweep's folder and reads only the journals of running attempts, so waiting jobs cost nothing.
    `notify` is called with a job's number and the attempt that ended, `notify_running` at each look with the attempts
    that have not.
    """

    def __init__(
        self,
        sweep: Path,
        numbers: Iterable[int],
        notify: Callable[[int, Run], None],
        notify_running: Callable[[Sequence[Run]], None] = lambda running: None,
    ) -> None:
        self.sweep, self.notify, self.notify_running = sweep, notify, notify_running
        self._pending = set(numbers)
        self._known = set(os.listdir(sweep))
        self._begun: dict[Path, int] = {}
        self._dead: set[Path] = set()
        self._over = threading.Event()
        here = copy_context()  # a new thread has an empty context, without listeners
        self._thread = threading.Thread(target=lambda: here.run(self._watch), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        self._look()  # an attempt that seems dead is reported at the second look

    def _watch(self) -> None:
        pause = _PERIOD_SECONDS
        while not self._over.wait(pause):
            began = time.thread_time()
            self._look()
            pause = max(_PERIOD_SECONDS, _REST * (time.thread_time() - began))

    def _look(self) -> None:
        new = set(os.listdir(self.sweep)) - self._known
        self._known |= new
        self._begun |= {self.sweep / name: number for name in new if (number := job_of(name)) in self._pending}
        begun = [(number, folder) for folder, number in self._begun.items() if number in self._pending]
        seen = [self._look_at(number, folder) for number, folder in begun]
        self.notify_running([run for run in seen if run is not None and run.status == "running"])

    def _look_at(self, number: int, folder: Path) -> Run | None:
        """Read an attempt, and report it if it has ended; None if it has no journal yet."""
        try:
            seen = read_run(folder)
        except StorageError:
            return None
        if seen.status == "running":
            return seen
        if seen.status == "killed" and not seen.has_ended and folder not in self._dead:
            self._dead.add(folder)  # it may have just been created and not be locked yet
            return seen
        del self._begun[folder]
        if seen.is_finished:
            self._pending.discard(number)
        self.notify(number, seen)
        return seen
