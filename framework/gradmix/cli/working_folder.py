"""The folder in which a run or a sweep was started: its data files are named from there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gradmix.contracts.terminal import visible


def return_to(home: Path, folder: Path, is_trusted: bool, command: str, kind: str) -> Path:
    """Go where a run or a sweep was started; its folder, seen from there.

    A journal can name any folder, so the run must be inside, unless the journal is trusted; else a note says so.
    """
    is_inside = folder.is_relative_to(home)
    if home.is_dir() and (is_inside or is_trusted):
        os.chdir(home)
        return folder.relative_to(home) if is_inside else folder
    if home.is_dir() and home != Path.cwd():
        said = (
            f"gradmix {command}: stays in {Path.cwd()}. The {kind} was started in {home}, but its folder is not "
            "inside; go there, or add --as-before, if its data files are named from there."
        )
        print(visible(said), file=sys.stderr)
    return folder
