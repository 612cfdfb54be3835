"""Files that a person or a config names."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_OTHERS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}


def regular_file(path: str | os.PathLike[str]) -> Path:
    """Check that a path names a regular file, also through links: opening a FIFO or reading a device may never end.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    OSError
        If there is nothing, or something else. Its ``strerror`` says what, as where a file cannot be opened.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = _OTHERS.get(stat.S_IFMT(mode), "a device")
        raise OSError(errno.EINVAL, f"It is {kind}, not a file", str(path))
    return Path(path)
