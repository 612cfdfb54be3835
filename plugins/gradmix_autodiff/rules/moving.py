"""Moving entries of arrays: functions that only move entries, indexing, and the basis of all compositions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.rules.structure import GETITEM, SETITEM, gather
from gradmix_autodiff.traced import (
    Traced,
    TracedArray,
    as_array,
    holds_traced,
    operand,
    operate,
    plain_value,
    relate,
)


def array_of(x: Any) -> Any:
    """Return any input as a number or an array."""
    return x if isinstance(x, Traced) else as_array(x) if holds_traced(x) else np.asarray(x)


def moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compose a function that only moves entries of its first argument, by applying it to an array of positions."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = array_of(x)
        return _taken(x, lambda places: function(places, *map(plain_value, args), **kwargs))[0]

    return composition


def _taken(x: Any, step: Callable[[Any], Any]) -> list[Any]:
    """Return the entries that `step` takes from an array or its positions: a view where NumPy gives a view."""
    shape = np.shape(x)
    places = np.arange(math.prod(shape)).reshape(shape)
    parts = step(places)
    is_one = not isinstance(parts, list | tuple)
    results = []
    for at, part in enumerate([parts] if is_one else parts):
        result = gather(x, part, shape)
        if isinstance(result, TracedArray) and np.may_share_memory(places, part):
            relate(x, result, step if is_one else lambda places, at=at: step(places)[at])  # type: ignore[misc]
        results.append(result)
    return results


def moved_into_zeros(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compose as `moved` does, for a function whose other entries are zero."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = array_of(x)
        size = math.prod(np.shape(x))
        positions = function(np.arange(1, size + 1).reshape(np.shape(x)), *args, **kwargs)
        return gather(np.concatenate([np.zeros(1), np.ravel(x)]), positions, (size + 1,))

    return composition


def moved_apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compose as `moved` does, for a function that returns several arrays."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        return _taken(x, lambda places: function(places, *args, **kwargs))

    return composition


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``."""
    index = plain_index(index)
    if not np.ndim(x):
        if index == ():
            return +x if isinstance(x, TracedArray) else x  # the number that a view without axes shows now
        return np.reshape(x, np.shape(np.zeros(())[index]))
    return operate(GETITEM, x, index)


def plain_index(index: Any) -> Any:
    """Return an index without traced values."""
    return tuple(map(plain_value, index)) if isinstance(index, tuple) else plain_value(index)


def setitem(x: Any, index: Any, value: Any) -> Any:
    """Return a copy of x in which ``x[index]`` is `value`."""
    value = operand(value)
    return operate(SETITEM, x, value if isinstance(value, Traced) else np.asarray(value), plain_index(index))


def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    """``np.take``."""
    return moved(np.take)(a, plain_value(indices), axis, mode=mode)


def take_along(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``."""
    return moved(np.take_along_axis)(arr, plain_value(indices), axis)


def rounded(x: Any, dtype: Any) -> Any:
    """Return a copy of the type given by an argument ``dtype=``; x itself if that changes nothing."""
    return x if dtype is None or np.dtype(dtype) in (np.float64, np.complex128) else astype(x, np.dtype(dtype))


def astype(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return a copy; a narrower floating-point type rounds the value."""
    if dtype.kind == "c" and dtype.itemsize >= 16:
        return x + 0j
    if dtype.kind != "f":
        raise DifferentiationError(f"a traced value cannot be converted to {dtype}: the conversion has no derivative.")
    if dtype.itemsize >= 8:
        return +x
    value = plain_value(x)
    return x + (np.asarray(value).astype(dtype).astype(float) - value)
