"""NumPy's functions that change shapes, join, split and repeat, in terms of functions that have rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.moving import array_of, moved, moved_apart, moved_into_zeros, rounded, take, take_along
from gradmix_autodiff.rules.structure import BROADCAST, FLIP, JOIN, RESHAPE, TRANSPOSE, Axis, gather
from gradmix_autodiff.traced import operate, plain_value


def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if order != "C":
        _check_order(a, order)
        return moved(np.reshape)(a, shape, order=order)
    x = array_of(a)
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
    reshaped = operate(RESHAPE, x, shape)
    return +reshaped if copy else reshaped


def _ravel(a: Any, order: str = "C") -> Any:
    _check_order(a, order)
    return _reshape(a, (-1,), order="F" if order == "F" else "C")


def _check_order(a: Any, order: str) -> None:
    if order not in "CF" and np.ndim(a) > 1:  # the memory order of an intermediate value is not guaranteed
        raise NotImplementedError(f"order={order!r}")


def _transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    x = array_of(a)
    ndim = np.ndim(x)
    order = tuple(range(ndim))[::-1] if axes is None else tuple(int(axis) % ndim for axis in axes)
    return operate(TRANSPOSE, x, order)


def _axes_moved(mover: Callable[..., Any]) -> Callable[..., Any]:
    """Compose a function that permutes axes: NumPy gives the permutation, then transpose."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        stand_in = np.empty(tuple(range(2, 2 + np.ndim(a))), dtype=bool)  # each axis has a different length
        return _transpose(a, [length - 2 for length in np.shape(mover(stand_in, *args, **kwargs))])

    return composition


def _reshaped_as(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compose a function that only changes the shape: NumPy gives the new shape."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        stand_in = np.broadcast_to(np.False_, np.shape(a))
        return _reshape(a, np.shape(function(stand_in, *args, **kwargs)))

    return composition


def _atleast(function: Callable[..., Any]) -> Callable[..., Any]:
    one = _reshaped_as(function)
    return lambda *arrays: one(*arrays) if len(arrays) == 1 else tuple(map(one, map(array_of, arrays)))


def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return operate(BROADCAST, array_of(array), shape)


def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(each, shape) for each in arrays)


def _flip(m: Any, axis: Axis = None) -> Any:
    return operate(FLIP, array_of(m), structure.axes_of(axis, np.ndim(m)))


def _concatenate(
    arrays: Sequence[Any], /, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    parts = [array_of(each) for each in arrays]
    if axis is None:
        parts, axis = [np.ravel(each) for each in parts], 0
    return rounded(operate(JOIN, *parts, axis=int(axis)), dtype)


def _stack(arrays: Sequence[Any], axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "") -> Any:
    return np.concatenate([np.expand_dims(array_of(each), axis) for each in arrays], axis=axis, dtype=dtype)


def _hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "") -> Any:
    wide = [np.atleast_1d(array_of(each)) for each in tup]
    return np.concatenate(wide, axis=0 if np.ndim(wide[0]) == 1 else 1, dtype=dtype)


def _vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "") -> Any:
    return np.concatenate([np.atleast_2d(array_of(each)) for each in tup], axis=0, dtype=dtype)


def _dstack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.atleast_3d(array_of(each)) for each in tup], axis=2)


def _column_stack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.reshape(array_of(a), (-1, 1)) if np.ndim(a) < 2 else array_of(a) for a in tup], axis=1)


def _block(arrays: Any) -> Any:
    depth = _depth(arrays)

    def build(entry: Any, level: int) -> Any:
        if not isinstance(entry, list):
            x = array_of(entry)
            return np.reshape(x, (1,) * max(0, depth - np.ndim(x)) + np.shape(x))
        return np.concatenate([build(each, level + 1) for each in entry], axis=level - depth)

    return build(arrays, 0)


def _depth(entry: Any) -> int:
    return 1 + _depth(entry[0]) if isinstance(entry, list) else 0


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(array_of(arr)), np.ravel(array_of(values))])
    return np.concatenate([array_of(arr), array_of(values)], axis=axis)


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = array_of(arr), array_of(values)
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
        if type(filling) in (int, float) and filling == 0:
            return moved_into_zeros(np.pad)(array, pad_width)
        x, filling = array_of(array), array_of(filling)
        size = math.prod(np.shape(x))
        places = np.arange(size).reshape(np.shape(x))
        values = size + np.arange(math.prod(np.shape(filling))).reshape(np.shape(filling))
        pool = np.concatenate([np.ravel(x), np.ravel(filling)])
        return gather(pool, np.pad(places, pad_width, constant_values=values), np.shape(pool))
    if mode in ("edge", "reflect", "symmetric", "wrap") and options.get("reflect_type", "even") == "even":
        return moved(np.pad)(array, pad_width, mode, **options)
    if mode in ("linear_ramp", "mean"):
        given = options.get("end_values", 0) if mode == "linear_ramp" else options.get("stat_length")
        return _padded_by_axis(array_of(array), pad_width, _ramp if mode == "linear_ramp" else _mean, given)
    raise NotImplementedError(f"mode={mode!r}")


def _padded_by_axis(x: Any, pad_width: Any, side: Callable[..., Any], given: Any) -> Any:
    """Pad axis by axis: `side` computes the padding from the array with that axis first, seen from the padded end."""
    pairs = np.broadcast_to(np.asarray(pad_width), (np.ndim(x), 2))
    values = np.broadcast_to(np.asarray(given, dtype=object), (np.ndim(x), 2))
    for axis, (widths, options) in enumerate(zip(pairs, values, strict=True)):
        along = np.moveaxis(x, axis, 0)
        before, after = (
            side(each, int(width), option)
            for each, width, option in zip((along, along[::-1]), widths, options, strict=True)
        )
        x = np.moveaxis(np.concatenate([before, along, after[::-1]]), 0, axis)
    return x


def _ramp(x: Any, width: int, end: Any) -> Any:
    """Return equal steps from a value to the edge of an array."""
    shares = np.reshape(np.arange(width) / max(width, 1), (width,) + (1,) * (np.ndim(x) - 1))
    return end + (x[:1] - end) * shares


def _mean(x: Any, width: int, count: Any) -> Any:
    """Return the mean of the first rows of an array, repeated."""
    mean = np.mean(x if count is None else x[: int(count)], axis=0, keepdims=True)
    return np.broadcast_to(mean, (width, *np.shape(x)[1:]))


def _tri(function: Callable[..., Any]) -> Callable[..., Any]:
    def composition(m: Any, k: int = 0) -> Any:
        return np.where(function(np.ones(np.shape(m)[-2:], dtype=bool), k), m, 0.0)

    return composition


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Any:
    return np.sum(np.diagonal(array_of(a), offset, axis1, axis2), axis=-1, dtype=dtype)


def _diag(v: Any, k: int = 0) -> Any:
    return (moved_into_zeros if np.ndim(v) == 1 else moved)(np.diag)(v, k)


def _tile(A: Any, reps: Any) -> Any:
    return moved(np.tile)(A, reps)


def _trimmed(values: Any, trim: str) -> slice:
    present = np.flatnonzero(values)
    if not present.size:
        return slice(0, 0)
    return slice(present[0] if "f" in trim.lower() else 0, present[-1] + 1 if "b" in trim.lower() else None)


TABLE: dict[Any, Callable[..., Any]] = {
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
    np.take: take,
    np.take_along_axis: take_along,
    np.compress: lambda condition, a, axis=None, out=None: moved(
        lambda positions: np.compress(plain_value(condition), positions, axis)
    )(a),
    np.extract: lambda condition, arr: np.ravel(arr)[np.flatnonzero(plain_value(condition))],
    np.unstack: lambda x, /, *, axis=0: tuple(np.moveaxis(x, axis, 0)),
}
"""NumPy's function → the same, in terms of functions that have a rule."""
