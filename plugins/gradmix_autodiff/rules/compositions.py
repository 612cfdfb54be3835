"""NumPy's functions in terms of others that have rules: they need none of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.structure import (
    BROADCAST,
    CUMSUM,
    FLIP,
    GETITEM,
    IMAG,
    JOIN,
    MATMUL,
    MAX,
    MIN,
    REAL,
    RESHAPE,
    SELECT,
    SETITEM,
    SUM,
    TRANSPOSE,
    Axis,
    gather,
    positions_after,
)
from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, ELEMENTWISE
from gradmix_autodiff.traced import Traced, TracedArray, as_array, holds_traced, operand, operate, plain_value


def _arr(x: Any) -> Any:
    """A number or array, whatever it came as."""
    return x if isinstance(x, Traced) else as_array(x) if holds_traced(x) else np.asarray(x)


def moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that only moves entries of its first argument: by the positions that it gives for positions."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = _arr(x)
        shape = np.shape(x)
        return gather(x, positions_after(function, shape, *map(plain_value, args), **kwargs), shape)

    return composition


def moved_into_zeros(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `moved`, for a function whose other entries are zero."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = _arr(x)
        size = math.prod(np.shape(x))
        positions = function(np.arange(1, size + 1).reshape(np.shape(x)), *args, **kwargs)
        return gather(np.concatenate([np.zeros(1), np.ravel(x)]), positions, (size + 1,))

    return composition


def moved_apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `moved`, for a function that returns several arrays."""

    def composition(x: Any, *args: Any, **kwargs: Any) -> Any:
        shape = np.shape(x)
        parts = positions_after(function, shape, *args, **kwargs)
        return [gather(x, part, shape) for part in parts]

    return composition


# indexing


def _getitem(x: Any, index: Any) -> Any:
    index = plain_index(index)
    if not np.ndim(x):
        return x if index == () else np.reshape(x, np.shape(np.zeros(())[index]))
    return operate(GETITEM, x, index)


def plain_index(index: Any) -> Any:
    """An index with nothing traced in it."""
    return tuple(map(plain_value, index)) if isinstance(index, tuple) else plain_value(index)


def _setitem(x: Any, index: Any, value: Any) -> Any:
    value = operand(value)
    return operate(SETITEM, x, value if isinstance(value, Traced) else np.asarray(value), plain_index(index))


def _take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    return moved(np.take)(a, plain_value(indices), axis, mode=mode)


def _take_along(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    return moved(np.take_along_axis)(arr, plain_value(indices), axis)


# sums, means and their relatives


def _masked(x: Any, where: Any, filling: float) -> Any:
    return x if where is True else np.where(where, x, filling)


def _rounded(x: Any, dtype: Any) -> Any:
    return x if dtype is None or np.dtype(dtype) in (np.float64, np.complex128) else astype(x, np.dtype(dtype))


def _sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 0.0,
    where: Any = True,
) -> Any:
    x = _masked(_rounded(_arr(a), dtype), where, 0.0)
    total = operate(SUM, x, axis=axis, keepdims=keepdims)
    return total if type(initial) in (int, float) and initial == 0 else total + initial


def _count(x: Any, axis: Axis, where: Any = True, keepdims: bool = True) -> Any:
    if where is True:
        return math.prod(np.shape(x)[each] for each in structure._axes(axis, np.ndim(x)))
    return np.sum(np.broadcast_to(where, np.shape(x)), axis=axis, keepdims=keepdims)


def _mean(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    x = _rounded(_arr(a), dtype)
    return _sum(x, axis, keepdims=keepdims, where=where) / _count(x, axis, where, keepdims)


def _average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    a = _arr(a)
    if weights is None:
        mean, total = _mean(a, axis, keepdims=keepdims), _count(a, axis)
    else:
        weights = _arr(weights)
        if np.shape(weights) != np.shape(a):
            if not isinstance(axis, int) or np.ndim(weights) != 1:
                raise NotImplementedError("weights of another shape, along several axes")
            kept = [1] * np.ndim(a)
            kept[axis] = -1
            weights = np.reshape(weights, tuple(kept))
        total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
        mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, np.broadcast_to(total, np.shape(mean))) if returned else mean


def _var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    x = _rounded(_arr(a), dtype)
    center = _mean(x, axis, keepdims=True, where=where) if mean is None else mean
    squares = np.square(np.abs(x - center) if np.iscomplexobj(x) else x - center)
    degrees = _count(x, axis, where, keepdims) - (ddof if correction is None else correction)
    return _sum(squares, axis, keepdims=keepdims, where=where) / degrees


def _std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """As a norm, which has a derivative of 0 where all entries are equal."""
    x = _rounded(_arr(a), dtype)
    center = _mean(x, axis, keepdims=True, where=where) if mean is None else mean
    degrees = _count(x, axis, where, keepdims) - (ddof if correction is None else correction)
    return _norm_over(_masked(x - center, where, 0.0), axis, keepdims) / np.sqrt(degrees)


def _norm_over(x: Any, axis: Axis, keepdims: bool) -> Any:
    """The Euclidean norm over any axes."""
    axes = structure._axes(axis, np.ndim(x))
    kept = structure._kept(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(np.transpose(x, [*rest, *axes]), (*(np.shape(x)[place] for place in rest), -1))
    found = operate(structure.NORM, flat, axis=-1)
    return np.reshape(found, kept) if keepdims else found


def _prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 1.0,
    where: Any = True,
) -> Any:
    """By halves, so that zeros are no exception and the depth is logarithmic."""
    x = _masked(_rounded(_arr(a), dtype), where, 1.0)
    axes, kept = structure._axes(axis, np.ndim(x)), structure._kept(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(
        np.transpose(x, [*axes, *rest]),
        (math.prod(np.shape(x)[place] for place in axes), *(np.shape(x)[place] for place in rest)),
    )
    while (n := np.shape(flat)[0]) > 1:
        pairs = flat[: n // 2] * flat[n // 2 : n // 2 * 2]
        flat = np.concatenate([pairs, flat[n // 2 * 2 :]]) if n % 2 else pairs
    product = flat[0] if np.shape(flat)[0] else np.ones(np.shape(flat)[1:])[()]
    product = np.reshape(product, kept) if keepdims else product
    return product if type(initial) in (int, float) and initial == 1 else product * initial


def _extreme(rule: Any, ufunc: np.ufunc) -> Callable[..., Any]:
    def composition(
        a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        x = _arr(a)
        if where is not True:
            if initial is None:
                raise ValueError(
                    "reduction operation has no identity, so to use a where mask one has to specify 'initial'"
                )
            x = np.where(where, x, -np.inf if rule is MAX else np.inf)
        found = operate(rule, x, axis=axis, keepdims=keepdims)
        return found if initial is None else ufunc(found, initial)

    return composition


_max, _min = _extreme(MAX, np.maximum), _extreme(MIN, np.minimum)


def _without_nan(function: Callable[..., Any], filling: float) -> Callable[..., Any]:
    """The function of what is left when NaN is filled."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = _arr(a)
        return function(np.where(np.isnan(plain_value(x)), filling, x), *args, **kwargs)

    return composition


def _where_not_nan(function: Callable[..., Any]) -> Callable[..., Any]:
    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = _arr(a)
        is_there = ~np.isnan(plain_value(x))
        return function(np.where(is_there, x, 0.0), *args, **{**kwargs, "where": is_there})

    return composition


def _nan_extreme(function: Callable[..., Any], filling: float) -> Callable[..., Any]:
    return _without_nan(lambda x, axis=None, out=None, keepdims=False: function(x, axis, keepdims=keepdims), filling)


def _cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    x = _rounded(_arr(a), dtype)
    if axis is None:
        return operate(CUMSUM, np.ravel(x), 0)
    return operate(CUMSUM, x, int(axis) % np.ndim(x))


def _cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """By doubling: log n products of whole arrays, zeros included."""
    x = _rounded(_arr(a), dtype)
    x, along = (np.ravel(x), 0) if axis is None else (x, int(axis) % np.ndim(x))
    n, step = np.shape(x)[along], 1
    before: tuple[slice, ...] = (slice(None),) * along
    while step < n:
        product = x[(*before, slice(step, None))] * x[(*before, slice(None, -step))]
        x = np.concatenate([x[(*before, slice(None, step))], product], axis=along)
        step *= 2
    return +x


def _accumulated_extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def composition(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        value = plain_value(array)
        best = ufunc.accumulate(value, axis=axis)
        places = np.arange(np.shape(value)[axis]).reshape((-1,) + (1,) * (np.ndim(value) - 1 - axis % np.ndim(value)))
        is_new = np.equal(value, best)
        last = np.maximum.accumulate(np.where(is_new, np.broadcast_to(places, np.shape(value)), -1), axis=axis)
        return _take_along(array, np.maximum(last, 0), axis)

    return composition


def _ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    return _max(a, axis, keepdims=keepdims) - _min(a, axis, keepdims=keepdims)


# order


def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Any:
    x = np.ravel(a) if axis is None else _arr(a)
    along = -1 if axis is None else axis
    return _take_along(x, np.argsort(plain_value(x), axis=along, kind="stable"), along)


def _partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Any:
    x = np.ravel(a) if axis is None else _arr(a)
    along = -1 if axis is None else axis
    return _take_along(x, np.argpartition(plain_value(x), kth, axis=along, kind=kind), along)


def _median(a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _quantile(a, 0.5, axis, keepdims=keepdims)


_FRACTIONS: dict[str, Callable[[Any, int], Any]] = {
    "linear": lambda q, n: q * (n - 1),
    "lower": lambda q, n: np.floor(plain_value(q) * (n - 1)),
    "higher": lambda q, n: np.ceil(plain_value(q) * (n - 1)),
    "midpoint": lambda q, n: (np.floor(plain_value(q) * (n - 1)) + np.ceil(plain_value(q) * (n - 1))) / 2,
    "hazen": lambda q, n: np.clip(q * n - 0.5, 0.0, n - 1.0),
    "weibull": lambda q, n: np.clip(q * (n + 1) - 1.0, 0.0, n - 1.0),
    "median_unbiased": lambda q, n: np.clip(q * (n + 1 / 3) - 2 / 3, 0.0, n - 1.0),
    "normal_unbiased": lambda q, n: np.clip(q * (n + 0.25) - 0.625, 0.0, n - 1.0),
}
"""Method → where in the sorted entries a quantile is."""


def _quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    if method not in _FRACTIONS or weights is not None:
        raise NotImplementedError(f"method={method!r}" if weights is None else "weights")
    x, q = _arr(a), _arr(q)
    axes, kept = structure._axes(axis, np.ndim(x)), structure._kept(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(np.transpose(x, [*axes, *rest]), (-1, *(np.shape(x)[place] for place in rest)))
    ordered = _sort(flat, axis=0)
    n = np.shape(flat)[0]
    place = _FRACTIONS[method](q, n)
    low = np.clip(np.floor(plain_value(place)).astype(int), 0, n - 1)
    high = np.minimum(low + 1, n - 1)
    share = np.reshape(place - low, np.shape(low) + (1,) * len(rest))
    below, above = ordered[low], ordered[high]
    found = np.where(
        np.equal(plain_value(share), 0),
        below + 0.0 * share if isinstance(share, Traced) else below,
        below + share * (above - below),
    )[()]
    return np.reshape(found, np.shape(low) + kept) if keepdims else found


# shapes


def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if order != "C":
        return moved(np.reshape)(a, shape, order=order)
    x = _arr(a)
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
    return operate(RESHAPE, x, shape)


def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, (-1,), order="F" if order == "F" else "C")


def _transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    x = _arr(a)
    ndim = np.ndim(x)
    order = tuple(range(ndim))[::-1] if axes is None else tuple(int(axis) % ndim for axis in axes)
    return operate(TRANSPOSE, x, order)


def _axes_moved(mover: Callable[..., Any]) -> Callable[..., Any]:
    """A function that permutes axes: ask NumPy for the permutation, then transpose."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        stand_in = np.empty(tuple(range(2, 2 + np.ndim(a))), dtype=bool)  # each axis has a length of its own
        return _transpose(a, [length - 2 for length in np.shape(mover(stand_in, *args, **kwargs))])

    return composition


def _reshaped_as(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that only changes the shape: ask NumPy for the new one."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        stand_in = np.broadcast_to(np.False_, np.shape(a))
        return _reshape(a, np.shape(function(stand_in, *args, **kwargs)))

    return composition


def _atleast(function: Callable[..., Any]) -> Callable[..., Any]:
    one = _reshaped_as(function)
    return lambda *arrays: one(*arrays) if len(arrays) == 1 else tuple(map(one, map(_arr, arrays)))


def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return operate(BROADCAST, _arr(array), shape)


def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(each, shape) for each in arrays)


def _flip(m: Any, axis: Axis = None) -> Any:
    return operate(FLIP, _arr(m), structure._axes(axis, np.ndim(m)))


def _concatenate(
    arrays: Sequence[Any], /, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    parts = [_arr(each) for each in arrays]
    if axis is None:
        parts, axis = [np.ravel(each) for each in parts], 0
    return _rounded(operate(JOIN, *parts, axis=int(axis)), dtype)


def _stack(arrays: Sequence[Any], axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "") -> Any:
    return np.concatenate([np.expand_dims(_arr(each), axis) for each in arrays], axis=axis)


def _hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "") -> Any:
    wide = [np.atleast_1d(_arr(each)) for each in tup]
    return np.concatenate(wide, axis=0 if np.ndim(wide[0]) == 1 else 1)


def _vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "") -> Any:
    return np.concatenate([np.atleast_2d(_arr(each)) for each in tup], axis=0)


def _dstack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.atleast_3d(_arr(each)) for each in tup], axis=2)


def _column_stack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.reshape(_arr(a), (-1, 1)) if np.ndim(a) < 2 else _arr(a) for a in tup], axis=1)


def _block(arrays: Any) -> Any:
    depth = _depth(arrays)

    def build(entry: Any, level: int) -> Any:
        if not isinstance(entry, list):
            x = _arr(entry)
            return np.reshape(x, (1,) * max(0, depth - np.ndim(x)) + np.shape(x))
        return np.concatenate([build(each, level + 1) for each in entry], axis=level - depth)

    return build(arrays, 0)


def _depth(entry: Any) -> int:
    return 1 + _depth(entry[0]) if isinstance(entry, list) else 0


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(_arr(arr)), np.ravel(_arr(values))])
    return np.concatenate([_arr(arr), _arr(values)], axis=axis)


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = _arr(arr), _arr(values)
    size = math.prod(np.shape(arr))
    along = np.ravel(arr) if axis is None else arr
    places = np.insert(
        np.arange(size).reshape(np.shape(along)),
        obj,
        size + np.arange(math.prod(np.shape(values))).reshape(np.shape(values)),
        axis=axis,
    )
    pool = np.concatenate([np.ravel(arr), np.ravel(values)])
    return gather(pool, places, np.shape(pool))


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if mode == "constant":
        filling = options.get("constant_values", 0)
        inner = moved_into_zeros(np.pad)(array, pad_width)
        if type(filling) in (int, float) and filling == 0:
            return inner
        frame = np.pad(np.zeros(np.shape(array)), pad_width, constant_values=plain_value(filling))
        return inner + frame
    if mode in ("edge", "reflect", "symmetric", "wrap") and options.get("reflect_type", "even") == "even":
        return moved(np.pad)(array, pad_width, mode, **options)
    raise NotImplementedError(f"mode={mode!r}")


def _tri(function: Callable[..., Any]) -> Callable[..., Any]:
    def composition(m: Any, k: int = 0) -> Any:
        return np.where(function(np.ones(np.shape(m)[-2:], dtype=bool), k), m, 0.0)

    return composition


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Any:
    return np.sum(np.diagonal(_arr(a), offset, axis1, axis2), axis=-1)


def _diag(v: Any, k: int = 0) -> Any:
    return (moved_into_zeros if np.ndim(v) == 1 else moved)(np.diag)(v, k)


# choices


def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None:
        return np.where(plain_value(condition))
    return operate(SELECT, plain_value(condition), operand(x), operand(y))


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = a_min if min is None else min, a_max if max is None else max
    x = +_arr(a) if low is None else np.maximum(_arr(a), low)
    return x if high is None else np.minimum(x, high)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = np.where(plain_value(condition), choice, result)
    return result


def _choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    parts = np.broadcast_arrays(*(_arr(each) for each in choices))
    which = np.broadcast_to(plain_value(a), np.shape(parts[0]))
    return np.take_along_axis(np.stack(parts), np.choose(which, np.arange(len(parts)), mode=mode)[None], 0)[0]


def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    conditions = [plain_value(each) for each in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.logical_or.reduce(conditions))
    result: Any = np.zeros(np.shape(x))
    for condition, function in zip(conditions, funclist, strict=True):
        result = np.where(condition, function(x, *args, **kwargs) if callable(function) else function, result)
    return result


def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    value = plain_value(x)
    fixed = np.nan_to_num(value, nan=nan, posinf=posinf, neginf=neginf)
    return np.where(np.isfinite(value), x, fixed)


# products


def _dot(a: Any, b: Any, out: None = None) -> Any:
    a, b = _arr(a), _arr(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return operate(MATMUL, a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, axes=(-1, -2))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = _arr(a), _arr(b)
    if isinstance(axes, int):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    left, right = ([each % np.ndim(x) for each in np.atleast_1d(side)] for x, side in zip((a, b), axes, strict=True))
    kept_left = [axis for axis in range(np.ndim(a)) if axis not in left]
    kept_right = [axis for axis in range(np.ndim(b)) if axis not in right]
    inner = math.prod(np.shape(a)[axis] for axis in left)
    rows = np.reshape(np.transpose(a, [*kept_left, *left]), (math.prod(np.shape(a)[x] for x in kept_left), inner))
    columns = np.reshape(np.transpose(b, [*right, *kept_right]), (inner, math.prod(np.shape(b)[x] for x in kept_right)))
    shape = [np.shape(a)[axis] for axis in kept_left] + [np.shape(b)[axis] for axis in kept_right]
    return np.reshape(np.matmul(rows, columns), tuple(shape))


def _einsum(subscripts: Any, *operands: Any, optimize: Any = False, **options: Any) -> Any:
    if not isinstance(subscripts, str) or options.keys() - {"order", "casting", "dtype"}:
        raise NotImplementedError("subscripts as lists, or out=")
    arrays = [_arr(each) for each in operands]
    inputs, output = _explicit(subscripts.replace(" ", ""), arrays)
    reduced = [_diagonals(letters, array) for letters, array in zip(inputs, arrays, strict=True)]
    return structure.einsum(
        ",".join(letters for letters, _ in reduced) + "->" + output, *(array for _, array in reduced)
    )


def _explicit(subscripts: str, arrays: Sequence[Any]) -> tuple[list[str], str]:
    """Letters of each operand and of the result, with letters for an ellipsis."""
    left, arrow, output = subscripts.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ValueError("einstein sum subscripts do not match the number of operands")
    free = [letter for letter in structure._LETTERS if letter not in subscripts]
    most = max(
        (np.ndim(x) - len(i.replace("...", "")) for i, x in zip(inputs, arrays, strict=True) if "..." in i), default=0
    )
    dots = "".join(free[:most])
    inputs = [
        i.replace("...", dots[most - (np.ndim(x) - len(i.replace("...", ""))) :])
        for i, x in zip(inputs, arrays, strict=True)
    ]
    if arrow:
        return inputs, output.replace("...", dots)
    letters = "".join(inputs)
    once = sorted(letter for letter in set(letters) - set(dots) if letters.count(letter) == 1)
    return inputs, dots + "".join(once)


def _diagonals(letters: str, array: Any) -> tuple[str, Any]:
    """Take diagonals where a letter comes twice."""
    for letter in letters:
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            array = np.diagonal(array, axis1=first, axis2=second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return letters, array


def _inner(a: Any, b: Any, /) -> Any:
    a, b = _arr(a), _arr(b)
    return np.tensordot(a, b, axes=(-1, -1)) if np.ndim(a) and np.ndim(b) else a * b


def _outer(a: Any, b: Any, out: None = None) -> Any:
    return np.reshape(_arr(a), (-1, 1)) * np.reshape(_arr(b), (1, -1))


def _kron(a: Any, b: Any) -> Any:
    a, b = _arr(a), _arr(b)
    ndim = max(np.ndim(a), np.ndim(b))
    one, other = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    product = np.reshape(a, [n for size in one for n in (size, 1)]) * np.reshape(
        b, [n for size in other for n in (1, size)]
    )
    return np.reshape(product, tuple(m * n for m, n in zip(one, other, strict=True)))


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(_arr(a), axisa, -1), np.moveaxis(_arr(b), axisb, -1)
    if np.shape(x)[-1] == np.shape(y)[-1] == 2:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    x0, x1, x2 = _coordinates(x)
    y0, y1, y2 = _coordinates(y)
    parts = np.broadcast_arrays(x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0)
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _coordinates(x: Any) -> tuple[Any, Any, Any]:
    return x[..., 0], x[..., 1], x[..., 2] if np.shape(x)[-1] == 3 else np.zeros(np.shape(x)[:-1])


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(_arr(a)), np.atleast_1d(_arr(v))
    if np.shape(v)[0] > np.shape(a)[0]:
        a, v = v, a
    n, m = np.shape(a)[0], np.shape(v)[0]
    places = np.arange(n + m - 1)[:, None] - np.arange(m)
    is_inside = (places >= 0) & (places < n)
    full = np.where(is_inside, a[np.clip(places, 0, n - 1)], 0.0) @ v
    begin, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    return full[begin : begin + length]


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = np.atleast_1d(_arr(a)), np.atleast_1d(_arr(v))
    if np.shape(v)[0] > np.shape(a)[0]:
        return np.flip(_correlate(np.conjugate(v), np.conjugate(a), mode))
    if mode == "same":
        n, m = np.shape(a)[0], np.shape(v)[0]
        return _convolve(a, np.flip(np.conjugate(v)), "full")[m // 2 : m // 2 + n]
    return _convolve(a, np.flip(np.conjugate(v)), mode)


# differences and integrals


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    x = _arr(a)
    axis = axis % np.ndim(x)
    ends = [
        np.broadcast_to(_arr(end), [1 if i == axis else size for i, size in enumerate(np.shape(x))])
        if end is not None and np.ndim(end) == 0
        else end
        for end in (prepend, append)
    ]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    x = np.concatenate(parts, axis=axis) if len(parts) > 1 else x
    before = (slice(None),) * axis
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x if n else +x


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [np.ravel(_arr(to_begin))] if to_begin is not None else []
    parts.append(np.diff(np.ravel(ary)))
    return np.concatenate(parts + ([np.ravel(_arr(to_end))] if to_end is not None else []))


def _gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Linear in f: the weights are NumPy's own."""
    f = _arr(f)
    axes = structure._axes(axis, np.ndim(f))
    spacings = [1.0] * len(axes) if not varargs else list(varargs) * (len(axes) if len(varargs) == 1 else 1)
    found = []
    for along, spacing in zip(axes, spacings, strict=True):
        weights = np.gradient(np.eye(np.shape(f)[along]), plain_value(spacing), axis=0, edge_order=edge_order)
        if isinstance(spacing, Traced):
            if np.ndim(spacing):
                raise NotImplementedError("a spacing that is differentiated by, unless it is one number")
            weights = weights * plain_value(spacing) / spacing
        found.append(np.moveaxis(np.tensordot(weights, f, axes=(1, along)), 0, along))
    return found[0] if len(found) == 1 else tuple(found)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(_arr(y), axis, -1)
    if x is None:
        widths: Any = dx
    else:
        widths = np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(_arr(x), axis, -1))
    return np.sum(widths * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: None = None) -> Any:
    if period is not None:
        raise NotImplementedError("period")
    x, xp, fp = _arr(x), _arr(xp), _arr(fp)
    at, known = plain_value(x), plain_value(xp)
    place = np.clip(np.searchsorted(known, at, side="right") - 1, 0, max(0, np.shape(xp)[0] - 2))
    x0, x1, y0, y1 = xp[place], xp[place + 1], fp[place], fp[place + 1]
    inside = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    inside = np.where(np.equal(at, known[-1]), fp[-1] + 0.0 * inside, inside)
    low = np.where(at < known[0], fp[0] if left is None else left, inside)
    return np.where(at > known[-1], fp[-1] if right is None else right, low)[()]


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    value = plain_value(p)
    return p + (np.unwrap(value, discont, axis, period=period) - value)


def _sinc(x: Any) -> Any:
    x = _arr(x)
    return operate(ELEMENTWISE["sinc"], x)


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: None = None,
) -> Any:
    n = num - 1 if endpoint else num
    start, stop = _arr(start), _arr(stop)
    share = np.reshape(np.arange(num) / max(n, 1), (num,) + (1,) * max(np.ndim(start), np.ndim(stop)))
    found = start * (1.0 - share) + stop * share
    found = np.moveaxis(found, 0, axis) if axis else found
    return (found, (stop - start) / n) if retstep else found


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    return np.power(base, _linspace(start, stop, num, endpoint, axis=axis))


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    sign = np.sign(plain_value(start))
    return sign * np.exp(_linspace(np.log(start * sign), np.log(stop * sign), num, endpoint, axis=axis))


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = _arr(x)
    n = np.shape(x)[0] if N is None else N
    powers = np.stack([x**k for k in range(n)], axis=-1) if n else np.zeros((np.shape(x)[0], 0))
    return powers if increasing else np.flip(powers, 1)


def _polyval(p: Any, x: Any) -> Any:
    result: Any = np.zeros(np.shape(x))
    for coefficient in _arr(p):
        result = result * x + coefficient
    return result


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    if fweights is not None or aweights is not None:
        raise NotImplementedError("weights")
    rows = _arr(m) if rowvar or np.ndim(m) == 1 else np.transpose(_arr(m))
    rows = np.atleast_2d(rows)
    if y is not None:
        others = _arr(y) if rowvar or np.ndim(y) == 1 else np.transpose(_arr(y))
        rows = np.concatenate([rows, np.atleast_2d(others)])
    centered = rows - np.mean(rows, axis=1, keepdims=True)
    degrees = (0 if bias else 1) if ddof is None else ddof
    return np.squeeze(centered @ np.transpose(centered) / (np.shape(rows)[1] - degrees))


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    covariance = _cov(x, y, rowvar)
    if np.ndim(covariance) == 0:
        return covariance / covariance
    scale = np.sqrt(np.diag(covariance))
    return covariance / scale[:, None] / scale[None, :]


# new arrays, and types


def astype(x: Any, dtype: np.dtype[Any]) -> Any:
    """A copy; a narrower floating-point type rounds the value."""
    if dtype.kind == "c" and dtype.itemsize >= 16:
        return x + 0j
    if dtype.kind != "f":
        raise DifferentiationError(f"a traced value cannot become {dtype}: that has no derivative.")
    if dtype.itemsize >= 8:
        return +x
    value = plain_value(x)
    return x + (np.asarray(value).astype(dtype).astype(float) - value)


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def composition(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: None = None
    ) -> Any:
        return _constant_like(a, make(np.shape(a) if shape is None else shape, dtype=dtype or np.float64))

    return composition


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: None = None,
) -> Any:
    shape = np.shape(a) if shape is None else shape
    if isinstance(fill_value, Traced):
        return +np.broadcast_to(_rounded(fill_value, dtype), shape)
    plain = np.full(shape, fill_value, dtype=dtype or np.float64)
    return _constant_like(a, plain) if isinstance(a, Traced) else plain


def _constant_like(x: Any, plain: Any) -> Any:
    """A plain array, traced like `x`, so that traced values can be written into it; as it is unless it holds floats."""
    if plain.dtype != np.float64 or not plain.ndim or not isinstance(x, Traced):
        return plain
    return x.constant(plain)


def _made(x: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A new array that is traced like `x`."""
    if function is np.full:
        filling, *rest = (*args[1:], *kwargs.values())
        return _full_like(x, filling, rest[0] if rest else None, shape=args[0])
    return _constant_like(x, function(*args, **kwargs))


def _array(
    object: Any,  # noqa: A002 -- NumPy's name
    dtype: Any = None,
    *,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    x = as_array(object)
    x = _rounded(x, dtype) if isinstance(x, Traced) else np.array(x, dtype=dtype)
    x = np.reshape(x, (1,) * (ndmin - np.ndim(x)) + np.shape(x)) if np.ndim(x) < ndmin else x
    return +x if copy and isinstance(x, Traced) else x


def _asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, **options: Any) -> Any:
    """The same array, not a copy of it."""
    x = as_array(a)
    if not isinstance(x, Traced):
        return np.asarray(x, dtype=dtype)
    return +x if copy else _rounded(x, dtype)


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, TracedArray):
        raise NotImplementedError("a plain array as the destination; write np.zeros(n, like=x) to make one")
    dst[...] = np.broadcast_to(src, np.shape(dst)) if where is True else np.where(where, src, dst)


def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.degrees(angle) if deg else angle


def _real(val: Any) -> Any:
    return operate(REAL, val) if np.iscomplexobj(plain_value(val)) else val


def _imag(val: Any) -> Any:
    return operate(IMAG, val) if np.iscomplexobj(plain_value(val)) else np.zeros(np.shape(val))[()]


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = np.moveaxis(_arr(arr), axis, -1)
    lead = np.shape(arr)[:-1]
    results = [_arr(func1d(arr[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    whole = np.reshape(np.stack(results), lead + np.shape(results[0]))
    inner = np.ndim(results[0])
    return np.moveaxis(
        whole, range(len(lead), len(lead) + inner), range(axis % (len(lead) + 1), axis % (len(lead) + 1) + inner)
    )


def _tile(A: Any, reps: Any) -> Any:
    return moved(np.tile)(A, reps)


def _matmul(x1: Any, x2: Any, **options: Any) -> Any:
    return operate(MATMUL, _arr(x1), _arr(x2))


def install() -> None:
    """Enter these functions into the table."""
    COMPOSITIONS.update({"getitem": _getitem, "setitem": _setitem, "astype": astype, "made": _made, "gather": gather})
    COMPOSITIONS.update(_TABLE)
    for name in ("concat", "permute_dims", "pow", "matrix_transpose", "cumulative_sum", "cumulative_prod", "unstack"):
        function = getattr(np, name, None)
        if function is not None and name in _NEW_NAMES:
            COMPOSITIONS[function] = _NEW_NAMES[name]
    CONSTANT.update(_CONSTANT)


_NEW_NAMES: dict[str, Callable[..., Any]] = {
    "matrix_transpose": lambda x, /: np.swapaxes(x, -1, -2),
    "cumulative_sum": lambda x, /, *, axis=None, dtype=None, out=None, include_initial=False: _with_initial(
        _cumsum(x, 0 if axis is None else axis), axis, include_initial, 0.0
    ),
    "cumulative_prod": lambda x, /, *, axis=None, dtype=None, out=None, include_initial=False: _with_initial(
        _cumprod(x, 0 if axis is None else axis), axis, include_initial, 1.0
    ),
    "unstack": lambda x, /, *, axis=0: tuple(np.moveaxis(x, axis, 0)),
}


def _with_initial(x: Any, axis: int | None, is_wanted: bool, value: float) -> Any:
    if not is_wanted:
        return x
    along = 0 if axis is None else axis % np.ndim(x)
    first = np.full([1 if place == along else size for place, size in enumerate(np.shape(x))], value)
    return np.concatenate([first, x], axis=along)


_TABLE: dict[Any, Callable[..., Any]] = {
    # sums, means and their relatives
    np.sum: _sum,
    np.mean: _mean,
    np.average: _average,
    np.var: _var,
    np.std: _std,
    np.prod: _prod,
    np.max: _max,
    np.min: _min,
    np.ptp: _ptp,
    np.cumsum: _cumsum,
    np.cumprod: _cumprod,
    np.nansum: _without_nan(_sum, 0.0),
    np.nanprod: _without_nan(_prod, 1.0),
    np.nanmean: _where_not_nan(_mean),
    np.nanvar: _where_not_nan(_var),
    np.nanstd: _where_not_nan(_std),
    np.nanmax: _nan_extreme(_max, -np.inf),
    np.nanmin: _nan_extreme(_min, np.inf),
    np.nancumsum: _without_nan(_cumsum, 0.0),
    np.nancumprod: _without_nan(_cumprod, 1.0),
    np.median: _median,
    np.quantile: _quantile,
    np.percentile: lambda a, q, *args, **kwargs: _quantile(a, np.true_divide(q, 100), *args, **kwargs),
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    # order
    np.sort: _sort,
    np.partition: _partition,
    # shapes
    np.reshape: _reshape,
    np.ravel: _ravel,
    np.transpose: _transpose,
    np.swapaxes: _axes_moved(np.swapaxes),
    np.moveaxis: _axes_moved(np.moveaxis),
    np.rollaxis: _axes_moved(np.rollaxis),
    np.squeeze: _reshaped_as(np.squeeze),
    np.expand_dims: _reshaped_as(np.expand_dims),
    np.atleast_1d: _atleast(np.atleast_1d),
    np.atleast_2d: _atleast(np.atleast_2d),
    np.atleast_3d: _atleast(np.atleast_3d),
    np.broadcast_to: _broadcast_to,
    np.broadcast_arrays: _broadcast_arrays,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.hstack: _hstack,
    np.vstack: _vstack,
    np.dstack: _dstack,
    np.column_stack: _column_stack,
    np.block: _block,
    np.append: _append,
    np.insert: _insert,
    np.pad: _pad,
    np.flip: _flip,
    np.fliplr: lambda m: _flip(m, 1),
    np.flipud: lambda m: _flip(m, 0),
    np.rot90: moved(np.rot90),
    np.roll: moved(np.roll),
    np.repeat: moved(np.repeat),
    np.tile: _tile,
    np.resize: moved(np.resize),
    np.delete: moved(np.delete),
    np.trim_zeros: lambda filt, trim="fb": filt[_trimmed(plain_value(filt), trim)],
    np.split: moved_apart(np.split),
    np.array_split: moved_apart(np.array_split),
    np.hsplit: moved_apart(np.hsplit),
    np.vsplit: moved_apart(np.vsplit),
    np.dsplit: moved_apart(np.dsplit),
    np.diagonal: moved(np.diagonal),
    np.diag: _diag,
    np.diagflat: moved_into_zeros(np.diagflat),
    np.tril: _tri(np.tril),
    np.triu: _tri(np.triu),
    np.trace: _trace,
    np.take: _take,
    np.take_along_axis: _take_along,
    np.compress: lambda condition, a, axis=None, out=None: moved(
        lambda positions: np.compress(plain_value(condition), positions, axis)
    )(a),
    np.extract: lambda condition, arr: np.ravel(arr)[np.flatnonzero(plain_value(condition))],
    # choices
    np.where: _where,
    np.clip: _clip,
    np.select: _select,
    np.choose: _choose,
    np.piecewise: _piecewise,
    np.nan_to_num: _nan_to_num,
    np.fix: lambda x, out=None: np.fix(plain_value(x)),
    # products
    np.matmul: _matmul,
    np.dot: _dot,
    np.vdot: lambda a, b, /: np.sum(np.ravel(np.conjugate(_arr(a))) * np.ravel(_arr(b))),
    np.inner: _inner,
    np.outer: _outer,
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.kron: _kron,
    np.cross: _cross,
    np.convolve: _convolve,
    np.correlate: _correlate,
    np.vander: _vander,
    np.polyval: _polyval,
    # differences and integrals
    np.diff: _diff,
    np.ediff1d: _ediff1d,
    np.gradient: _gradient,
    np.trapezoid: _trapezoid,
    np.interp: _interp,
    np.unwrap: _unwrap,
    np.sinc: _sinc,
    np.i0: lambda x: operate(ELEMENTWISE["i0"], _arr(x)),
    # new arrays, and types
    np.linspace: _linspace,
    np.logspace: _logspace,
    np.geomspace: _geomspace,
    np.meshgrid: lambda *xi, indexing="xy", sparse=False, copy=True: _meshgrid(xi, indexing),
    np.zeros_like: _like(np.zeros),
    np.ones_like: _like(np.ones),
    np.empty_like: _like(np.zeros),
    np.full_like: _full_like,
    np.array: _array,
    np.asarray: _asarray,
    np.asanyarray: _asarray,
    np.ascontiguousarray: _asarray,
    np.copy: lambda a, order="K", subok=False: +_arr(a),
    np.copyto: _copyto,
    np.real: _real,
    np.imag: _imag,
    np.angle: _angle,
    np.real_if_close: lambda a, tol=100: np.real(a),
    np.apply_along_axis: _apply_along_axis,
    # methods of ufuncs
    (np.add, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=0.0, where=True: _sum(
        array, axis, dtype, None, keepdims, initial, where
    ),
    (np.multiply, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=1.0, where=True: _prod(
        array, axis, dtype, None, keepdims, initial, where
    ),
    (np.maximum, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=None, where=True: _max(
        array, axis, None, keepdims, initial, where
    ),
    (np.minimum, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=None, where=True: _min(
        array, axis, None, keepdims, initial, where
    ),
    (np.logaddexp, "reduce"): lambda array, axis=0, dtype=None, keepdims=False: _log_sum_exp(array, axis, keepdims),
    (np.add, "accumulate"): lambda array, axis=0, dtype=None: _cumsum(array, axis, dtype),
    (np.multiply, "accumulate"): lambda array, axis=0, dtype=None: _cumprod(array, axis, dtype),
    (np.maximum, "accumulate"): _accumulated_extreme(np.maximum),
    (np.minimum, "accumulate"): _accumulated_extreme(np.minimum),
    **{
        (ufunc, "outer"): lambda a, b, ufunc=ufunc: ufunc(np.reshape(_arr(a), np.shape(a) + (1,) * np.ndim(b)), _arr(b))
        for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.hypot)
    },
}
"""NumPy's function → the same, in terms of functions that have a rule."""


def _trimmed(values: Any, trim: str) -> slice:
    present = np.flatnonzero(values)
    if not present.size:
        return slice(0, 0)
    return slice(present[0] if "f" in trim.lower() else 0, present[-1] + 1 if "b" in trim.lower() else None)


def _log_sum_exp(array: Any, axis: Axis, keepdims: bool) -> Any:
    top = plain_value(_max(array, axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0.0)
    found = np.log(np.sum(np.exp(array - top), axis=axis, keepdims=True)) + top
    return found if keepdims else np.squeeze(found, structure._axes(axis, np.ndim(array)))


def _meshgrid(xi: Sequence[Any], indexing: str) -> Any:
    arrays = [np.ravel(_arr(x)) for x in xi]
    order = [1, 0, *range(2, len(arrays))] if indexing == "xy" and len(arrays) > 1 else list(range(len(arrays)))
    shape = [np.shape(arrays[place])[0] for place in order]
    grids = []
    for place, x in enumerate(arrays):
        kept = [1] * len(arrays)
        kept[order.index(place)] = -1
        grids.append(np.broadcast_to(np.reshape(x, tuple(kept)), tuple(shape)))
    return tuple(grids)


_CONSTANT: frozenset[Any] = frozenset(
    {np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.argpartition, np.all, np.any, np.isclose}
    | {np.allclose, np.array_equal, np.array_equiv, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted}
    | {np.isscalar, np.iscomplexobj, np.isrealobj, np.iscomplex, np.isreal, np.result_type, np.array_repr}
    | {np.array_str, np.array2string, np.round, np.around, np.nanargmax, np.nanargmin, np.argwhere, np.lexsort}
    | {np.digitize, np.bincount, np.isposinf, np.isneginf, np.may_share_memory, np.shares_memory, np.histogram}
    | {np.unravel_index, np.ravel_multi_index, np.can_cast, np.min_scalar_type, np.common_type, np.isin}
)
"""Functions whose result does not change with small changes of the arguments."""
