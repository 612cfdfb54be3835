"""Conversion between the flat vectors of hooks and the arguments of emitted functions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gradmix import Counted, DifferentiationError, FlatFunction
from gradmix.arrays import FunctionWithRule
from gradmix_autodiff.source.captured import kind_of, ndim_of
from gradmix_autodiff.source.forms import Entries, Parts, Thing, Value
from gradmix_autodiff.source.reading import inspectable

NODE = ast.Name("_", ast.Load())


def written_function(f: FlatFunction) -> tuple[Callable[..., Any], Counted | None]:
    """Return the function that the user has written, and the counter of its calls, if calls are counted."""
    inner, counter = (f.f.f, f.f) if isinstance(f.f, Counted) else (f.f, None)
    is_read = inspectable(inner) and not isinstance(inner, FunctionWithRule)
    return (inner if is_read else _called(inner, len(f.args))), counter


@lru_cache(maxsize=256)
def _called(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return a function that calls one whose derivative is a rule, such as np.sin or an implicit function."""

    def of_one(x: Any) -> Any:
        return function(x)

    def of_two(x: Any, y: Any) -> Any:
        return function(x, y)

    return of_one if count == 1 else of_two


def things(f: FlatFunction) -> dict[int, Thing]:
    """Place of an argument → what is known of it."""
    structure = f.argument
    shapes = iter(structure.shapes)
    if structure.tree is None:
        variables = Value(NODE, True, len(structure.shapes[0]))
    else:
        variables = _thing(
            structure.tree.unflatten(list(range(len(structure.shapes)))), [len(shape) for shape in shapes]
        )
    found = {place: Value(NODE, False, ndim_of(each), known=each) for place, each in enumerate(f.args)}
    if isinstance(f.argnums, tuple):
        assert isinstance(variables, Parts)
        return found | dict(zip(f.argnums, variables.parts, strict=True))
    return found | {f.argnums: variables}


def _thing(container: Any, ndims: list[int]) -> Thing:
    if isinstance(container, int):
        return Value(NODE, True, ndims[container])
    if type(container) is dict:
        return Entries({key: _thing(each, ndims) for key, each in container.items()})
    if type(container) in (list, tuple):
        return Parts(tuple(_thing(each, ndims) for each in container), type(container) is list)
    name = type(container).__name__
    raise DifferentiationError(f"source supports numbers, arrays, dicts, lists and tuples; given: {name}.")


def constants_key(f: FlatFunction) -> tuple[Any, ...]:
    """Return the properties of the constant arguments that emitted code depends on."""
    return tuple(kind_of(each) if not callable(each) else (each,) for each in f.args) if len(f.args) > 1 else ()


def placed(f: FlatFunction, x: Any, is_scalar_code: bool) -> list[Any]:
    """Return the arguments at a point; with `is_scalar_code`, numbers and vectors read by entries are Python floats."""
    if is_scalar_code and f.argument.tree is None:
        shape = f.argument.shapes[0]
        value = float(x[0]) if not shape else x.tolist() if len(shape) == 1 else f.argument.arrange(x)
    else:
        value = f.argument.arrange(x)
    return f.arguments(value)


def flattened_bars(f: FlatFunction, bars: Any) -> Any:
    """Return adjoints, which are arranged as the arguments, as one vector."""
    if f.argument.tree is None:
        return np.array(bars, dtype=np.float64).reshape(-1)
    places = f.argument.tree.unflatten(list(range(len(f.argument.shapes))))
    found: list[Any] = [None] * len(f.argument.shapes)
    pairs: list[tuple[Any, Any]] = [(places, (bars,) if isinstance(f.argnums, tuple) and len(f.argnums) == 1 else bars)]
    while pairs:
        place, part = pairs.pop()
        if isinstance(place, int):
            found[place] = np.asarray(part, dtype=np.float64).reshape(-1)
        else:
            keys = place.keys() if isinstance(place, dict) else range(len(place))
            pairs += [(place[key], part[key]) for key in keys]
    return np.concatenate(found) if found else np.zeros(0)
