"""Emitted code as modules in the user's cache folder, where numba stores machine code for other processes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np

MOST_FILES = 2000
"""Largest number of modules in a folder; above it, the least recently used half is removed."""


def kept_module(text: str, folder: str, *made_of: str) -> ModuleType:
    """Return the module of a text, from a file whose name is a hash of the text and of the compiler's version.

    Parameters
    ----------
    text
        The code.
    folder
        Name of the folder in the cache of gradmix; only the user may write to it.
    made_of
        Further things that the machine code depends on, besides the versions of NumPy and gradmix.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    key = "\n".join([text, *made_of, np.__version__, version("gradmix")])
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gradmix" / folder
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = place / f"derivative_{hashlib.sha256(key.encode()).hexdigest()[:24]}.py"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        os.utime(file, (time.time(), file.stat().st_mtime))  # used now; numba compares when it was changed
    else:
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
        _remove_old(place)
    return _module(file)


def _remove_old(folder: Path) -> None:
    """Remove the least recently used modules and their machine code if there are too many."""
    with suppress(FileNotFoundError):  # another process removes them
        files = [(each.stat().st_atime, each) for each in folder.glob("derivative_*.py")]
        for _, file in sorted(files)[: MOST_FILES // 2 if len(files) > MOST_FILES else 0]:
            for each in (file, *folder.glob(f"__pycache__/{file.stem}.*")):
                each.unlink(missing_ok=True)


def _module(file: Path) -> ModuleType:
    """Return the module in a file, under a name by which numba finds it again."""
    name = f"gradmix_{file.stem}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
