"""Calling a function on traced values: what it returns, and what it writes into plain arrays on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix import DifferentiationError
from gradmix_autodiff.dispatch import Handle, as_array, plain_value
from gradmix_autodiff.guidance import in_place

_overwritten: ContextVar[list[tuple[NDArray[Any], NDArray[Any]]] | None] = ContextVar("overwritten", default=None)
"""Plain arrays that the function wanted to update in place by traced values, and what they held."""


def evaluate(f: Callable[[Any], Any], point: Any) -> Any:
    """Call a function on a traced point; what it returns as a number, an array or a traced value."""
    overwritten: list[tuple[NDArray[Any], NDArray[Any]]] = []
    token = _overwritten.set(overwritten)
    try:
        result = result_of(f(point))
        if overwritten and np.isnan(plain_value(result)).any():
            raise in_place("an update in place of a plain array that has other names (y += x)", "y = y + x")
        return result
    except ValueError as error:
        if isinstance(error.__cause__, DifferentiationError):  # NumPy wraps it when an element is assigned
            raise error.__cause__ from None
        raise
    finally:
        _overwritten.reset(token)
        for array, before in reversed(overwritten):
            array[...] = before  # it may be the caller's


def result_of(y: Any) -> Any:
    """What a function returned, as a number, an array or a traced value."""
    if isinstance(y, Handle):
        return y
    if isinstance(y, list | tuple) or (isinstance(y, np.ndarray) and y.dtype == object):
        return as_array(y)
    if y is None or isinstance(y, str) or np.iscomplexobj(y):
        raise DifferentiationError(f"the function returned {y!r}; it must return real numbers.")
    return np.asarray(y, dtype=np.float64)[()]


def write(result: Any, out: NDArray[Any]) -> Any:
    """Do what ``out += x`` does to a plain array, as far as that is possible.

    An object array takes the traced entries. One of floats cannot; the name before ``+=`` stands for the result from
    now on. Other names for the same array would still show the old numbers: they show NaN instead, which `evaluate`
    notices.
    """
    if out.dtype == object:
        for place in np.ndindex(out.shape):
            out[place] = result[place]
        return out
    written = _overwritten.get()
    if written is None or not np.issubdtype(out.dtype, np.floating):
        raise in_place(f"an update of a plain array of {out.dtype}", "y = y + x instead of y += x")
    written.append((out, out.copy()))
    out[...] = np.nan
    return result
