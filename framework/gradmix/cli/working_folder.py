"""Change to the folder in which a run or a sweep was started: paths of its data files are relative to that folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gradmix.contracts.terminal import visible


def return_to(home: Path, folder: Path, is_trusted: bool, command: str, kind: str) -> Path:
    """Change to the folder `home`, in which a run or a sweep was started; return its path relative to that folder.

    A journal may name any folder. Therefore, unless the journal is trusted, the working folder changes only if the run
    is inside `home`; otherwise a note is printed.
    """
    is_inside = folder.is_relative_to(home)
    if home.is_dir() and (is_inside or is_trusted):
        os.chdir(home)
        return folder.relative_to(home) if is_inside else folder
    if home.is_dir() and home != Path.cwd():
        said = (
            f"gradmix {command}: the command works in {Path.cwd()}. The {kind} was started in {home}, which does not "
            "contain it. If its data files are relative to that folder, go there or add --as-before."
        )
        print(visible(said), file=sys.stderr)
    return folder
