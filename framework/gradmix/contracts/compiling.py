"""A check for numba: plugins compile loops if it can be imported, and compute with NumPy otherwise."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def can_compile() -> bool:
    """Return whether numba is installed and can be imported."""
    if find_spec("numba") is None:
        return False
    try:
        import_module("numba")
    except ImportError:  # numba rejects versions of NumPy that it does not support
        return False
    return True
