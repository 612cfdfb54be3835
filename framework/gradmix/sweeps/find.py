"""Finding a sweep by what a person calls it."""

from __future__ import annotations

from pathlib import Path

from gradmix.contracts.errors import UnknownNameError, did_you_mean
from gradmix.runs.glimpse import Glimpse, glimpses
from gradmix.runs.journal import FILE_NAME, find_journals


def sweeps(runs_dir: Path) -> list[Glimpse]:
    """All sweeps under a folder, oldest first."""
    found = [run for run in glimpses(find_journals(runs_dir)) if run.started.get("kind") == "sweep"]
    return sorted(found, key=lambda run: float(run.started["time"]))


def find_sweep(what: str, runs_dir: Path) -> Path:
    """Find a sweep's folder.

    Parameters
    ----------
    what
        Its folder, the folder's name or the beginning of it, or ``last`` for the newest.
    runs_dir
        Where to look.

    Raises
    ------
    UnknownNameError
        If there is none, or more than one.
    """
    if (Path(what) / FILE_NAME).exists():
        return Path(what)
    known = sweeps(runs_dir)
    if what == "last" and known:
        return known[-1].folder
    found = [run.folder for run in known if run.folder.name.startswith(what)]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = ", ".join(folder.name for folder in found)
        raise UnknownNameError(f"more than one sweep is called {what}…: {candidates}. Give more of the name.")
    names = [run.folder.name for run in known]
    newest = f" The newest: {', '.join(names[-3:])}." if names else ""
    raise UnknownNameError(f"there is no sweep {what!r} under {runs_dir}.{did_you_mean(what, names)}{newest}")
