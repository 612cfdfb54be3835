"""Watching jobs by their journals, while whoever launched them is busy: it works with any launcher."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from pathlib import Path
from types import TracebackType
from typing import Self

from gradmix.contracts.errors import StorageError
from gradmix.journal.reading import Run, read_run
from gradmix.sweeps.attempts import attempts

_PERIOD_SECONDS = 0.1


class JobWatch:
    """Looks at the journals of jobs, and tells of each attempt that has ended, once.

    Parameters
    ----------
    sweep
        Folder of the sweep.
    numbers
        The jobs.
    tell
        Called with a job's number and the attempt that ended.
    """

    def __init__(self, sweep: Path, numbers: Iterable[int], tell: Callable[[int, Run], None]) -> None:
        self.sweep, self.tell = sweep, tell
        self._pending = sorted(numbers)
        self._dead: set[Path] = set()
        self._told: set[Path] = {folder for number in self._pending for folder in attempts(sweep, number)}
        self._over = threading.Event()
        here = copy_context()  # a thread has a context of its own, in which nobody watches
        self._thread = threading.Thread(target=lambda: here.run(self._watch), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        self._look()  # one that looks dead is told of at the second look

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD_SECONDS):
            self._look()

    def _look(self) -> None:
        for number in list(self._pending):
            for folder in attempts(self.sweep, number):
                if folder not in self._told:
                    self._look_at(number, folder)

    def _look_at(self, number: int, folder: Path) -> None:
        try:
            seen = read_run(folder)
        except StorageError:
            return
        if seen.status == "running":
            return
        if seen.status == "killed" and not seen.has_ended and folder not in self._dead:
            self._dead.add(folder)  # perhaps it has only just been made, and is not locked yet
            return
        self._told.add(folder)
        if seen.is_finished:
            self._pending.remove(number)
        self.tell(number, seen)
