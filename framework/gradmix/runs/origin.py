"""The origin of a run: its user, command, working folder and git commit."""

from __future__ import annotations

import getpass
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")  # run no hooks of the repository
_SECONDS = 10.0
"""Time limit of a git command. It runs in the background while plugins load and the config is composed."""

_PATIENCE_SECONDS = 1.0
"""How long the first run waits if git has not answered when the run starts."""


@dataclass(frozen=True)
class Origin:
    """The origin of runs, as plain values. A session determines it once and passes it to its workers."""

    arguments: tuple[str, ...] | None = None  # of `gradmix run`; they repeat the run
    working_folder: str = ""
    user: str = ""
    git: Mapping[str, Any] = field(default_factory=dict)  # commit, branch, dirty; empty outside of a repository

    def with_arguments(self, *arguments: str) -> Origin:
        """Return this origin with other arguments of the command."""
        return replace(self, arguments=arguments)

    def recorded(self, with_user: bool) -> dict[str, Any]:
        """Return the entries for the first line of a journal, without those that are unknown."""
        said = {
            "arguments": self.arguments,
            "working_folder": self.working_folder or None,
            "user": (self.user if with_user else "") or None,
            "git": dict(self.git) or None,
        }
        return {name: value for name, value in said.items() if value is not None}


class GitState:
    """The git state of a folder, read in a thread so that the session does not wait for it.

    Without git, outside of a repository or before its first commit, the state is empty; this is not an error. Untracked
    files do not make a folder dirty, because runs are usually untracked.
    """

    def __init__(self, folder: Path) -> None:
        self._found: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._ask, args=(folder,), daemon=True)
        self._thread.start()

    def known(self) -> Mapping[str, Any]:
        """Return ``commit``, ``branch`` (``HEAD`` if none) and ``dirty`` (tracked files differ), as far as known."""
        self._thread.join(_PATIENCE_SECONDS)
        return dict(self._found)

    def _ask(self, folder: Path) -> None:
        head = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
        if head is None or len(head.split()) != 2:
            return
        self._found = dict(zip(("commit", "branch"), head.split(), strict=True))
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
        if changes is not None:
            self._found = {**self._found, "dirty": bool(changes.strip())}


def origin(arguments: tuple[str, ...], git: GitState | None) -> Origin:
    """Return the origin of a run that ``gradmix run`` makes with these arguments, in this folder and by this user."""
    return Origin(arguments, str(Path.cwd()), _user(), {} if git is None else git.known())


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command; None if the command fails or git is not installed."""
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no environment variable is set, and the system does not know the user ID
        return ""
