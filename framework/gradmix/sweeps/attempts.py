"""The folders of a sweep's jobs: ``3`` for job 3, ``3-2`` for its second attempt. None is ever used twice."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from gradmix.journal.folder import numbered
from gradmix.journal.history import most_telling
from gradmix.journal.reading import Run, read_runs

_ATTEMPT = re.compile(r"(\d+)(?:-(\d+))?")

_START_SECONDS = 2.0
"""How long after its folder was made a job may take to begin its journal."""

_LOOK_SECONDS = 0.1


def attempts(sweep: Path, number: int, but_for: Collection[str] = ()) -> list[Path]:
    """Folders of a job's attempts, oldest first, without those whose names do not count."""
    candidates = (sweep / numbered(str(number), attempt) for attempt in itertools.count(1))
    return [folder for folder in itertools.takewhile(Path.is_dir, candidates) if folder.name not in but_for]


def attempts_at_jobs(sweep: Path) -> Mapping[int, list[Path]]:
    """Number of each job that was begun → the folders of its attempts, oldest first; by one look at the disk."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for name in os.listdir(sweep):
        match = _ATTEMPT.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), []).append((int(match[2] or 1), sweep / name))
    return {number: [path for _, path in sorted(folders)] for number, folders in found.items()}


def job_of(name: str) -> int | None:
    """Number of the job that an attempt's folder belongs to, by the folder's name; None for any other folder.

    >>> job_of("3-2"), job_of("artifacts")
    (3, None)
    """
    match = _ATTEMPT.fullmatch(name)
    return int(match[1]) if match else None


def telling(sweep: Path, number: int, but_for: Collection[str] = ()) -> Run | None:
    """The attempt at a job that says most: the newest that finished, else one that is running, else the newest."""
    return most_telling(read_runs(attempts(sweep, number, but_for)).runs)


def is_taken(sweep: Path, number: int, but_for: Collection[str] = ()) -> bool:
    """Whether another process has finished a job or is running it right now.

    Where a folder has only just been made, waits for the journal that a living process would begin there.
    """
    while (seen := telling(sweep, number, but_for)) is None:
        ages = [time.time() - folder.stat().st_mtime for folder in attempts(sweep, number, but_for)]
        if not any(0 <= age < _START_SECONDS for age in ages):
            return False
        time.sleep(_LOOK_SECONDS)
    return seen.status in ("finished", "running")
