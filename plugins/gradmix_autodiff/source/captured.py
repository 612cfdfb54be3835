"""The objects that a function takes from outside: globals, variables of enclosing functions, defaults, attributes.

Emitted code gives each a separate name. Before each call the objects are looked up again: a changed number or array is
used with its new value, while objects that determined the code, such as inlined functions, must be the same.
"""

from __future__ import annotations

import builtins
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

_RANDOM = (np.random.Generator, np.random.RandomState, random.Random)


@dataclass
class Captured:
    """An object from outside.

    Parameters
    ----------
    key
        How it is reached.
    name
        Its name in emitted code.
    get
        Looks it up.
    value
        Its value when the code was created.
    is_fixed
        Whether the code depends on its identity.
    origin
        The text that the user wrote.
    """

    key: tuple[Any, ...]
    name: str
    get: Callable[[], Any]
    value: Any
    is_fixed: bool
    origin: str


@dataclass
class Captures:
    """All objects from outside, by their identity and by how they are reached."""

    found: dict[tuple[Any, ...], Captured] = field(default_factory=dict)

    def add(
        self, key: tuple[Any, ...], name: Callable[[], str], get: Callable[[], Any], is_fixed: bool, origin: str
    ) -> Captured:
        """Note an object, once."""
        each = self.found.get(key)
        if each is None:
            each = self.found[key] = Captured(key, name(), get, get(), is_fixed, origin)
        each.is_fixed |= is_fixed
        return each

    def is_current(self, namespace: dict[str, Any]) -> bool:
        """Return whether the code is still valid; values that may change are entered into its namespace."""
        for each in self.found.values():
            try:
                now = each.get()
            except (AttributeError, LookupError):
                return False
            if now is each.value or (
                type(now) is MethodType and now == each.value
            ):  # each look-up creates a new method object
                continue
            if each.is_fixed or kind_of(now) != kind_of(each.value):
                return False
            each.value = namespace[each.name] = now
        return True


def kind_of(value: Any) -> Any:
    """Return the properties of a captured value that emitted code depends on: number or array, and dimensions."""
    if isinstance(value, np.ndarray):
        return "array", value.ndim, value.dtype.kind
    if isinstance(value, bool | int | float | np.generic):
        return "number"
    if isinstance(value, list | tuple):
        return type(value), tuple(kind_of(each) for each in value[:64]), len(value)
    return type(value)


def ndim_of(value: Any) -> int | None:
    """Return the dimensions of a captured value: 0 for a number, None if it is neither a number nor an array."""
    if isinstance(value, np.ndarray):
        return value.ndim
    return 0 if isinstance(value, bool | int | float | np.generic) else None


def lookup(function: FunctionType, name: str) -> Callable[[], Any] | None:
    """Return how a function looks up a name; None if the name is unknown."""
    if name in function.__code__.co_freevars:
        cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
        return lambda: cell.cell_contents
    if name in function.__globals__:
        return lambda: function.__globals__[name]
    return (lambda: getattr(builtins, name)) if hasattr(builtins, name) else None


def is_complex(value: Any) -> bool:
    """Return whether a value is a complex number or a complex array."""
    return isinstance(value, complex | np.complexfloating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "c"
    )


def is_random(value: Any) -> bool:
    """Return whether it draws random numbers: a generator, its methods, or functions of `random` and `np.random`."""
    if isinstance(value, _RANDOM) or isinstance(getattr(value, "__self__", None), _RANDOM):
        return True
    return isinstance(value, ModuleType) and value in (random, np.random)


def is_data(value: Any) -> bool:
    """Return whether it is a number, an array or a container, rather than an object of the program."""
    return isinstance(value, np.ndarray | bool | int | float | complex | str | list | tuple | dict | set | np.generic)


def is_hashable(value: Any) -> bool:
    """Return whether it can be looked up in a table."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_in(value: Any, table: Any) -> bool:
    """Return whether any object, hashable or not, is in a table."""
    return is_hashable(value) and value in table
