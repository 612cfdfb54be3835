"""The C library's allocator: whether freed memory goes back to the system.

glibc takes a large array from the system and gives it back when it is freed, so that each round of a timing pays for
new pages. From which size on it does so depends on what was freed before, so that one piece of work changes the time of
the next. A pinned allocator keeps what it has: each round works in memory that is there.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``, as ``malloc.h`` numbers them."""


@cache
def pin() -> bool:
    """Keep freed memory, from now on until the process ends; False where the C library cannot (all but glibc)."""
    mallopt = _function("mallopt")
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, -1) and mallopt(_MMAP_MAX, 0))


def trim() -> None:
    """Give freed memory back to the system now, where the C library can."""
    malloc_trim = _function("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _function(name: str) -> Any:
    """A function of the C library, if it has it."""
    return getattr(ctypes.CDLL(None), name, None)
