"""Everything that a function can read beside its arguments: names, cells, attributes, entries, code.

The search is breadth first, with names in alphabetical order, so that the order is the same in each process.
"""

from __future__ import annotations

import contextvars
import dis
import functools
import os
import sys
import threading
import types
import weakref
from array import array
from collections import deque
from collections.abc import Callable, ItemsView, KeysView, Mapping, Sequence, ValuesView
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Counted
from gradmix.arrays import Prepared
from gradmix_autodiff.program.node import NotRecordableError
from gradmix_autodiff.traced import Traced

if TYPE_CHECKING:
    from gradmix_autodiff.program.captured import Captured

MOST_VALUES = 1000
"""Largest number of values that are compared in each call."""
MISSING = object()
"""Represents a name, an attribute or a cell that has no value."""

LIBRARIES = frozenset(
    {"builtins", "numpy", "scipy", "gradmix", "gradmix_autodiff", "gradmix_differences", "numba"}
    | sys.stdlib_module_names
)
"""Packages whose code is not searched."""
_WITH_DATA = frozenset({"numpy", "scipy", "gradmix", "types", "collections", "functools", "argparse", "configparser"})
"""Packages among them whose objects hold user data."""
_CANNOT_SEE = frozenset({"ctypes", "_ctypes", "mmap", "multiprocessing"})
"""Packages whose objects share memory with others."""
CONSTANT = (bool, int, float, complex, str, bytes, range, type(None), type(Ellipsis), np.generic, np.dtype, Traced)
"""Types of values that do not change."""
_ON_CREATION = frozenset({"__init__", "__new__", "__post_init__", "__repr__", "__setattr__", "__delattr__"})
"""Methods that Python does not call on an existing object, unless the code names them."""


class Reach:
    """A search through everything that a function reaches; each value found is watched from then on.

    Parameters
    ----------
    captured
        The object that watches the values.
    """

    def __init__(self, captured: Captured) -> None:
        self._captured = captured
        self._met: list[tuple[str, Any]] = []
        self._seen: dict[int, Any] = {}
        self._waiting: deque[tuple[str, Any]] = deque()
        self._label = ""
        self._names: set[str] = set()
        self._spaces: list[tuple[Mapping[str, Any], set[str], bool]] = []

    def through(self, function: Callable[..., Any], constants: Sequence[Any]) -> list[tuple[str, Any]]:
        """Visit everything that a function and its constant arguments lead to.

        Raises
        ------
        NotRecordableError
            If there are too many values, or one whose changes cannot be detected.
        """
        self._meet("its code", function)
        for place, each in enumerate(constants):
            self._meet(f"the constant argument {place}", each)
        while self._waiting:
            while self._waiting:
                self._label, x = self._waiting.popleft()
                self._look_at(x)
            for space, done, _ in list(self._spaces):
                for name in sorted((self._names - done) & space.keys()):
                    done.add(name)
                    self._meet_named(name, space[name], space)
        if self._names & {"environ", "environb", "getenv"}:
            raise NotRecordableError(_ENVIRONMENT)
        for space, _, is_module in self._spaces:
            if is_module:
                self._captured.absent(space.keys(), frozenset(self._names - space.keys()))
        return self._met

    def _meet(self, label: str, x: Any) -> None:
        self._met.append((label, x))
        if isinstance(x, CONSTANT) or id(x) in self._seen or x is MISSING:
            return
        if len(self._met) > MOST_VALUES:
            raise NotRecordableError(f"the function reaches more than {MOST_VALUES} values")
        self._seen[id(x)] = x
        self._waiting.append((label, x))

    def _meet_named(self, name: str, known: Any, space: Mapping[str, Any]) -> None:
        """Visit the value of a name in a module or a class."""
        is_library = isinstance(known, types.ModuleType) and package(known) in LIBRARIES
        if not is_library:
            self._captured.place(space.get, name, known)
            self._meet(name, known)

    def _look_at(self, x: Any) -> None:
        for kinds, look in _LOOKS:
            if isinstance(x, kinds):
                look(self, x)
                break
        else:
            if hasattr(x, "__array__") or package(type(x)) in _CANNOT_SEE:
                raise NotRecordableError(_UNSEEN.format(type(x).__name__))
            if hasattr(x, "__wrapped__"):  # a function that caches its results
                self._meet("__wrapped__", x.__wrapped__)
            elif has_data(type(x)):
                self._object(x)
            return
        if isinstance(x, np.ndarray | list | tuple | deque | set | dict) and has_data(type(x)):
            self._object(x)

    def _function(self, function: types.FunctionType) -> None:
        """Visit code, cells and defaults, and the values of the code's names in its module."""
        captured = self._captured
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            known = _content(cell, MISSING)
            captured.place(_content, cell, known)
            self._meet(name, known)
        if function is os.getenv:
            raise NotRecordableError(_ENVIRONMENT)
        if package(function) in LIBRARIES:
            return
        captured.attribute(function, "__code__")
        for name in ("__defaults__", "__kwdefaults__"):
            self._meet(name, captured.attribute(function, name))
        if vars(function):
            for name, known in captured.mapping(vars(function)):
                self._meet(name, known)
        else:
            captured.size(vars(function))
        code, space = function.__code__, function.__globals__
        self._names |= names_of(code)
        own, imported = looked_up_by(code)
        if unseen := own & {"eval", "exec"} - space.keys():
            raise NotRecordableError(f"the function runs code by {min(unseen)}, whose names cannot be watched")
        if own & {"globals", "vars"}:
            own |= names_of(code) & space.keys()
        captured.absent(space.keys(), own - space.keys())
        for name in sorted(own & space.keys()):
            self._meet_named(name, space[name], space)
        for name in sorted(imported & sys.modules.keys()):
            if package(sys.modules[name]) not in LIBRARIES:
                self._meet(name, sys.modules[name])

    def _method(self, x: types.MethodType) -> None:
        self._meet("__func__", x.__func__)
        self._meet("self", x.__self__)

    def _bound(self, x: Any) -> None:
        """Visit a method of compiled code, such as ``array.sum``."""
        if not isinstance(x.__self__, types.ModuleType | type):
            self._meet("self", x.__self__)

    def _partial(self, x: functools.partial[Any]) -> None:
        for name in ("func", "args", "keywords"):
            self._meet(name, self._captured.attribute(x, name))

    def _array(self, x: np.ndarray[Any, Any]) -> None:
        self._captured.watch(x)
        if x.dtype == object:
            self._tuple(x.ravel().tolist())

    def _tuple(self, x: Any) -> None:
        for place, each in enumerate(x):
            self._meet(f"{self._label}[{place}]", each)

    def _container(self, x: Any) -> None:
        entries = self._captured.entries(x)
        if not isinstance(x, set | frozenset) or not all(isinstance(each, CONSTANT) for each in entries):
            self._tuple(entries)

    def _mapping(self, x: Mapping[Any, Any]) -> None:
        for key, known in self._captured.mapping(x):
            self._meet(f"a key of {self._label}", key)
            self._meet(f"{self._label}[{key!r}]" if isinstance(key, CONSTANT) else f"{self._label}[…]", known)

    def _context_variable(self, x: contextvars.ContextVar[Any]) -> None:
        known = x.get(MISSING)
        self._captured.place(_current, x, known)
        self._meet(x.name, known)

    def _reference(self, x: weakref.ref[Any]) -> None:
        known = x()
        self._captured.place(_referent, x, known)
        self._meet("a weak reference", known)

    def _module(self, x: types.ModuleType) -> None:
        if package(x) not in LIBRARIES:
            self._spaces.append((vars(x), set(), True))

    def _class(self, x: type, on_creation: frozenset[str] = frozenset()) -> None:
        """Visit the class attributes that the code names, and methods that Python calls implicitly."""
        for owner in x.__mro__:
            if package(owner) in LIBRARIES:
                continue
            space = vars(owner)
            self._captured.size(space)
            done: set[str] = set()
            self._spaces.append((space, done, False))
            for name in sorted(space):
                is_called = name.startswith("__") and isinstance(space[name], _CODE) and name not in on_creation
                if is_called:
                    done.add(name)
                    self._meet_named(name, space[name], space)
        if type(x) is not type:
            self._meet("the metaclass", type(x))

    def _object(self, x: Any) -> None:
        """Visit the attributes of an object, and its class."""
        captured, kind = self._captured, type(x)
        if isinstance(getattr(x, "__dict__", None), dict):
            for name, known in sorted(captured.mapping(vars(x)), key=lambda each: str(each[0])):
                self._meet(f"{self._label}.{name}", known)
        for owner in kind.__mro__:
            slots = vars(owner).get("__slots__", ()) if package(owner) != "builtins" else ()
            for name in (slots,) if isinstance(slots, str) else slots:
                is_private = name.startswith("__") and not name.endswith("__")
                name = f"_{owner.__name__.lstrip('_')}{name}" if is_private else name
                if name not in ("__dict__", "__weakref__"):
                    self._meet(f"{self._label}.{name}", captured.attribute(x, name))
        if package(kind) not in LIBRARIES:
            captured.attribute(x, "__class__")
            if id(kind) not in self._seen:
                self._met.append((f"the class of {self._label}", kind))
                self._seen[id(kind)] = kind
                self._class(kind, _ON_CREATION)


_UNSEEN = "the function reads a {}, whose changes cannot be noticed; use an array"
_ENVIRONMENT = (
    "the function reads environment variables, whose changes cannot be noticed; pass their values as arguments"
)
_CODE = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property)


def _refused(reach: Reach, x: Any) -> None:
    raise NotRecordableError(_UNSEEN.format(type(x).__name__))


def _ufunc(reach: Reach, x: np.ufunc) -> None:
    if x.types and all(set(each) <= set("O->") for each in x.types):
        raise NotRecordableError(f"the function calls {x.__name__}, made by np.frompyfunc, whose code cannot be read")


def _attributes(*names: str) -> Callable[[Reach, Any], None]:
    """Visit some attributes, which cannot be changed."""

    def look(reach: Reach, x: Any) -> None:
        for name in names:
            reach._meet(name, getattr(x, name))

    return look


_LOOKS: tuple[tuple[Any, Callable[[Any, Any], None]], ...] = (
    (np.ndarray, Reach._array),
    (types.FunctionType, Reach._function),
    (types.MethodType, Reach._method),
    (types.BuiltinFunctionType | types.MethodWrapperType, Reach._bound),
    (functools.partial, Reach._partial),
    (tuple, Reach._tuple),
    (list | deque | set | frozenset, Reach._container),
    (dict | types.MappingProxyType, Reach._mapping),
    (KeysView | ValuesView | ItemsView, _attributes("mapping")),
    (bytearray | memoryview | array | type(os.environ) | threading.local, _refused),
    (np.ufunc, _ufunc),
    (types.ModuleType, Reach._module),
    (type, Reach._class),
    (slice, _attributes("start", "stop", "step")),
    (property, _attributes("fget")),
    (staticmethod | classmethod, _attributes("__func__")),
    (functools.cached_property, _attributes("func")),
    (contextvars.ContextVar, Reach._context_variable),
    (weakref.ref, Reach._reference),
    (Counted, _attributes("f")),
    (Prepared, lambda reach, x: _attributes("f", "args")(reach, x.function)),
)
"""Kinds of values → how to visit whatever they lead to."""


def _content(cell: types.CellType, missing: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return missing


def _current(variable: contextvars.ContextVar[Any], missing: Any) -> Any:
    return variable.get(missing)


def _referent(reference: weakref.ref[Any], missing: Any) -> Any:
    return reference()


def has_data(kind: type) -> bool:
    """Return whether objects of a class hold data that the user may change."""
    return package(kind) not in LIBRARIES or package(kind) in _WITH_DATA


@lru_cache(maxsize=1024)
def names_of(code: types.CodeType) -> frozenset[str]:
    """Return the names of globals and attributes in a function's code, and strings that may name some."""
    found = set(code.co_names)
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            found |= names_of(each)
        elif isinstance(each, str) and each.isidentifier():
            found.add(each)
    return frozenset(found)


@lru_cache(maxsize=1024)
def looked_up_by(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that a function's code looks up in its module, and modules that it imports."""
    found: tuple[set[str], set[str]] = set(), set()
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found[0].add(each.argval)
        elif each.opname == "IMPORT_NAME":
            found[1].add(each.argval)
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            for names, more in zip(found, looked_up_by(each), strict=True):
                names |= more
    return frozenset(found[0]), frozenset(found[1])


def package(x: Any) -> str:
    """Return the package of a function, a class or a module; for a decorated function that of the decorator."""
    if isinstance(x, types.FunctionType):
        name = x.__globals__.get("__name__")
    else:
        name = x.__name__ if isinstance(x, types.ModuleType) else getattr(x, "__module__", None)
    return str(name).partition(".")[0]
