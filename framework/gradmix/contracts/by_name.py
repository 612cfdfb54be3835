"""Calls of plugins' functions by argument name: a function receives only the values that it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def lacking(function: Callable[..., Any], offered: Collection[str]) -> list[str]:
    """Return the names of required arguments of a function that are not offered, in the function's order.

    >>> lacking(lambda run, models, rounds=3: None, ["run", "model"])
    ['models']
    """
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and (name not in offered or parameter.kind not in _BY_NAME)
    ]


def call_by_name(function: Callable[..., Any], offered: Mapping[str, Any]) -> Any:
    """Call a function with those offered values that it takes; a function with ``**`` receives all.

    >>> call_by_name(lambda b, c=3: (b, c), {"a": 1, "b": 2})
    (2, 3)
    """
    parameters = inspect.signature(function).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    taken = {name for name, parameter in parameters.items() if parameter.kind in _BY_NAME}
    return function(**{name: value for name, value in offered.items() if takes_all or name in taken})


def lend_by_name(function: Callable[..., Any], offered: Mapping[str, Any]) -> Any:
    """Call a function as `call_by_name` does, with all offered arrays read-only, so that it cannot change them.

    >>> lend_by_name(lambda groups: groups.fill(1), {"groups": np.array([0, 1])})
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """
    arrays = [array for value in offered.values() for array in _arrays(value) if array.flags.writeable]
    for array in arrays:
        array.flags.writeable = False
    try:
        return call_by_name(function, offered)
    finally:
        for array in arrays:
            array.flags.writeable = True


def _arrays(value: Any) -> Iterator[NDArray[Any]]:
    """Yield a value that is an array, or the arrays in the fields of a dataclass, recursively."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _arrays(getattr(value, part.name, None))
