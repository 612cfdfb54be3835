"""The folders of a sweep's jobs: ``3`` for job 3, ``3-2`` for its second attempt. None is ever used twice."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from gradmix.journal.folder import unwritable
from gradmix.journal.history import most_telling
from gradmix.journal.reading import Run, read_runs

_ATTEMPT = re.compile(r"(\d+)(?:-(\d+))?")

_START_SECONDS = 2.0
"""How long after its folder was made a job may take to begin its journal."""

_LOOK_SECONDS = 0.1


def attempts(sweep: Path, number: int) -> list[Path]:
    """Folders of a job's attempts, oldest first."""
    candidates = (sweep / _name(number, attempt) for attempt in itertools.count(1))
    return list(itertools.takewhile(Path.is_dir, candidates))


def attempts_at_jobs(sweep: Path) -> Mapping[int, list[Path]]:
    """Number of each job that was begun → the folders of its attempts, oldest first; by one look at the disk."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for name in os.listdir(sweep):
        match = _ATTEMPT.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), []).append((int(match[2] or 1), sweep / name))
    return {number: [path for _, path in sorted(folders)] for number, folders in found.items()}


def job_of(name: str) -> int | None:
    """Number of the job that an attempt's folder belongs to, by the folder's name; None if it is no attempt's.

    >>> job_of("3-2"), job_of("artifacts")
    (3, None)
    """
    match = _ATTEMPT.fullmatch(name)
    return int(match[1]) if match else None


def new_attempt(sweep: Path, number: int) -> Path:
    """Make the folder of a job's next attempt, which no other process has.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    for attempt in itertools.count(1):
        folder = sweep / _name(number, attempt)
        try:
            folder.mkdir(parents=attempt == 1)
        except FileExistsError:
            continue
        except OSError as error:
            raise unwritable(sweep, error) from error
        return folder
    raise AssertionError("unreachable")


def telling(sweep: Path, number: int, but_for: Collection[str] = ()) -> Run | None:
    """The attempt at a job that says most: the newest that finished, else one that is running, else the newest.

    Parameters
    ----------
    sweep, number
        The job.
    but_for
        Names of attempts that do not count.
    """
    return most_telling(read_runs(each for each in attempts(sweep, number) if each.name not in but_for).runs)


def finished(sweep: Path, number: int) -> list[Path]:
    """Folders of those attempts at a job that finished."""
    return [run.folder for run in read_runs(attempts(sweep, number)).runs if run.is_finished]


def is_taken(sweep: Path, number: int, but_for: Collection[str] = ()) -> bool:
    """Whether another process has finished a job or is running it right now; as `telling`.

    Where a folder has only just been made, waits for the journal that a living process would begin there.
    """
    while (seen := telling(sweep, number, but_for)) is None:
        if not any(_has_just_begun(folder) for folder in attempts(sweep, number) if folder.name not in but_for):
            return False
        time.sleep(_LOOK_SECONDS)
    return seen.status in ("finished", "running")


def _has_just_begun(folder: Path) -> bool:
    return 0 <= time.time() - folder.stat().st_mtime < _START_SECONDS


def _name(number: int, attempt: int) -> str:
    return str(number) if attempt == 1 else f"{number}-{attempt}"
