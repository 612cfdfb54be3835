"""Compiled kernels: numba, set up once for all of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from gradmix import ConfigError
from gradmix.arrays import can_compile


def check_numba() -> None:
    """Check that numba can be imported.

    Raises
    ------
    ConfigError
        If it cannot.
    """
    try:
        import_module("numba")
    except ImportError as error:
        raise ConfigError(
            f"backend=numba needs numba, which cannot be imported: {error}. Choose backend=numpy, which is slower."
        ) from error


SMALL = 2**13
"""Products of rows, features and groups up to which a start takes NumPy a few milliseconds, and compiling seconds."""


def pays(n: int, d: int, k: int) -> bool:
    """Whether k-means on n rows of d features with k clusters is worth compiling.

    It follows from the problem alone, so that the same problem has the same bits in every run, whatever the cache on
    disk holds.
    """
    return n * d * k > SMALL and can_compile()


def compiled(*fastmath: str, is_part: bool = False, is_inlined: bool = True) -> Callable[[Any], Any]:
    """Compile a function of arrays and numbers when it is first called, and keep the machine code on disk.

    It runs without the interpreter's lock. Operations are done as written and in their order, but for what LLVM's flags
    allow: ``contract`` (a product and a sum are rounded once), ``reassoc`` (any order), ``nsz``. One that `is_part` is
    called by compiled functions only, and compiles faster; it is copied to where it is called, unless it is long and
    seldom called.
    """
    numba: Any = import_module("numba")

    def decorate(function: Any) -> Any:
        options: dict[str, Any] = {
            "nogil": True,
            "error_model": "numpy",
            "fastmath": set(fastmath),
            "no_cpython_wrapper": is_part,
            "no_cfunc_wrapper": is_part,
            "forceinline": is_part and is_inlined,
        }
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither beside this file nor in the user's cache folder can anything be written
            return numba.njit(**options)(function)

    return decorate
