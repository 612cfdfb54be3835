"""What a function reaches beside its argument, as it was when it was recorded: a change makes its programs stale."""

from __future__ import annotations

import functools
import sys
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradmix_autodiff.program.fingerprint import fingerprint
from gradmix_autodiff.program.node import NotRecordableError, key_of
from gradmix_autodiff.traced import Traced

MOST_VALUES = 1000
"""Values that are looked at in each call."""
MOST_DEPTH = 6
"""Steps from a function to a value."""

_LIBRARIES = frozenset({"builtins", "numpy", "scipy", "gradmix", "numba", *sys.stdlib_module_names})
"""Packages whose code is not looked at."""
_OPAQUE = _LIBRARIES - {"scipy"}
"""Packages whose objects do not change, or are not data."""
_MISSING = object()
_CONSTANT = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype, type, types.ModuleType, Traced)


class Captured:
    """Names, attributes, cells and entries that a function reads, each with the object that was there, and arrays.

    Parameters
    ----------
    function
        The function.
    is_compiled
        Whether compiled code looks at arrays.

    Raises
    ------
    NotRecordableError
        If it reaches too many values to look at all of them in each call.
    """

    def __init__(self, function: Callable[..., Any], is_compiled: bool) -> None:
        self._is_compiled = is_compiled
        self._places: list[tuple[Callable[[Any, Any], Any], Any, Any]] = []
        self._cells: list[tuple[Any, Any]] = []
        self._sizes: list[tuple[Any, int]] = []
        self._arrays: dict[int, tuple[Any, bytes | int]] = {}
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._objects: list[tuple[Any, int, set[str]]] = []
        self._visit(function, 0)
        while any(self._names - done for _, _, done in self._objects):
            for each in list(self._objects):
                self._class(*each)

    def is_same(self) -> bool:
        """Whether everything is what it was."""
        for get, key, known in self._places:
            if get(key, _MISSING) is not known:
                return False
        try:
            for cell, known in self._cells:
                if cell.cell_contents is not known:
                    return False
        except ValueError:  # the name was deleted
            return False
        for container, size in self._sizes:
            if len(container) != size:
                return False
        known_arrays = self._arrays.values()
        return not known_arrays or all(fingerprint(each, self._is_compiled) == known for each, known in known_arrays)

    def watch(self, values: np.ndarray[Any, Any]) -> None:
        """Look at an array, too."""
        self._arrays.setdefault(id(values), (values, fingerprint(values, self._is_compiled)))

    def _visit(self, x: Any, depth: int) -> None:
        if isinstance(x, _CONSTANT) or id(x) in self._seen or depth > MOST_DEPTH:
            return
        self._seen[id(x)] = x
        if len(self._seen) + len(self._places) > MOST_VALUES:
            raise NotRecordableError(f"the function reaches more than {MOST_VALUES} values")
        if isinstance(x, np.ndarray):
            self.watch(x)
            if x.dtype == object:
                self._visit(x.ravel().tolist(), depth)
        elif hasattr(x, "__wrapped__"):  # a function that keeps its results
            self._visit(x.__wrapped__, depth + 1)
        elif isinstance(x, types.FunctionType):
            self._function(x, depth)
        elif isinstance(x, types.MethodType):
            self._code(x.__func__, depth)
            self._object(x.__self__, depth)
        elif isinstance(x, functools.partial):
            for each in (x.func, *x.args, *x.keywords.values()):
                self._visit(each, depth + 1)
        elif isinstance(x, list | tuple | deque):
            self._sizes.append((x, len(x)))
            for place, each in enumerate(x):
                if not isinstance(x, tuple):
                    self._places.append((functools.partial(_entry, x), place, each))
                self._visit(each, depth + 1)
        elif isinstance(x, dict):
            self._sizes.append((x, len(x)))
            self._entries(x, x, depth)
        elif hasattr(x, "__array__") or isinstance(x, bytearray | memoryview | array):
            raise NotRecordableError(
                f"the function reads a {type(x).__name__}, whose changes are not seen: give it an array"
            )
        elif _package(type(x)) not in _OPAQUE:
            call = getattr(type(x), "__call__", None)  # noqa: B004 -- its code, not whether it has one
            if isinstance(call, types.FunctionType):
                self._code(call, depth)
            self._object(x, depth)

    def _function(self, function: types.FunctionType, depth: int) -> None:
        if _package(function) not in _LIBRARIES:
            self._code(function, depth)

    def _code(self, function: Any, depth: int) -> None:
        """Cells, defaults, and what the names in a function's code stand for in its module."""
        if not isinstance(function, types.FunctionType):
            self._visit(function, depth + 1)
            return
        for cell in function.__closure__ or ():
            try:
                known = cell.cell_contents
            except ValueError:  # a name that is bound later
                continue
            self._cells.append((cell, known))
            self._visit(known, depth + 1)
        for name in ("__defaults__", "__kwdefaults__"):
            known = getattr(function, name)
            self._places.append((functools.partial(getattr, function), name, known))
            self._visit(known, depth + 1)
        names = set(_names_of(function.__code__))
        self._names |= names
        self._globals(function.__globals__, names, depth)
        for name in names & sys.modules.keys():  # imported by the function itself
            self._globals({name: sys.modules[name]}, names, depth)

    def _globals(self, space: dict[str, Any], names: set[str], depth: int) -> None:
        for name in names & space.keys():
            known = space[name]
            if isinstance(known, types.ModuleType):
                if known.__name__.partition(".")[0] not in _LIBRARIES and id(known) not in self._seen:
                    self._seen[id(known)] = known
                    self._globals(vars(known), names, depth + 1)
                continue
            self._places.append((space.get, name, known))
            self._visit(known, depth + 1)

    def _object(self, x: Any, depth: int) -> None:
        """Attributes of an object, and what its code takes from its class."""
        if isinstance(x, types.ModuleType | type):
            return
        if hasattr(x, "__dict__"):
            self._entries(vars(x), dict(vars(x)), depth)
        for owner in type(x).__mro__:
            if owner.__module__.partition(".")[0] in _LIBRARIES:
                continue
            for name in vars(owner).get("__slots__", ()):
                if hasattr(x, name):
                    self._places.append((functools.partial(getattr, x), name, getattr(x, name)))
                    self._visit(getattr(x, name), depth + 1)
        self._objects.append((x, depth, set()))

    def _class(self, x: Any, depth: int, done: set[str]) -> None:
        """Attributes of a class that the code names, with the code of its methods and properties."""
        new = self._names - done
        done |= new
        for owner in type(x).__mro__:
            if owner.__module__.partition(".")[0] in _LIBRARIES:
                continue
            for name in new & vars(owner).keys():
                known = vars(owner)[name]
                self._places.append((vars(owner).get, name, known))
                if name not in getattr(x, "__dict__", (name,)):  # which may come to hide it
                    self._places.append((vars(x).get, name, _MISSING))
                inner = getattr(known, "fget", None) or getattr(known, "func", None)
                inner = inner or getattr(known, "__func__", None) or known
                if isinstance(inner, types.FunctionType):
                    if id(inner) not in self._seen:
                        self._seen[id(inner)] = inner
                        self._code(inner, depth + 1)
                else:
                    self._visit(inner, depth + 1)

    def _entries(self, holder: Any, entries: dict[Any, Any], depth: int) -> None:
        for key, known in entries.items():
            self._places.append((holder.get, key, known))
            self._visit(known, depth + 1)


def _entry(x: Any, place: int, missing: Any) -> Any:
    return x[place] if place < len(x) else missing


def _names_of(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _names_of(each)


def _package(x: Any) -> str:
    """The package that a function or a class belongs to."""
    return str(getattr(x, "__module__", None)).partition(".")[0]


def marks_of(x: Any) -> Any:
    """What equals only what stands for an equal constant argument: its type and its content."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype.str, x.tobytes() if x.dtype != object else id(x))
    if isinstance(x, list | tuple):
        return (type(x), *map(marks_of, x))
    if isinstance(x, dict):
        return tuple((key, marks_of(value)) for key, value in x.items())
    try:
        return key_of(x)
    except TypeError:
        return id(x)
