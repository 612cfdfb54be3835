"""Common settings of numba for all compiled kernels."""

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
        If numba cannot be imported.
    """
    try:
        import_module("numba")
    except ImportError as error:
        raise ConfigError(
            f"backend=numba needs numba, which cannot be imported: {error}. Install it, or set backend=numpy, which is "
            "slower."
        ) from error


SMALL = 2**13
"""Most products (rows · features · groups) for NumPy: a start then takes milliseconds, but compiling takes seconds."""


def pays(n: int, d: int, k: int) -> bool:
    """Whether k-means on n rows of d features with k clusters is worth compiling.

    The answer depends only on the problem, so that the same problem has the same bits in every run, whatever is in the
    cache on disk.
    """
    return n * d * k > SMALL and can_compile()


def compiled(*fastmath: str, is_part: bool = False, is_inlined: bool = True) -> Callable[[Any], Any]:
    """Compile a function of arrays and numbers when it is first called, and keep the machine code on disk.

    The compiled function runs without the interpreter's lock. Operations are executed as written and in order, except
    as LLVM's flags allow: ``contract`` (a product and a sum are rounded once), ``reassoc`` (any order), ``nsz``
    (no signed zeros). With `is_part`, the function can be called only by compiled functions, and compiles faster. With
    `is_inlined`, it is copied into its callers; do not do this for long functions that are rarely called.
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
        except RuntimeError:  # neither the folder of this file nor the user's cache folder is writable
            return numba.njit(**options)(function)

    return decorate
