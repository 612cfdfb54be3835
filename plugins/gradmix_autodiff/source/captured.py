"""What a function takes from outside: globals, variables of functions around it, defaults, attributes of these.

Emitted code calls each by a name of its own. Before each call the objects are looked up again: a number or an array
that has changed is seen, and what the code was built by, such as a function that was taken apart, must be the same.
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
        What emitted code calls it.
    get
        Looks it up.
    value
        What it was when the code was made.
    is_fixed
        Whether the code was made by its identity.
    origin
        What the user wrote.
    """

    key: tuple[Any, ...]
    name: str
    get: Callable[[], Any]
    value: Any
    is_fixed: bool
    origin: str


@dataclass
class Captures:
    """All objects from outside, by what they are and how they are reached."""

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
        """Whether the code still fits; what may change is entered into its namespace."""
        for each in self.found.values():
            try:
                now = each.get()
            except (AttributeError, LookupError):
                return False
            if now is each.value or (type(now) is MethodType and now == each.value):  # a method is made at each look-up
                continue
            if each.is_fixed or kind_of(now) != kind_of(each.value):
                return False
            each.value = namespace[each.name] = now
        return True


def kind_of(value: Any) -> Any:
    """What emitted code depends on in a captured value: whether it is a number, and the dimensions of an array."""
    if isinstance(value, np.ndarray):
        return "array", value.ndim, value.dtype.kind
    if isinstance(value, bool | int | float | np.generic):
        return "number"
    if isinstance(value, list | tuple):
        return type(value), tuple(kind_of(each) for each in value[:64]), len(value)
    return type(value)


def ndim_of(value: Any) -> int | None:
    """Dimensions of a captured value: 0 for a number, None for what is neither number nor array."""
    if isinstance(value, np.ndarray):
        return value.ndim
    return 0 if isinstance(value, bool | int | float | np.generic) else None


def lookup(function: FunctionType, name: str) -> Callable[[], Any] | None:
    """How a function looks up a name; None if the name is unknown."""
    if name in function.__code__.co_freevars:
        cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
        return lambda: cell.cell_contents
    if name in function.__globals__:
        return lambda: function.__globals__[name]
    return (lambda: getattr(builtins, name)) if hasattr(builtins, name) else None


def is_complex(value: Any) -> bool:
    """Whether it is a complex number, or an array of some."""
    return isinstance(value, complex | np.complexfloating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "c"
    )


def is_random(value: Any) -> bool:
    """Whether it draws random numbers: a generator, its methods, or those of the modules `random` and `np.random`."""
    if isinstance(value, _RANDOM) or isinstance(getattr(value, "__self__", None), _RANDOM):
        return True
    return isinstance(value, ModuleType) and value in (random, np.random)


def is_data(value: Any) -> bool:
    """Whether it is a number, an array or a container, rather than an object of the program."""
    return isinstance(value, np.ndarray | bool | int | float | complex | str | list | tuple | dict | set | np.generic)


def is_hashable(value: Any) -> bool:
    """Whether it may be looked up in a table."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_in(value: Any, table: Any) -> bool:
    """Whether an object, which may be any, is in a table."""
    return is_hashable(value) and value in table
