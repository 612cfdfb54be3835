"""The identity of a function and all that it reads, in any process: names, code and content, but no addresses."""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.program.reach import CONSTANT, LIBRARIES, MISSING, has_data, package
from gradmix_autodiff.traced import Traced

Mark = tuple[str, str]
"""How a value is reached, and what identifies it."""


def marks(met: Iterable[tuple[str, Any]]) -> list[Mark]:
    """Return what identifies each value that a function reaches.

    Raises
    ------
    DifferentiationError
        If a value has no content that another process could compare.
    """
    places: dict[int, int] = {}
    found = []
    for place, (label, x) in enumerate(met):
        if isinstance(x, CONSTANT) or x is MISSING:
            mark = _constant(label, x)
        elif id(x) in places:
            mark = f"the same as {places[id(x)]}"
        else:
            places[id(x)] = place
            mark = _mark(label, x)
        found.append((label, mark))
    return found


def difference(saved: Iterable[Mark], now: Iterable[Mark]) -> str | None:
    """Return the name of the first value that has changed; None if none has."""
    saved, now = list(saved), list(now)
    for one, other in zip(saved, now, strict=False):
        if one != other:
            return other[0]
    return None if len(saved) == len(now) else "what the function reads"


def _constant(label: str, x: Any) -> str:
    if isinstance(x, Traced):
        raise _unknown(label, x)
    if isinstance(x, np.generic):
        return f"{x.dtype.str} {x.tobytes().hex()}"
    return "missing" if x is MISSING else _hash(type(x).__name__, repr(x))


def _mark(label: str, x: Any) -> str:
    kind = type(x)
    if isinstance(x, np.ndarray):
        content = "" if x.dtype == object else _hash(np.ascontiguousarray(x).tobytes())
        return f"{kind.__qualname__} {x.dtype.str} {x.shape} {content}"
    if isinstance(x, types.FunctionType) and package(x) in LIBRARIES:
        return f"{x.__globals__['__name__']}.{x.__code__.co_qualname}"
    if _is_of_library(x):
        return f"{getattr(x, '__module__', '')}.{getattr(x, '__qualname__', x.__name__)}"
    if isinstance(x, types.FunctionType):
        return _hash(x.__qualname__, *_parts(x.__code__))
    if isinstance(x, types.ModuleType):
        return x.__name__
    if isinstance(x, type):
        return ", ".join(f"{each.__module__}.{each.__qualname__}" for each in x.__mro__)
    if isinstance(x, set | frozenset):
        if not all(isinstance(each, CONSTANT) for each in x):
            raise _unknown(label, x)
        return _hash(kind.__qualname__, *sorted(_constant(label, each) for each in x))
    named = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(x, _TRANSPARENT):
        return f"{named} {len(x) if hasattr(x, '__len__') else ''}"
    if has_data(kind) and (hasattr(x, "__dict__") or any("__slots__" in vars(each) for each in kind.__mro__[:-1])):
        return named
    if hasattr(x, "__wrapped__"):
        return named
    raise _unknown(label, x)


_TRANSPARENT = (
    list,
    tuple,
    dict,
    slice,
    types.MethodType,
    types.BuiltinMethodType,
    types.MethodWrapperType,
    types.MappingProxyType,
    property,
    staticmethod,
    classmethod,
    ContextVar,
)
"""Types whose content is always visited, too."""


def _is_of_library(x: Any) -> bool:
    """Return whether a value is found by its name in a library."""
    module, name = str(getattr(x, "__module__", "")), getattr(x, "__name__", None)
    if isinstance(x, np.ufunc):
        return getattr(np, x.__name__, None) is x or getattr(sys.modules.get("scipy.special"), x.__name__, None) is x
    if isinstance(x, types.ModuleType):
        return package(x) in LIBRARIES
    if not isinstance(name, str) or module.partition(".")[0] not in LIBRARIES:
        return False
    return getattr(sys.modules.get(module), name, None) is x


def _parts(code: types.CodeType) -> Iterable[str | bytes]:
    """Return the parts of a code object that determine its behaviour."""
    yield from (code.co_code, code.co_exceptiontable, repr((code.co_flags, code.co_argcount, code.co_kwonlyargcount)))
    yield from map(repr, (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars))
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _parts(each)
        else:
            yield repr((type(each).__name__, sorted(map(repr, each)) if isinstance(each, frozenset) else each))


def _hash(*parts: str | bytes) -> str:
    made = hashlib.blake2b(digest_size=16)
    for each in parts:
        content = each.encode() if isinstance(each, str) else each
        made.update(len(content).to_bytes(8, "little") + content)
    return made.hexdigest()


def _unknown(label: str, x: Any) -> DifferentiationError:
    return DifferentiationError(
        f"the function reads {label}, a {type(x).__qualname__}, and a file cannot record whether it is the same in "
        "another process. Do not save the function; prepare it again there."
    )
