"""Make a component's options from a signature: each parameter becomes a field."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from gradmix.contracts.component import Component
from gradmix.contracts.docstring import opening, sections
from gradmix.contracts.option_types import Seed

ComponentT = TypeVar("ComponentT", bound=Component)

_PLAIN = (bool, int, float, str, type(None), tuple)
"""Types of defaults of options; a parameter with a default of another type does not become an option."""


def fields_of(function: Callable[..., Any], without: Collection[str] = ()) -> list[tuple[str, Any, Any]]:
    """Return a field for each parameter of a function or of a class's ``__init__``: name, type, field.

    The type is the annotation. Without an annotation it is a seed for ``random_state``, bool if the default is a bool,
    and otherwise any plain value, which the function itself has to check.
    """
    fields = []
    hints = _hints(function)
    for each in inspect.signature(function).parameters.values():
        default = tuple(each.default) if isinstance(each.default, list) else each.default
        is_plain = default is each.empty or isinstance(default, _PLAIN)
        if each.name in without or not is_plain or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        inferred: Any = Seed if each.name == "random_state" else bool if isinstance(default, bool) else Any
        field: Any = dataclasses.field(default=dataclasses.MISSING if default is each.empty else default)
        fields.append((each.name, hints.get(each.name, inferred), field))
    return fields


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    annotated = vars(function).get("__init__", object) if isinstance(function, type) else function
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except NameError:  # the module imports a name for type checkers only
        return {}


def make_component(
    base: type[ComponentT], name: str, fields: list[tuple[str, Any, Any]], content: Mapping[str, Any]
) -> type[ComponentT]:
    """Make a component's dataclass; its module is the caller's, two frames up.

    Raises
    ------
    TypeError
        If an option has the name of an attribute that every component of the kind has.
    """
    for option, *_ in fields:
        if option in content or hasattr(base, option):
            raise TypeError(f"{name} cannot have an option {option}: every {base.kind} has an attribute of that name")
    home = sys._getframe(2).f_globals.get("__name__", __name__)
    component = dataclasses.make_dataclass(name, fields, bases=(base,), namespace=dict(content), kw_only=True)
    component.__module__ = home  # since Python 3.12, `make_dataclass` sets it to its own caller's
    return typing.cast("type[ComponentT]", component)


def described(function: Callable[..., Any]) -> str:
    """Return the parts of a function's docstring that a component needs: the first paragraph and the parameters."""
    text = function.__doc__ or f"{function.__module__}.{function.__name__}."
    parameters = sections(text).get("Parameters")
    return f"{opening(text)}\n\nParameters\n----------\n{parameters}" if parameters else opening(text)
