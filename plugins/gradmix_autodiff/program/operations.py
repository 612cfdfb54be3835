"""Names of the functions that nodes call, by which a file refers to them.

A name refers to a function of NumPy or of ``scipy.special`` that is applied to arrays, or to a function of gradmix'
own rules, and to nothing else, so that a file cannot cause any other call.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import scipy.special

_HOMES = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft, "scipy.special": scipy.special}
"""Modules whose functions may be called."""
_OWN = ("gradmix_autodiff.rules.", "gradmix_autodiff.program.simplify", "gradmix_autodiff.program.symbol")
"""Modules of gradmix whose functions may be called."""
_METHODS = frozenset({"reduce", "accumulate", "outer", "reduceat"})
_OF_FILES = frozenset(
    {"save", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "fromregex"}
)
"""NumPy functions that read or write files."""
_DISPATCHED = (np.ufunc, type(np.sum))
"""Types of functions that NumPy's protocols can override."""
_GETITEM = "operator.getitem"


@lru_cache(maxsize=1024)
def name_of(function: Callable[..., Any]) -> str | None:
    """Return the name of a function; None if no allowed name refers to it."""
    for name in _names(function):
        try:
            if _found(name) == function:
                return name
        except (AttributeError, ImportError, LookupError):
            continue
    return None


@lru_cache(maxsize=1024)
def function_of(name: str) -> Callable[..., Any]:
    """Return the function of a name.

    Raises
    ------
    ValueError
        If it refers to no function that may be called.
    """
    try:
        found = _found(name)
    except (AttributeError, ImportError, LookupError) as error:
        raise ValueError(f"it calls {name}, which does not exist") from error
    if not callable(found) or name_of(found) is None:
        raise ValueError(f"it calls {name}, which is not permitted")
    return found  # type: ignore[no-any-return]


def _names(function: Any) -> list[str]:
    if function is operator.getitem:
        return [_GETITEM]
    name = str(getattr(function, "__name__", ""))
    if isinstance(function, types.BuiltinMethodType) and isinstance(function.__self__, np.ufunc):
        return [f"{home}.{function.__self__.__name__}.{name}" for home in _HOMES]
    if isinstance(function, types.FunctionType) and function.__module__.startswith(_OWN):
        return [f"{function.__module__}.{name}"]
    return [f"{home}.{name}" for home in _HOMES]


def _found(name: str) -> Any:
    """Return the function that a name refers to, if it may be called."""
    if name == _GETITEM:
        return operator.getitem
    home, _, last = name.rpartition(".")
    if last in _METHODS:
        home, _, of_ufunc = home.rpartition(".")
        ufunc = getattr(_HOMES[home], of_ufunc)
        if isinstance(ufunc, np.ufunc):
            return getattr(ufunc, last)
    elif home in _HOMES:
        found = getattr(_HOMES[home], last)
        if isinstance(found, _DISPATCHED) and last not in _OF_FILES:
            return found
    elif home.startswith(_OWN):
        found = vars(import_module(home))[last]
        if isinstance(found, types.FunctionType) and found.__module__ == home:
            return found
    raise LookupError(name)
