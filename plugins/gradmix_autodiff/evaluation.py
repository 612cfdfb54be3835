"""Calling a function on traced values: what it returns, and what it writes into plain arrays on the way."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix import DifferentiationError
from gradmix_autodiff import engine
from gradmix_autodiff.guidance import aliased_plain_array, compiled_code, in_place, within_scipy
from gradmix_autodiff.traced import Traced, plain_value

engine.install()

_is_evaluating: ContextVar[bool] = ContextVar("is_evaluating", default=False)


def evaluate(f: Callable[[Any], Any], point: Any) -> Any:
    """Call a flat function on a traced point; what it returns as an array or a traced value."""
    token = _is_evaluating.set(True)
    try:
        y = f(point)
        if isinstance(y, Traced) and np.iscomplexobj(plain_value(y)):
            raise DifferentiationError(f"the function returned {plain_value(y)!r}; it must return real numbers.")
        return y
    except (AttributeError, TypeError, ValueError) as error:
        if guided := within_scipy(error):
            raise guided from error
        if isinstance(error.__cause__, DifferentiationError):  # NumPy wraps it when an element is assigned
            raise error.__cause__ from None
        if isinstance(error, TypeError | ValueError) and not isinstance(error, DifferentiationError):
            guided = compiled_code(error)
            if guided:
                raise guided from error
        raise
    finally:
        _is_evaluating.reset(token)


def is_finite(derivative: Any) -> bool:
    """Whether all entries of a derivative are finite; by a product with itself, which hardly ever overflows."""
    plain = plain_value(derivative)
    return math.isfinite(np.vdot(plain, plain)) or bool(np.isfinite(plain).all())


def write(result: Any, out: NDArray[Any]) -> Any:
    """Do what ``out += x`` does to a plain array, as far as that is possible.

    An object array takes the traced entries. One of floats cannot; the name before ``+=`` stands for the result from
    now on. Other names for the same array would still show the old numbers, so it is refused if there are any.

    Raises
    ------
    DifferentiationError
        If other names or views would have to see the update.
    """
    if (counted := _counted.get()) is not None:
        counted.append(sys.getrefcount(out))
        return result
    if isinstance(out, Traced):
        out.update(result, "an operation with out=", "the operation without out=")
        return out
    if not isinstance(result, Traced):
        out[...] = result
        return out
    if out.dtype == object:
        for place in np.ndindex(out.shape):
            out[place] = result[place]
        return out
    if not _is_evaluating.get() or not np.issubdtype(out.dtype, np.floating):
        raise in_place(f"an update of a plain array of {out.dtype}", "y = y + x instead of y += x")
    if out.base is not None or sys.getrefcount(out) > _references_to_a_local():
        raise aliased_plain_array()
    return result


@cache
def _references_to_a_local() -> int:
    """References that `write` sees to an array that one local variable alone holds, when it is updated in place."""
    from gradmix_autodiff.recording import Recording
    from gradmix_autodiff.taped import leaf

    token = _counted.set([])
    try:
        y = np.zeros(1)
        y += leaf(np.zeros(1), Recording())
        return _counted.get()[0]  # type: ignore[index]
    finally:
        _counted.reset(token)


_counted: ContextVar[list[int] | None] = ContextVar("counted", default=None)
