"""Whether loops can be compiled: plugins compute with NumPy where numba cannot be imported."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def can_compile() -> bool:
    """Whether numba is installed and can be imported."""
    if find_spec("numba") is None:
        return False
    try:
        import_module("numba")
    except ImportError:  # it refuses versions of NumPy that it does not know
        return False
    return True
