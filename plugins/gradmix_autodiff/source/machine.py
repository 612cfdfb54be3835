"""The functions of `prelude` in the forms that numba compiles: of numbers, and of arrays of one or two dimensions.

Importing this module imports numba. For other combinations of arguments, numba raises a typing error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from gradmix_autodiff.source import prelude

types: Any = import_module("numba.core.types")

_Form = Callable[..., Any]


def _is_number(kind: Any) -> bool:
    return isinstance(kind, types.Number | types.Boolean)


def _ndim(kind: Any) -> int:
    """Return the dimensions of a type; −1 for anything except numbers and arrays."""
    return kind.ndim if isinstance(kind, types.Array) else 0 if _is_number(kind) else -1


def _form(function: Callable[..., Any]) -> Callable[[_Form], _Form]:
    """Register a function that chooses the compiled form by the types of arguments; None means no form."""

    def register(choose: _Form) -> _Form:
        import_module("numba.extending").overload(function, strict=False)(choose)
        return choose

    return register


def _elementwise(function: Callable[..., Any], of_numbers: _Form, of_arrays: _Form) -> None:
    """Register the two forms of a function of numbers and arrays."""

    @_form(function)
    def choose(*kinds: Any) -> _Form | None:
        if any(_ndim(kind) < 0 for kind in kinds):
            return None
        return of_numbers if all(map(_is_number, kinds)) else of_arrays


def _chosen(y: Any, one: Any, other: Any) -> Any:
    if one == other:
        return 0.5
    return 1.0 if one == y else 0.0


def _chosen_of_arrays(y: Any, one: Any, other: Any) -> Any:
    return np.where(np.equal(one, other), 0.5, np.where(np.equal(one, y), 1.0, 0.0))


def _power_by_base(a: Any, b: Any) -> Any:
    return 0.0 if b == 0 else b * a ** (b - 1.0)


def _power_by_base_of_arrays(a: Any, b: Any) -> Any:
    return np.where(np.equal(b, 0), 0.0, b * np.power(a, b - 1.0))


def _power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    if a > 0:
        return y * math.log(a)
    return 0.0 if a == 0 else math.nan


def _power_by_exponent_of_arrays(y: Any, a: Any, b: Any) -> Any:
    elsewhere = np.where(np.equal(a, 0), 0.0, np.nan)
    return np.where(np.greater(a, 0), y * np.log(np.where(np.greater(a, 0), a, 1.0)), elsewhere)


def _direction(a: Any, y: Any) -> Any:
    return 0.0 if a == 0 else math.copysign(1.0, a)


def _direction_of_arrays(a: Any, y: Any) -> Any:
    return np.sign(a)


def _ratio(a: Any, y: Any) -> Any:
    return 0.0 if y == 0 else a / y


def _ratio_of_arrays(a: Any, y: Any) -> Any:
    return np.where(np.equal(y, 0), 0.0, a / np.where(np.equal(y, 0), 1.0, y))


def _root_of_square_plus_one(a: Any) -> Any:
    return math.hypot(a, 1.0)


def _root_of_square_plus_one_of_arrays(a: Any) -> Any:
    return np.hypot(a, 1.0)


_elementwise(prelude.chosen, _chosen, _chosen_of_arrays)
_elementwise(prelude.power_by_base, _power_by_base, _power_by_base_of_arrays)
_elementwise(prelude.power_by_exponent, _power_by_exponent, _power_by_exponent_of_arrays)
_elementwise(prelude.direction, _direction, _direction_of_arrays)
_elementwise(prelude.ratio, _ratio, _ratio_of_arrays)
_elementwise(prelude.root_of_square_plus_one, _root_of_square_plus_one, _root_of_square_plus_one_of_arrays)


@_form(prelude.spread)
def _spread(t: Any, like: Any) -> Any:
    return (lambda t, like: t + np.zeros(np.shape(like))) if _ndim(t) >= 0 and _ndim(like) > 0 else None


@_form(prelude.unbroadcast)
def _unbroadcast(t: Any, like: Any) -> Any:
    dimensions = _ndim(t), _ndim(like)
    if dimensions == (0, 0):
        return lambda t, like: t
    if dimensions[0] > 0 and dimensions[1] == 0:
        return lambda t, like: np.sum(t)
    if dimensions[0] == 0 and dimensions[1] > 0:
        return lambda t, like: t + np.zeros(np.shape(like))
    return {(1, 1): _unbroadcast_vector, (2, 2): _unbroadcast_matrix, (2, 1): _unbroadcast_to_vector}.get(dimensions)


def _unbroadcast_vector(t: Any, like: Any) -> Any:
    if len(like) == len(t):
        return np.copy(t)
    found = np.zeros(np.shape(like))
    for i in range(max(len(t), len(like))):
        found[i if len(like) > 1 else 0] += t[i if len(t) > 1 else 0]
    return found


def _unbroadcast_matrix(t: Any, like: Any) -> Any:
    found = np.zeros(np.shape(like))
    m, n = like.shape
    for i in range(max(m, t.shape[0])):
        for j in range(max(n, t.shape[1])):
            found[i if m > 1 else 0, j if n > 1 else 0] += t[i if t.shape[0] > 1 else 0, j if t.shape[1] > 1 else 0]
    return found


def _unbroadcast_to_vector(t: Any, like: Any) -> Any:
    found = np.zeros(np.shape(like))
    for i in range(t.shape[0]):
        for j in range(t.shape[1]):
            found[j if len(like) > 1 else 0] += t[i, j]
    return found


@_form(prelude.unsummed)
def _unsummed(t: Any, like: Any, axis: Any, keepdims: Any) -> Any:
    if _ndim(t) == 0:
        return lambda t, like, axis, keepdims: t + np.zeros(np.shape(like))
    if isinstance(axis, types.Integer) and _ndim(t) == 1 and _ndim(like) == 2:
        return _unsummed_vector
    if _ndim(t) == _ndim(like):
        return lambda t, like, axis, keepdims: t + np.zeros(np.shape(like))
    return None


def _unsummed_vector(t: Any, like: Any, axis: Any, keepdims: Any) -> Any:
    found = np.empty(np.shape(like))
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            found[i, j] = t[j] if axis in (0, -2) else t[i]
    return found


def _is_none(kind: Any) -> bool:
    return kind is None or isinstance(kind, types.NoneType | types.Omitted)


@_form(prelude.share_of_max)
def _share_of_max(a: Any, axis: Any) -> Any:
    if _is_none(axis) and _ndim(a) > 0:
        return lambda a, axis: _share_of_equal(a, np.max(a))
    return _share_of_max_in_lines if isinstance(axis, types.Integer) and _ndim(a) == 2 else None


@_form(prelude.share_of_min)
def _share_of_min(a: Any, axis: Any) -> Any:
    if _is_none(axis) and _ndim(a) > 0:
        return lambda a, axis: _share_of_equal(a, np.min(a))
    return _share_of_min_in_lines if isinstance(axis, types.Integer) and _ndim(a) == 2 else None


def _share_of_max_in_lines(a: Any, axis: Any) -> Any:
    found = np.empty(np.shape(a))
    if axis in (0, -2):
        for j in range(a.shape[1]):
            found[:, j] = _share_of_equal(a[:, j], np.max(a[:, j]))
    else:
        for i in range(a.shape[0]):
            found[i] = _share_of_equal(a[i], np.max(a[i]))
    return found


def _share_of_min_in_lines(a: Any, axis: Any) -> Any:
    return prelude.share_of_max(-a, axis)


@import_module("numba").njit(cache=True)  # type: ignore[untyped-decorator]
def _share_of_equal(a: Any, extreme: Any) -> Any:
    is_it = np.where(np.equal(a, extreme), 1.0, 0.0)
    return is_it / np.sum(is_it)


@_form(prelude.part_of)
def _part_of(d: Any, sizes: Any, place: Any, axis: Any) -> Any:
    return _part_of_vector if _ndim(d) == 1 else None


def _part_of_vector(d: Any, sizes: Any, place: Any, axis: Any) -> Any:
    start = 0
    for i in range(place):
        start += sizes[i]
    return np.copy(d[start : start + sizes[place]])


@_form(prelude.taken)
def _taken(change: Any, test: Any) -> Any:
    return (lambda change, test: np.where(test, change, 0.0)) if 0 <= _ndim(test) <= _ndim(change) else None


@_form(prelude.span)
def _span(n: Any, index: Any) -> Any:
    if isinstance(index, types.SliceType):
        return _span_of_slice
    return _span_of_number if isinstance(index, types.Integer) else lambda n, index: slice(0, n, 1)


def _span_of_number(n: Any, index: Any) -> Any:
    first = index + n if index < 0 else index
    return slice(first, first + 1, 1)


def _span_of_slice(n: Any, index: Any) -> Any:
    start, stop, step = index.indices(n)
    count = len(range(start, stop, step))
    last = start + (count - 1) * step
    return slice(min(start, last), max(start, last) + 1, 1) if count > 0 else slice(0, 0, 1)


@_form(prelude.as_floats)
def _as_floats(array: Any) -> Any:
    if isinstance(array, types.List) and _is_number(array.dtype):
        return lambda array: np.array(array) * 1.0
    is_of_floats = isinstance(array, types.Array) and isinstance(array.dtype, types.Float)
    return (lambda array: array) if is_of_floats else None


@_form(prelude.as_mask)
def _as_mask(index: Any) -> Any:
    is_mask = isinstance(index, types.Array) and isinstance(index.dtype, types.Boolean)
    return (lambda index: index) if is_mask else None


@_form(prelude.add_at)
def _add_at(array: Any, index: Any, d: Any) -> Any:
    if _ndim(array) != 1 or _ndim(index) != 1:
        return None
    return _add_at_mask if isinstance(index.dtype, types.Boolean) else _add_at_places


def _add_at_mask(array: Any, index: Any, d: Any) -> None:
    values = d + np.zeros(np.sum(index))
    k = 0
    for i in range(len(array)):
        if index[i]:
            array[i] += values[k]
            k += 1


def _add_at_places(array: Any, index: Any, d: Any) -> None:
    values = d + np.zeros(len(index))
    for k in range(len(index)):
        array[index[k]] += values[k]
