"""What MLflow's own errors mean, told to the person who started a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files

from gradmix.registry.entry import describe


def explain(error: Exception, uri: str) -> str:
    """What went wrong with a store, and what to do about it.

    Parameters
    ----------
    error
        What MLflow raised.
    uri
        The store's URI.
    """
    text = str(error).strip()
    for pattern, tell in _MEANINGS.items():
        if found := re.search(pattern, text):
            return tell(found, uri)
    lines = text.splitlines()
    return lines[0].rstrip(".") if lines else describe(error)


def how_to_sync(uri: str) -> str:
    """The command that brings in what was left out."""
    return f"gradmix sync tracking.uri={uri}" if uri.startswith(("http:", "https:")) else "gradmix sync"


def _other_version(found: re.Match[str], uri: str) -> str:
    revision = found[1]
    if any(file.name.startswith(f"{revision}_") for file in files("mlflow.store.db_migrations.versions").iterdir()):
        return f"an older MLflow made it. Copy it, then upgrade it by `mlflow db upgrade {uri}`, or {_ELSEWHERE}"
    return f"a newer MLflow made it (its revision {revision} is not known here). Upgrade MLflow, or {_ELSEWHERE}"


_ELSEWHERE = "name another store by tracking.uri=…"

_MEANINGS: dict[str, Callable[[re.Match[str], str], str]] = {
    r"out-of-date database schema \(found version (\w+)": _other_version,
    r"Can't locate revision identified by '(\w+)'": _other_version,
    r"database is locked": lambda found, uri: "another process has locked it; wait until that is done, or end it",
    r"file is not a database": lambda found, uri: (
        "it is not a SQLite database. Move the file away: a new one is made from the journals"
    ),
    r"readonly database": lambda found, uri: f"it is read-only. Make it writable, or {_ELSEWHERE}",
    r"database or disk is full|No space left": lambda found, uri: "the disk is full. Make room there",
    r"Connection refused|Max retries exceeded|Name or service not known": lambda found, uri: (
        f"no server answers there. Start it, or {_ELSEWHERE}"
    ),
}
"""Pattern in an error of MLflow's → what it means there."""
