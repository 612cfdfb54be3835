"""The folders of a sweep's jobs: ``3`` for job 3, ``3-2`` for its second attempt. No folder is used twice."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from gradmix.journal.folder import numbered
from gradmix.journal.history import most_relevant
from gradmix.journal.reading import Run, read_runs

_ATTEMPT = re.compile(r"(\d+)(?:-(\d+))?")

_START_SECONDS = 2.0
"""How long a job may take from the creation of its folder to the start of its journal."""

_LOOK_SECONDS = 0.1


def attempts(sweep: Path, number: int, excluded: Collection[str] = ()) -> list[Path]:
    """Return the folders of a job's attempts, oldest first, except those with names in `excluded`."""
    candidates = (sweep / numbered(str(number), attempt) for attempt in itertools.count(1))
    return [folder for folder in itertools.takewhile(Path.is_dir, candidates) if folder.name not in excluded]


def attempts_at_jobs(sweep: Path) -> Mapping[int, list[Path]]:
    """Return number → folders of attempts, oldest first, for each job that has started. Reads the disk once."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for name in os.listdir(sweep):
        match = _ATTEMPT.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), []).append((int(match[2] or 1), sweep / name))
    return {number: [path for _, path in sorted(folders)] for number, folders in found.items()}


def job_of(name: str) -> int | None:
    """Return the number of the job whose attempt has a folder of this name; None for any other folder.

    >>> job_of("3-2"), job_of("artifacts")
    (3, None)
    """
    match = _ATTEMPT.fullmatch(name)
    return int(match[1]) if match else None


def relevant_attempt(sweep: Path, number: int, excluded: Collection[str] = ()) -> Run | None:
    """Return the most relevant attempt at a job: the newest finished one, else a running one, else the newest."""
    return most_relevant(read_runs(attempts(sweep, number, excluded)).runs)


def is_taken(sweep: Path, number: int, excluded: Collection[str] = ()) -> bool:
    """Whether another process has finished a job or is running it.

    If a folder has just been created, wait for its journal, which a living process would soon start.
    """
    while (seen := relevant_attempt(sweep, number, excluded)) is None:
        ages = [time.time() - folder.stat().st_mtime for folder in attempts(sweep, number, excluded)]
        if not any(0 <= age < _START_SECONDS for age in ages):
            return False
        time.sleep(_LOOK_SECONDS)
    return seen.status in ("finished", "running")
