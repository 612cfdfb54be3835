"""Rules of the functions that move, sum or multiply entries of arrays.

Functions that only move entries share one rule: NumPy's function, applied to an array of positions, shows which entry
goes where. `gather` takes entries by their positions and `scatter` puts them back: each is the other's
transpose, over any leading axes, so that tangents stacked along a first axis go through at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.table import LinearMap, Primitive, Spread
from gradmix_autodiff.traced import is_complex, is_known, operate, plain_value

Axis = int | tuple[int, ...] | None
Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


# gather and scatter


def gather(x: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    """Return entries at flat positions of arrays of `shape`, which are the last axes of `x`."""
    return operate(GATHER, x, positions, shape)


def scatter(w: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with the last axes of `w` added at flat positions: the transpose of `gather`."""
    return operate(SCATTER, w, positions, shape)


def _gather(x: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    lead = np.shape(x)[: np.ndim(x) - len(shape)]
    return np.reshape(x, (*lead, math.prod(shape)))[..., positions]


def _scatter(w: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    lead = np.shape(w)[: np.ndim(w) - np.ndim(positions)]
    size, count = math.prod(shape), math.prod(lead)
    flat = np.ravel(positions)
    places = flat if count == 1 else (flat + size * np.arange(count)[:, None]).ravel()
    entries = np.ravel(w)
    if np.iscomplexobj(entries):
        sums = np.bincount(places, entries.real, count * size) + 1j * np.bincount(places, entries.imag, count * size)
    else:
        sums = np.bincount(places, entries, count * size)
    return sums.reshape((*lead, *shape))[()]


GATHER = Primitive(
    _gather,
    lambda position, y, arguments, keywords: LinearMap(
        lambda t: gather(t, *arguments[1:]), lambda w: _back(arguments[0], scatter(w, *arguments[1:]))
    ),
    Spread.MOVES,
)
SCATTER = Primitive(
    _scatter,
    lambda position, y, arguments, keywords: LinearMap(
        lambda t: scatter(t, *arguments[1:]), lambda w: gather(w, *arguments[1:])
    ),
    Spread.MOVES,
)


def _back(x: Any, w: Any) -> Any:
    return w if np.shape(w) == np.shape(x) else np.reshape(w, np.shape(x))


# getitem and setitem


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


def _getitem_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    x, index = arguments
    shape = np.shape(x)
    parts = index if type(index) is tuple else (index,)
    is_plain = all(isinstance(part, int | slice | None | type(Ellipsis)) for part in parts)

    def push(t: Any) -> Any:
        if is_plain:
            return t[(slice(None), *parts)]
        return gather(t, _positions(shape, index), shape)

    return LinearMap(push, lambda w: scatter(w, _positions(shape, index), shape))


def _positions(shape: tuple[int, ...], index: Any) -> Any:
    return np.arange(math.prod(shape)).reshape(shape)[index]


GETITEM = Primitive(_getitem, _getitem_rule, Spread.MOVES, is_view=True)


def _put(w: Any, index: Any, shape: tuple[int, ...]) -> Any:
    whole = np.zeros(shape, dtype=np.result_type(w, np.float64))
    whole[index] = w
    return whole


def _put_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    index, shape = arguments[1:]
    behind = (slice(None), *(index if type(index) is tuple else (index,)))
    return LinearMap(lambda t: put(t, behind, (np.shape(t)[0], *shape)), lambda w: w[index])


PUT = Primitive(_put, _put_rule, Spread.MOVES)


def put(w: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with `w` at an index that takes no entry twice: the transpose of ``x[index]``."""
    return operate(PUT, w, index, shape)


def _setitem(x: Any, value: Any, index: Any) -> Any:
    y = np.array(x, dtype=np.result_type(x, value))
    y[index] = value
    return y


def _setitem_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    x, value, index = arguments
    shape = np.shape(x)
    taken = np.ones(shape)
    taken[index] = 0.0
    if position == 0:
        return LinearMap(lambda t: np.where(taken, t, 0.0), lambda w: np.where(taken, w, 0.0))
    order = _last_writes(shape, index)
    own = np.shape(value)

    def push(t: Any) -> Any:
        wide = np.broadcast_to(_aligned(t, len(own), np.ndim(order)), (np.shape(t)[0], *np.shape(order)))
        return scatter(np.where(order >= 0, wide, 0.0), np.maximum(order, 0), shape)

    def pull(w: Any) -> Any:
        return unbroadcast(np.where(order >= 0, gather(w, np.maximum(order, 0), shape), 0.0), own)

    return LinearMap(push, pull)


def _last_writes(shape: tuple[int, ...], index: Any) -> Any:
    """Return where ``x[index] = value`` writes each entry of a value; -1 if a later entry overwrites it."""
    positions = _positions(shape, index)
    flat = np.ravel(positions)
    last = np.full(math.prod(shape), -1)
    last[flat] = np.arange(flat.size)
    return np.where(last[flat] == np.arange(flat.size), flat, -1).reshape(np.shape(positions))


SETITEM = Primitive(_setitem, _setitem_rule, Spread.MOVES)


def _aligned(t: Any, have: int, want: int) -> Any:
    """Align tangents of an array of `have` axes with one of `want` axes: new axes of length one after the first."""
    return t if have == want else np.reshape(t, (np.shape(t)[0], *(1,) * (want - have), *np.shape(t)[1:]))


def unbroadcast(cotangent: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting added or stretched, so that the result has `shape`."""
    is_plain = type(cotangent) is np.ndarray
    have = cotangent.shape if is_plain else np.shape(cotangent)
    if have == shape:
        return cotangent
    extra = len(have) - len(shape)
    if is_plain and extra == 1 and have[1:] == shape:
        return np.add.reduce(cotangent, axis=0)
    if extra < 0 or any(size == 1 != wanted for size, wanted in zip(have[extra:], shape, strict=True)):
        return unbroadcast(np.broadcast_to(cotangent, np.broadcast_shapes(have, shape)), shape)
    stretched = [extra + axis for axis, size in enumerate(shape) if size == 1 and have[extra + axis] != 1]
    summed = (np.add.reduce if is_plain else np.sum)(cotangent, axis=(*range(extra), *stretched))
    return summed if np.shape(summed) == shape else np.reshape(summed, shape)


# sums and shapes


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes that an argument ``axis=`` names, as non-negative numbers."""
    given = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    return tuple(int(each) % ndim if ndim else 0 for each in given)


def _behind(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the same axes for tangents, which have one more axis in front."""
    return tuple(each + 1 for each in axes_of(axis, ndim))


def kept_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the shape of a sum whose summed axes are kept with length one."""
    if type(axis) is int and shape:
        place = axis % len(shape)
        return (*shape[:place], 1, *shape[place + 1 :])
    gone = axes_of(axis, len(shape))
    return tuple(1 if place in gone else size for place, size in enumerate(shape))


def _sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _sum_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    x, axis, keepdims = arguments[0], keywords.get("axis"), keywords.get("keepdims", False)
    shape = x.shape if type(x) is np.ndarray else np.shape(x)
    if axis is None and not keepdims:
        return LinearMap(lambda t: np.sum(t, axis=tuple(range(1, 1 + len(shape)))), Total(shape))
    kept = kept_shape(shape, axis)
    return LinearMap(
        lambda t: np.sum(t, axis=_behind(axis, len(shape)), keepdims=keepdims),
        lambda w: _spread(w, shape, kept),
    )


class Total:
    """The pullback of the sum of all entries: the cotangent is the same for each, so one number is enough."""

    __slots__ = ("shape",)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __call__(self, w: Any) -> Any:
        """Return the cotangent of the array."""
        return _spread(w, self.shape, (1,) * len(self.shape))


def _spread(w: Any, shape: tuple[int, ...], kept: tuple[int, ...]) -> Any:
    """Return the cotangent of a sum, broadcast to `shape`."""
    return filled(w, shape) if isinstance(w, float) else np.broadcast_to(np.reshape(w, kept), shape)


def filled(number: float, shape: tuple[int, ...]) -> Any:
    """Return a number broadcast to `shape`, without the overhead of ``np.broadcast_to``."""
    return np.ndarray(
        shape, np.float64, number if type(number) is np.float64 else np.float64(number), 0, (0,) * len(shape)
    )


SUM = Primitive(_sum, _sum_rule, Spread.MOVES)


def _reshape_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    shape, result = np.shape(arguments[0]), np.shape(y)
    return LinearMap(lambda t: np.reshape(t, (np.shape(t)[0], *result)), lambda w: np.reshape(w, shape))


RESHAPE = Primitive(np.reshape, _reshape_rule, Spread.MOVES, is_view=True)


def _transpose_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    axes = arguments[1]
    back = tuple(int(axis) for axis in np.argsort(axes))
    return LinearMap(lambda t: np.transpose(t, (0, *(axis + 1 for axis in axes))), lambda w: np.transpose(w, back))


TRANSPOSE = Primitive(np.transpose, _transpose_rule, Spread.MOVES, is_view=True)


def _broadcast_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    shape, result = np.shape(arguments[0]), np.shape(y)
    return LinearMap(
        lambda t: np.broadcast_to(_aligned(t, len(shape), len(result)), (np.shape(t)[0], *result)),
        lambda w: unbroadcast(w, shape),
    )


BROADCAST = Primitive(np.broadcast_to, _broadcast_rule, Spread.MOVES, is_view=True)


def _flip_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    axes = arguments[1]
    return LinearMap(lambda t: np.flip(t, tuple(axis + 1 for axis in axes)), lambda w: np.flip(w, axes))


FLIP = Primitive(np.flip, _flip_rule, Spread.MOVES, is_view=True)


def _cumsum_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    axis = arguments[1]
    return LinearMap(lambda t: np.cumsum(t, axis + 1), lambda w: np.flip(np.cumsum(np.flip(w, (axis,)), axis), (axis,)))


CUMSUM = Primitive(np.cumsum, _cumsum_rule, Spread.MOVES)


def _join(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis=axis)


def _join_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    axis = keywords["axis"] % max(1, np.ndim(y))
    sizes = [np.shape(each)[axis] for each in arguments]
    begin = sum(sizes[:position])
    index = (slice(None),) * axis + (slice(begin, begin + sizes[position]),)

    def push(t: Any) -> Any:
        return put(t, (slice(None), *index), (np.shape(t)[0], *np.shape(y)))

    return LinearMap(push, lambda w: w[index])


JOIN = Primitive(_join, _join_rule, Spread.MOVES)


def _select(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)[()]


def _select_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    condition, own, shape = arguments[0], np.shape(arguments[position]), np.shape(y)

    def masked(change: Any) -> Any:
        return np.where(condition, change, 0.0) if position == 1 else np.where(condition, 0.0, change)

    def push(t: Any) -> Any:
        pushed = masked(_aligned(t, len(own), len(shape)))
        full = (np.shape(t)[0], *shape)
        return pushed if np.shape(pushed) == full else np.broadcast_to(pushed, full)

    return LinearMap(push, lambda w: unbroadcast(masked(w), own))


SELECT = Primitive(_select, _select_rule, Spread.MOVES)


# products of matrices


def _matmul_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    a, b = arguments
    if position == 0:
        return LinearMap(lambda t: _push_left(t, a, b), lambda w: _pull_left(w, a, b))
    return LinearMap(lambda t: _push_right(t, a, b), lambda w: _pull_right(w, a, b))


def _push_left(t: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1 and b.ndim > 2:  # the row of each tangent meets every matrix
        return np.matmul(np.expand_dims(t, tuple(range(1, b.ndim))), b)[..., 0, :]
    if a.ndim < b.ndim and b.ndim > 2:
        t = np.reshape(t, (t.shape[0], *(1,) * (b.ndim - a.ndim), *t.shape[1:]))
    return np.matmul(t, b)


def _push_right(t: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        if a.ndim == 2 and type(t) is np.ndarray and t.flags.f_contiguous:  # in its given memory order
            return np.matmul(a, t.T).T
        if a.ndim <= 2:
            return np.matmul(t, a.T)
        return np.moveaxis(np.matmul(a, t.T), -1, 0)
    if a.ndim == 1:
        return np.matmul(a, t)
    if b.ndim < a.ndim:
        t = np.reshape(t, (t.shape[0], *(1,) * (a.ndim - b.ndim), *t.shape[1:]))
    return np.matmul(a, t)


def _as_matrices(w: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Add to vectors the axis that ``matmul`` adds."""
    if a.ndim == 1:
        a, w = np.expand_dims(a, 0), np.expand_dims(w, -1 if b.ndim == 1 else -2)
    if b.ndim == 1:
        b, w = np.expand_dims(b, 1), np.expand_dims(w, -1)
    return w, a, b


def _pull_left(w: Any, a: Any, b: Any) -> Any:
    w, wide, b = _as_matrices(w, a, b)
    return _back(a, unbroadcast(np.matmul(w, np.swapaxes(b, -1, -2)), wide.shape))


def _pull_right(w: Any, a: Any, b: Any) -> Any:
    w, a, wide = _as_matrices(w, a, b)
    return _back(b, unbroadcast(np.matmul(np.swapaxes(a, -1, -2), w), wide.shape))


MATMUL = Primitive(np.matmul, _matmul_rule)


def _einsum(*operands: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def _einsum_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule of ``einsum`` with explicit letters, each at most once in an operand."""
    inputs, output = keywords["subscripts"].split("->")
    letters = inputs.split(",")
    own, others = letters[position], [each for i, each in enumerate(letters) if i != position]
    rest = [each for i, each in enumerate(arguments) if i != position]
    shape = np.shape(arguments[position])
    batch = next(letter for letter in LETTERS if letter not in keywords["subscripts"])

    def push(t: Any) -> Any:
        return einsum(_subscripts([*others, batch + own], batch + output), *rest, t)

    def pull(w: Any) -> Any:
        known = set(output).union(*others)
        found = "".join(letter for letter in own if letter in known)
        pulled = einsum(_subscripts([*others, output], found), *rest, w)
        kept = tuple(size if letter in known else 1 for letter, size in zip(own, shape, strict=True))
        return np.broadcast_to(np.reshape(pulled, kept), shape)

    return LinearMap(push, pull)


def _subscripts(inputs: Sequence[str], output: str) -> str:
    return ",".join(inputs) + "->" + output


def einsum(subscripts: str, *operands: Any) -> Any:
    """``np.einsum`` with explicit output and no letter twice in an operand."""
    return operate(EINSUM, *operands, subscripts=subscripts)


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EINSUM = Primitive(_einsum, _einsum_rule)


# extremes and norms


def _extreme_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule of max and min: entries that tie share the derivative."""
    (x,), axis, keepdims = arguments, keywords.get("axis"), keywords.get("keepdims", False)
    value, shape = plain_value(x), np.shape(x)
    kept, behind = kept_shape(shape, axis), _behind(axis, len(shape))
    is_extreme = np.equal(value, np.reshape(plain_value(y), kept))
    count = is_extreme.sum(axis=axes_of(axis, len(shape)), keepdims=True)
    shares = is_extreme if is_known(np.all(count == 1)) else is_extreme / count
    return LinearMap(
        lambda t: np.sum(np.where(is_extreme, t * shares, 0.0), axis=behind, keepdims=keepdims),
        lambda w: np.where(is_extreme, np.reshape(w, kept) * shares, 0.0),
    )


def _max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


MAX = Primitive(_max, _extreme_rule, Spread.MOVES)
MIN = Primitive(_min, _extreme_rule, Spread.MOVES)


def _norm(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.linalg.norm(x, axis=axis, keepdims=keepdims)


def _norm_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule of the Euclidean norm: x̄/|x|, and 0 at 0, the smallest of its subgradients."""
    from gradmix_autodiff.rules.elementwise import ratio

    (x,), axis, keepdims = arguments, keywords.get("axis"), keywords.get("keepdims", False)
    shape = np.shape(x)
    kept, behind = kept_shape(shape, axis), _behind(axis, len(shape))
    conjugate = np.conjugate(x) if is_complex(x) else x
    along = ratio(conjugate, np.broadcast_to(np.reshape(y, kept), shape))
    return LinearMap(lambda t: np.sum(along * t, axis=behind, keepdims=keepdims), lambda w: np.reshape(w, kept) * along)


NORM = Primitive(_norm, _norm_rule)


# complex intermediate values: a cotangent of z = x + iy is ∂/∂x − i ∂/∂y

REAL = Primitive(np.real, lambda position, y, arguments, keywords: LinearMap(np.real, lambda w: w + 0j), Spread.MOVES)
IMAG = Primitive(np.imag, lambda position, y, arguments, keywords: LinearMap(np.imag, lambda w: -1j * w), Spread.MOVES)
