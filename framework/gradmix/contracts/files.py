"""A check of files that users or configs name."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_OTHERS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}


def regular_file(path: str | os.PathLike[str]) -> Path:
    """Check that a path is a regular file or a link to one. Opening a FIFO or reading a device may never return.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    OSError
        If the path does not exist or is not a regular file; as for any OSError, ``strerror`` states why.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = _OTHERS.get(stat.S_IFMT(mode), "a device")
        raise OSError(errno.EINVAL, f"It is {kind}, not a file", str(path))
    return Path(path)
