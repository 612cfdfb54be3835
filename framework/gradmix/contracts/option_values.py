"""Values of options: checked and converted by the option's type."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import ConfigError, PluginError
from gradmix.contracts.options import Option

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def check_option(option: Option, value: Any, owner: str) -> Any:
    """Check a plain value (numbers, strings, lists; NumPy's scalars and arrays) and convert it to the option's type.

    Raises
    ------
    ConfigError
        If the value is wrong. The message names the option with its owner (``clusterer.tol``), the given value and the
        allowed values.
    PluginError
        If a config cannot express the option's type.
    """
    from pydantic import ValidationError

    path = f"{owner}.{option.name}".lstrip(".")
    read = _read_again if type(value) in (str, int, float, bool) else _read
    try:
        checked = read(option.type, path, value)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"{path} must be {option.allowed}; given: {value!r}.") from error
    if option.names:
        for name in option.named(checked):
            option.names.check(name, path)
    return checked


def _read(annotation: Any, path: str, value: Any) -> Any:
    # Strict by the rules of JSON: "3" is not a number and true is not 1, but a list can become a tuple.
    return adapter_of(annotation, path).validate_json(json.dumps(value, default=_plain), strict=True)


_read_again = lru_cache(maxsize=1024, typed=True)(_read)
"""`_read` with a cache, because each fit checks all options again."""


@cache
def adapter_of(annotation: Any, path: str) -> TypeAdapter[Any]:
    """Return the validator for the option at a path; raise PluginError if a config cannot express its type."""
    from pydantic import PydanticUserError, TypeAdapter

    try:
        adapter = TypeAdapter(annotation)
        adapter.json_schema()  # raises for functions, which no config can express
    except PydanticUserError:
        raise PluginError(
            f"the field {path} has the type {getattr(annotation, '__name__', annotation)}, which a config cannot "
            "express. Its type must be int, float, str, bool, None, Literal[…], or list or tuple of these; an array is "
            "given as a list."
        ) from None
    return adapter


def plain(value: Any) -> Any:
    """Convert an option's value for JSON and YAML: tuples and arrays become lists, paths become strings."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    """Convert NumPy's scalars and arrays, and paths, to types that JSON supports."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"{type(value).__name__} is not a plain value")
