"""Where a run comes from: who made it, by which command, in which folder and from which commit of git's."""

from __future__ import annotations

import getpass
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")  # a repository's own hooks are not run
_SECONDS = 10.0
"""How long git may take; in the background, while plugins load and the config is composed."""

_PATIENCE_SECONDS = 1.0
"""How long the first run waits for git if it is not done by then."""


@dataclass(frozen=True)
class Origin:
    """Where runs come from, as plain values: a session finds out once, and its workers are given it."""

    arguments: tuple[str, ...] | None = None  # of `gradmix run`, by which the run can be made again
    working_folder: str = ""
    user: str = ""
    git: Mapping[str, Any] = field(default_factory=dict)  # commit, branch, dirty; empty outside of a repository

    def with_arguments(self, *arguments: str) -> Origin:
        """The same, of a run that is made by other arguments."""
        return replace(self, arguments=arguments)

    def recorded(self, with_user: bool) -> dict[str, Any]:
        """What the first line of a journal says of it; what is unknown is left out."""
        said = {
            "arguments": self.arguments,
            "working_folder": self.working_folder or None,
            "user": (self.user if with_user else "") or None,
            "git": dict(self.git) or None,
        }
        return {name: value for name, value in said.items() if value is not None}


class GitState:
    """What git says of a folder; asked in a thread, so that a session does not wait for it.

    Without git, outside of a repository and before its first commit, nothing is known, which is no error. Files that
    git does not track do not make a folder dirty: runs are among them.
    """

    def __init__(self, folder: Path) -> None:
        self._found: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._ask, args=(folder,), daemon=True)
        self._thread.start()

    def known(self) -> Mapping[str, Any]:
        """Commit, branch (``HEAD`` if there is none) and whether tracked files differ from it, as far as known."""
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
    """The origin of a run that these arguments of ``gradmix run`` make, here and by this user."""
    return Origin(arguments, str(Path.cwd()), _user(), {} if git is None else git.known())


def _git(folder: Path, *arguments: str) -> str | None:
    """What a command of git's prints; None if it fails, or if there is no git."""
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
    except (OSError, KeyError, ImportError):  # no variable says it, and the system does not know the number
        return ""
