"""Coefficients c[0..n] of a truncated series: an array with a first axis for the order, or a list.

Lists hold Python floats, whose arithmetic is fastest for single numbers, or values that another differentiation
traces. Arrays and lists are sliced in the same way, so that each recurrence is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import mul
from typing import Any

import numpy as np

from gradmix_autodiff.traced import Traced, plain_value

Coefficients = Any
"""c[0..n]: `numpy.ndarray` of shape (n + 1, …), or a list."""


def new(y: Any, order: int) -> Coefficients:
    """Return coefficients of which only the first is set."""
    if type(y) is np.ndarray and y.ndim:
        found = np.empty((order + 1, *y.shape), dtype=np.result_type(y.dtype, np.float64))
        found[0] = y
        return found
    return [number(y), *[None] * order]


def number(y: Any) -> Any:
    """Return a number as a Python float, if it is plain and real."""
    if type(y) is np.ndarray and not y.ndim:
        y = y[()]
    return float(y) if isinstance(y, np.floating) else y


def constant_series(value: Any, order: int) -> Coefficients:
    """Return the series of a constant: zeros from order 1 on."""
    found = new(value, order)
    zero = 0.0 if type(found) is list and not np.ndim(value) else np.zeros(np.shape(value))
    for k in range(1, order + 1):
        found[k] = zero
    return found


def alike(*series: Coefficients) -> tuple[Coefficients, ...]:
    """Return all series as arrays, or all as lists, so that their slices can be multiplied."""
    kinds = {type(each) for each in series}
    if len(kinds) == 1:
        return series
    if any(type(each) is list and isinstance(each[0], Traced) for each in series):
        return tuple(list(each) for each in series)
    return tuple(np.asarray(each) for each in series)


def dot(one: Coefficients, other: Coefficients) -> Any:
    """Return Σ one[j] · other[j]; 0 for empty sequences."""
    if type(one) is list:
        return sum(map(mul, one, other))
    if one.ndim == other.ndim == 1:
        return one @ other
    return np.einsum("k...,k...->...", one, other)


def stacked(series: Coefficients) -> Any:
    """Return the coefficients as one array, shape (n + 1, …), which may be traced."""
    if type(series) is not list:
        return series
    if any(isinstance(each, Traced) for each in series):
        arrays: list[Any] = [each if isinstance(each, Traced) else np.asarray(each) for each in series]
        return np.stack(arrays)
    return np.array(series)


def unstacked(y: Any, rows: Any) -> Coefficients:
    """Return one series from the coefficient y and the stacked coefficients of order 1 and higher."""
    found = new(y, len(rows))
    if type(found) is list:
        found[1:] = map(number, rows)
    else:
        found[1:] = rows
    return found


def whole(series: Coefficients) -> Coefficients:
    """Return coefficients that all have the shape of the first; broadcasting may have left others smaller."""
    if type(series) is not list or type(series[0]) is float or not np.shape(series[0]):
        return series
    shape = np.shape(series[0])
    return [each if np.shape(each) == shape else np.broadcast_to(each, shape) for each in series]


def each_order(y: Any, change: Callable[..., Any], *series: Coefficients) -> Coefficients:
    """Return y, followed by a linear function of the coefficients of each higher order, broadcast as y is."""
    if type(y) is float:
        return [y, *map(change, *(c[1:] for c in series))]
    found = new(y, len(series[0]) - 1)
    if type(found) is not list and all(type(c) is not list and c.ndim == found.ndim for c in series):
        found[1:] = change(*(c[1:] for c in series))
        return found
    for k in range(1, len(found)):
        found[k] = change(*(c[k] for c in series))
    return whole(found)


def derived(series: Coefficients) -> Coefficients:
    """Return the series of the derivative, which is shorter by one."""
    if type(series) is list:
        return [k * each for k, each in enumerate(series)][1:]
    return series[1:] * np.reshape(np.arange(1.0, len(series)), (-1, *(1,) * (series.ndim - 1)))


def divisor(x: Any) -> Any:
    """Return a coefficient to divide by: 1/0 is infinite, as in NumPy."""
    return np.float64(x) if type(x) is float and not x else x


def has_zero(x: Any) -> bool:
    """Return whether any entry is 0."""
    return not x if type(x) is float else bool(np.any(np.equal(plain_value(x), 0)))
