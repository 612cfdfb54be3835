"""Description of an option's type in words, for messages, help and the reference."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal

from gradmix.contracts.option_types import Bounds, KeyOf, NameOf

_PLAIN_NAMES: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a string",
    type(None): "null",
    Any: "any plain value",
}
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def describe_type(annotation: Any) -> str:
    """Describe in words which values a type allows.

    >>> describe_type(Literal["full", "tied"])
    'one of full, tied'
    >>> describe_type(Annotated[int, Bounds(gt=0)])
    'an integer > 0'
    >>> describe_type(Annotated[float, Bounds(gt=0.0, le=0.5)])
    'a number > 0 and ≤ 0.5'
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner, *marks = arguments
        if keys := [key for mark in marks if isinstance(mark, KeyOf) for key in mark.keys]:
            return f"one of {', '.join(keys)}"
        if names := [name for mark in marks if isinstance(mark, NameOf) for name in mark.names]:
            return f"{'a list, each ' if typing.get_origin(inner) is tuple else ''}one of {', '.join(names)}"
        bounds = [
            f"{sign} {int(bound) if float(bound).is_integer() else bound}"  # typing treats > 0 and > 0.0 as equal
            for mark in marks
            if isinstance(mark, Bounds)
            for name, sign in _SIGNS.items()
            if (bound := getattr(mark, name)) is not None
        ]
        return f"{describe_type(inner)} {' and '.join(bounds)}".rstrip()
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    words = [describe_type(each) for each in arguments if each is not Ellipsis]
    if origin in (typing.Union, types.UnionType):
        return " or ".join(words)
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(words)}: {', '.join(words)}"
    if origin in (tuple, list):
        return f"a list, each {' or '.join(words)}"
    return _PLAIN_NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)))
