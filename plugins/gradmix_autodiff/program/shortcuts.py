"""Fast gradients of a prepared function at one array or number, without containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix_autodiff.program.simplify import FLOAT

if TYPE_CHECKING:
    from gradmix_autodiff.program.prepared import PreparedDifferentiator


def shortcut(prepared: PreparedDifferentiator, operator: str) -> Callable[..., Any] | None:
    """Return the shortcut of an operator; None if it has none, or the example is not one array or number."""
    argument = prepared.function.argument
    if argument.tree is not None or len(prepared.function.args) != 1 or operator not in _SHORT:
        return None
    place, make = _SHORT[operator]
    return make(prepared, place, argument.shapes[0])


def _of_array(
    prepared: PreparedDifferentiator, place: int | None, shape: tuple[int, ...], arrange: Callable[[Any], Any]
) -> Callable[..., Any]:
    """Return a derivative at one array of the given shape."""
    program, is_flat = prepared.program, len(shape) == 1

    def computed(x: Any = None, *more: Any) -> Any:
        if type(x) is not np.ndarray or x.dtype is not FLOAT or x.shape != shape or more:
            return None
        flags = x.flags
        if not flags.c_contiguous or not flags.writeable:
            return None
        found = program(x if is_flat else x.reshape(-1), place)
        return None if found is None else arrange(found)

    return computed


def _of_number(
    prepared: PreparedDifferentiator, place: int | None, arrange: Callable[[Any], Any]
) -> Callable[..., Any]:
    """Return a derivative at one number."""
    program = prepared.program

    def computed(x: Any = None, *more: Any) -> Any:
        if type(x) is not float or more:
            return None
        found = program(np.array([x]), place)
        return None if found is None else arrange(found)

    return computed


def _short_gradient(prepared: Any, place: int | None, shape: tuple[int, ...]) -> Callable[..., Any] | None:
    if 0 in shape:
        return None
    if not shape:
        return _of_number(prepared, place, lambda found: found[0][0])
    if len(shape) == 1:
        return _of_array(prepared, place, shape, lambda found: found[0])
    return _of_array(prepared, place, shape, lambda found: found[0].reshape(shape))


def _short_value_and_gradient(prepared: Any, place: int | None, shape: tuple[int, ...]) -> Callable[..., Any] | None:
    if 0 in shape:
        return None
    if not shape:
        return _of_number(prepared, place, lambda found: (found[0][0], found[1][0]))
    return _of_array(prepared, place, shape, lambda found: (found[0][0], found[1].reshape(shape)))


_SHORT: Mapping[str, tuple[int | None, Callable[..., Callable[..., Any] | None]]] = {
    "gradient": (1, _short_gradient),
    "value_and_gradient": (None, _short_value_and_gradient),
}
"""Operator → which result of the hook `first` it needs, and the function that creates its shortcut."""
