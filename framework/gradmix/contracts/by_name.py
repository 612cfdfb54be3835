"""Calling what a plugin has written with only those values on offer that it takes, each by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def lacking(function: Callable[..., Any], offered: Collection[str]) -> list[str]:
    """Names that a function insists on and that are not on offer, in its order.

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
    """Call a function with what it takes of what is offered; one with ``**`` takes all.

    >>> call_by_name(lambda b, c=3: (b, c), {"a": 1, "b": 2})
    (2, 3)
    """
    parameters = inspect.signature(function).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    taken = {name for name, parameter in parameters.items() if parameter.kind in _BY_NAME}
    return function(**{name: value for name, value in offered.items() if takes_all or name in taken})


def lend_by_name(function: Callable[..., Any], offered: Mapping[str, Any]) -> Any:
    """As `call_by_name`, but whoever writes into an array of what is offered is refused, so that all see the same.

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
    """An array itself, or those of a dataclass and of its parts."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _arrays(getattr(value, part.name, None))
