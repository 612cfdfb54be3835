"""Explanations of MLflow's errors for users."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from gradmix.registry.entry import describe
from gradmix.tracking.store import sqlite_path


def explain(error: Exception, uri: str) -> str:
    """Explain an error that MLflow raised for the store at `uri`, and what to do about it."""
    text = str(error).strip()
    for pattern, say in _MEANINGS.items():
        if found := re.search(pattern, text):
            return say(found, uri)
    lines = text.splitlines()
    return lines[0].rstrip(".") if lines else describe(error)


def how_to_sync(uri: str) -> str:
    """Return the command that imports the missing journals."""
    return f"gradmix sync tracking.uri={uri}" if uri.startswith(("http:", "https:")) else "gradmix sync"


def _other_version(found: re.Match[str], uri: str) -> str:
    return (
        f"another version of MLflow made it (schema {found[1]}). If that was a newer one, upgrade MLflow; if it was an "
        f"older one, copy the store and upgrade the copy by `mlflow db upgrade URI`, or {_ELSEWHERE}"
    )


def _read_only(found: re.Match[str], uri: str) -> str:
    path = sqlite_path(uri)
    if path is None or not path.exists():
        return "it was moved or deleted while it was in use"
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "its file was replaced while it was in use"
    return f"it is read-only. Make it writable, or {_ELSEWHERE}"


_ELSEWHERE = "choose another store with tracking.uri=…"
_DAMAGED = "it is damaged. `gradmix sync` makes a new one from the journals, and keeps the file as ….bak"

_MEANINGS: dict[str, Callable[[re.Match[str], str], str]] = {
    r"out-of-date database schema \(found version (\w+)": _other_version,
    r"Can't locate revision identified by '(\w+)'": _other_version,
    r"database is locked": lambda found, uri: (
        "another process has locked it; wait until that process is done, or end it"
    ),
    r"file is not a database|disk image is malformed": lambda found, uri: _DAMAGED,
    r"readonly database|unable to open database file": _read_only,
    r"database or disk is full|No space left": lambda found, uri: "the disk is full. Make room there",
    r"Connection refused|Max retries exceeded|Name or service not known": lambda found, uri: (
        f"no server answers there. Start it, or {_ELSEWHERE}"
    ),
}
"""Pattern in an error of MLflow → function that returns the explanation."""
