"""A component's options from a signature: each parameter is a field."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from gradmix.contracts.component import Component
from gradmix.contracts.docstring import opening, sections
from gradmix.contracts.options import Seed

ComponentT = TypeVar("ComponentT", bound=Component)

_PLAIN = (bool, int, float, str, type(None), tuple, list)
"""What an option's default may be; a parameter with any other default is no option."""


def fields_of(function: Callable[..., Any], without: Collection[str] = ()) -> list[tuple[str, Any, Any]]:
    """Fields for the parameters of a function or a class's ``__init__``: name, type, field.

    The type is the annotation. Without one it is true or false where the default is, a seed for ``random_state``,
    and else any plain value: what is right is then for the function to check.
    """
    hints = _hints(function)
    parameters = inspect.signature(function).parameters.values()
    options = [each for each in parameters if each.name not in without and _is_option(each)]
    return [(each.name, hints.get(each.name, _type_of(each)), _field(each)) for each in options]


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    annotated = vars(function).get("__init__", object) if isinstance(function, type) else function
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except NameError:  # names that the other's module imports for type checkers only
        return {}


def _is_option(parameter: inspect.Parameter) -> bool:
    is_plain = parameter.default is parameter.empty or isinstance(parameter.default, _PLAIN)
    return is_plain and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _type_of(parameter: inspect.Parameter) -> Any:
    if parameter.name == "random_state":
        return Seed
    return bool if isinstance(parameter.default, bool) else Any


def _field(parameter: inspect.Parameter) -> Any:
    default = tuple(parameter.default) if isinstance(parameter.default, list) else parameter.default
    return dataclasses.field() if default is parameter.empty else dataclasses.field(default=default)


def make_component(
    base: type[ComponentT], name: str, fields: list[tuple[str, Any, Any]], content: Mapping[str, Any]
) -> type[ComponentT]:
    """Make a component's dataclass, at home in the module that asked for it (two calls up).

    Raises
    ------
    TypeError
        If an option has the name of something that every component of the kind has.
    """
    for option, *_ in fields:
        if option in content or hasattr(base, option):
            raise TypeError(f"{name} cannot have an option {option}: every {base.kind} has something of that name")
    home = sys._getframe(2).f_globals.get("__name__", __name__)
    component = dataclasses.make_dataclass(
        name, fields, bases=(base,), namespace={**content, "__module__": home}, kw_only=True
    )
    return typing.cast("type[ComponentT]", component)


def described(function: Callable[..., Any]) -> str:
    """What a docstring says that a component's has to: its first paragraph, and its parameters."""
    text = function.__doc__ or f"{function.__module__}.{function.__name__}."
    parameters = sections(text).get("Parameters")
    return f"{opening(text)}\n\nParameters\n----------\n{parameters}" if parameters else opening(text)
