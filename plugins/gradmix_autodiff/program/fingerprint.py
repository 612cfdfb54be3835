"""Fingerprints of arrays that reveal a change: compiled, and as fast as memory, if numba is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from gradmix.arrays import can_compile
from gradmix_autodiff.watched import checksum

_SMALL = 64
"""Largest number of entries at which an array itself is compared."""
_LARGE = 1 << 12
"""Number of entries from which compiled code is worth its call."""


def fingerprint(array: np.ndarray[Any, Any], is_compiled: bool) -> bytes | int:
    """Return a fingerprint that changes with an array; empty if neither the array nor its base can be written to.

    Each step of the compiled hash is invertible in its input word, so that no single change is missed.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray) and not owner.flags.writeable:
        owner = owner.base
    if owner is None:
        return b""
    if array.size <= _SMALL:
        return array.tobytes()
    if is_compiled and array.size >= _LARGE and array.itemsize == 8 and array.flags.c_contiguous and can_compile():
        return int(_mixed()(array.reshape(-1).view(np.uint64)))
    return checksum(array)


@cache
def _mixed() -> Callable[[Any], Any]:
    numba: Any = import_module("numba")
    try:
        return numba.njit(cache=True, nogil=True)(_mix)  # type: ignore[no-any-return]
    except RuntimeError:  # neither beside this file nor in the user's cache folder can anything be written
        return numba.njit(nogil=True)(_mix)  # type: ignore[no-any-return]


def _mix(words: Any) -> Any:
    """Return the hash FNV-1a of words, in four independent lanes."""
    prime = np.uint64(1099511628211)
    a, b, c, d = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    whole = len(words) // 4 * 4
    for i in range(0, whole, 4):
        a = (a ^ words[i]) * prime
        b = (b ^ words[i + 1]) * prime
        c = (c ^ words[i + 2]) * prime
        d = (d ^ words[i + 3]) * prime
    for i in range(whole, len(words)):
        a = (a ^ words[i]) * prime
    return (((a ^ b) * prime ^ c) * prime ^ d) * prime
