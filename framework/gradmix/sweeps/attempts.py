"""The folders of a sweep's jobs: ``3`` for job 3, ``3-2`` for its second attempt. None is ever used twice."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection
from pathlib import Path

from gradmix.contracts.errors import StorageError
from gradmix.journal.folder import unwritable
from gradmix.journal.summary import RunSummary, summarize

_START_SECONDS = 2.0
"""How long after its folder was made a job may take to begin its journal."""

_LOOK_SECONDS = 0.1


def attempts(sweep: Path, number: int) -> list[Path]:
    """Folders of a job's attempts, oldest first."""
    candidates = (sweep / _name(number, attempt) for attempt in itertools.count(1))
    return list(itertools.takewhile(Path.is_dir, candidates))


def new_attempt(sweep: Path, number: int) -> Path:
    """Make the folder of a job's next attempt, which nobody else has.

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


def job_of(folder: Path) -> int:
    """Number of the job that an attempt's folder belongs to.

    >>> job_of(Path("runs/cluster/2026-01-01_12-00-00-sweep/3-2"))
    3
    """
    return int(folder.name.partition("-")[0])


def telling(sweep: Path, number: int, but_for: Collection[str] = ()) -> RunSummary | None:
    """The attempt at a job that tells most: the newest that finished, else one that is running, else the newest.

    Parameters
    ----------
    sweep, number
        The job.
    but_for
        Names of attempts that do not count.
    """
    seen = [
        each for folder in attempts(sweep, number) if folder.name not in but_for and (each := _look(folder)) is not None
    ]
    for status in ("finished", "running"):
        for each in reversed(seen):
            if each.status == status:
                return each
    return seen[-1] if seen else None


def finished(sweep: Path, number: int) -> list[Path]:
    """Folders of those attempts at a job that finished."""
    seen = map(_look, attempts(sweep, number))
    return [each.folder for each in seen if each is not None and each.is_finished]


def is_taken(sweep: Path, number: int, but_for: Collection[str] = ()) -> bool:
    """Whether somebody has finished a job, or is at it right now; like `telling`.

    Where a folder has only just been made, waits for the journal that a living process would begin there.
    """
    while (seen := telling(sweep, number, but_for)) is None:
        if not any(_has_just_begun(folder) for folder in attempts(sweep, number) if folder.name not in but_for):
            return False
        time.sleep(_LOOK_SECONDS)
    return seen.status in ("finished", "running")


def _has_just_begun(folder: Path) -> bool:
    return 0 <= time.time() - folder.stat().st_mtime < _START_SECONDS


def _look(folder: Path) -> RunSummary | None:
    try:
        return summarize(folder)
    except StorageError:
        return None


def _name(number: int, attempt: int) -> str:
    return str(number) if attempt == 1 else f"{number}-{attempt}"
