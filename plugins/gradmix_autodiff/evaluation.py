"""Call functions on traced values, and handle what they return and what they write into plain arrays."""

from __future__ import annotations

import cmath
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from types import FrameType
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff import engine
from gradmix_autodiff.guidance import aliased_plain_array, compiled_code, in_place, within_scipy
from gradmix_autodiff.traced import Traced, TracedArray, is_complex, plain_value

engine.install()

_is_evaluating: ContextVar[bool] = ContextVar("is_evaluating", default=False)


def evaluate(f: Callable[[Any], Any], point: Any) -> Any:
    """Call a flat function on a traced point, and return its result as an array or a traced value."""
    token = _is_evaluating.set(True)
    try:
        y = f(point)
        if isinstance(y, Traced) and is_complex(y):
            raise DifferentiationError(f"the function returned {plain_value(y)!r}; it must return real numbers.")
        return y
    except (
        AttributeError,
        RuntimeError,
        SystemError,
        TypeError,
        ValueError,
    ) as error:  # SystemError: compiled code ignored another exception
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


_MOST_OF_A_PRODUCT = 8192
"""Largest number of entries of a product for which the linear algebra library starts no threads, which are slower."""


def is_finite(derivative: Any) -> bool:
    """Return whether all entries of a derivative are finite: its product with itself hardly ever overflows."""
    plain = derivative if type(derivative) is np.ndarray else plain_value(derivative)
    if isinstance(plain, Traced):  # a symbol, whose program sees to it
        return plain.is_finite()  # type: ignore[attr-defined, no-any-return]
    flat = plain if type(plain) is np.ndarray and plain.ndim == 1 else np.ravel(plain, "K")
    if len(flat) <= _MOST_OF_A_PRODUCT:
        square = flat.dot(flat)
    else:
        parts = (flat[start : start + _MOST_OF_A_PRODUCT] for start in range(0, len(flat), _MOST_OF_A_PRODUCT))
        square = sum(part.dot(part) for part in parts)
    return cmath.isfinite(square) or bool(np.isfinite(plain).all())


def write(result: Any, out: Any, most_references: Callable[[Any], int] | None = None) -> Any:
    """Write a result into a plain array, as ``out += x`` does, as far as possible.

    An object array takes the traced entries. An array of floats cannot: instead, the name before ``+=`` refers to the
    result afterwards. Other names of the same array would still show the old numbers, so this is an error if any exist.

    Parameters
    ----------
    result
        The value to write.
    out
        The plain array to write into.
    most_references
        Returns the number of references to the plain array up to which nothing else can read it; None if this is not
        known.

    Raises
    ------
    DifferentiationError
        If other names or views of the array would miss the update.
    """
    references = sys.getrefcount(out)
    if (counted := _counted.get()) is not None:
        counted.append(references)
        return result
    if isinstance(out, Traced):
        if not isinstance(out, TracedArray):
            raise in_place("out= with a number", "the operation without out=")
        out.update(result, "out=", "the operation without out=")
        return out
    if not isinstance(result, Traced):
        out[...] = result
        return out
    if out.dtype == object:
        for place in np.ndindex(out.shape):
            out[place] = result[place]
        return out
    if not _is_evaluating.get() or not np.issubdtype(out.dtype, np.floating):
        raise in_place(f"an in-place update of a plain array of {out.dtype}", "y = y + x instead of y += x")
    if most_references is None or out.base is not None or references > most_references(out):
        raise aliased_plain_array()
    return result


def references_to_a_local(out: Any) -> int:
    """Return how many references `write` may count for an array that only the name in ``out += x`` refers to.

    Since Python 3.14, the interpreter may use a local variable without counting a reference. Then an array of one
    variable has as many references as in the example below, and an array that only an object or a list holds has one
    more. An array of two variables may have as few as that of one, so the variables are counted instead.
    """
    example = _references_of_an_updated_local()
    if not _BORROWS:
        return example
    match _variables_with(out):
        case 0:
            return example + 1
        case 1:
            return example
        case _:
            return 0


def references_to_a_temporary(out: Any) -> int:
    """Return how many references `write` may count for an array that was created for an argument ``out=``."""
    return 0 if _BORROWS and _variables_with(out) else _references_of_a_temporary()


_BORROWS = sys.version_info >= (3, 14)


def _variables_with(out: Any) -> int:
    """Return how many local variables of the calling functions refer to an array.

    Variables that closures share are left out: a cell holds their reference, which is always counted.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals["__name__"].startswith("gradmix_autodiff."):
        frame = frame.f_back
    count = 0
    while frame is not None:
        shared, values = frame.f_code.co_cellvars, frame.f_locals
        count += sum(values.get(name) is out for name in frame.f_code.co_varnames if name not in shared)
        frame = frame.f_back
    return count


@cache
def _references_of_an_updated_local() -> int:
    def update(x: Any) -> None:
        y = np.zeros(1)
        y += x

    return _references_in(update)


@cache
def _references_of_a_temporary() -> int:
    return _references_in(lambda x: np.add(x, x, out=np.zeros(1)))


def _references_in(update: Callable[[Any], object]) -> int:
    from gradmix_autodiff.recording import Recording
    from gradmix_autodiff.taped import leaf

    token = _counted.set([])
    try:
        update(leaf(np.zeros(1), Recording()))
        return _counted.get()[0]  # type: ignore[index]
    finally:
        _counted.reset(token)


_counted: ContextVar[list[int] | None] = ContextVar("counted", default=None)
