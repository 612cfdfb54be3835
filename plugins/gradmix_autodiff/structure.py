"""Derivatives of the operations that move, sum or multiply arrays, and functions made of these.

`PRIMITIVES` have a rule of their own; `COMPOSITES` say the same as NumPy's function in terms of others, so that they
need none.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.dispatch import OPERATIONS, Local, Operation, Rule, apply, as_array, plain_value
from gradmix_autodiff.local import Linear, unbroadcast

Axis = int | tuple[int, ...] | None


def get_item(x: Any, index: Any) -> Any:
    """``x[index]``, as a function."""
    return x[index]


def join(*arrays: Any, axis: int) -> Any:
    """``np.concatenate``, with each array an argument of its own."""
    return np.concatenate(arrays, axis=axis)


def choose(condition: Any, x: Any, y: Any) -> Any:
    """``np.where`` with three arguments."""
    return np.where(condition, x, y)


def scatter(w: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `w` added at `index`: the transpose of `get_item`."""
    placed = np.zeros(shape)
    np.add.at(placed, index, w)
    return placed


def _linear(apply: Callable[..., Any], transpose: Callable[..., Any]) -> Rule:
    """Rule of an operation that is linear in its first argument; `transpose` gets the argument's shape first."""

    def rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
        x, *rest = arguments
        return Linear(
            lambda change: apply(change, *rest, **keywords),
            lambda w: transpose(np.shape(x), w, *rest, **keywords),
        )

    return rule


def _sum_transpose(shape: tuple[int, ...], w: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is not None and not keepdims:
        w = np.expand_dims(w, axis)
    return np.broadcast_to(w, shape)


def _permutation(shape: tuple[int, ...], axes: Sequence[int] | None) -> list[int]:
    return list(range(len(shape)))[::-1] if axes is None else [axis % len(shape) for axis in axes]


def _transpose_transpose(shape: tuple[int, ...], w: Any, axes: Sequence[int] | None = None) -> Any:
    return np.transpose(w, [int(axis) for axis in np.argsort(_permutation(shape, axes))])


def _cumsum_transpose(shape: tuple[int, ...], w: Any, axis: int | None) -> Any:
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(w, along), axis=along), along), shape)


def _join_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    axis = keywords["axis"]
    shapes = [np.shape(argument) for argument in arguments]
    begin = builtins.sum(shape[axis] for shape in shapes[:position])
    index = [slice(None)] * len(shapes[position])
    index[axis] = slice(begin, begin + shapes[position][axis])

    def apply(change: Any) -> Any:
        return np.concatenate(
            [change if i == position else np.zeros(shape) for i, shape in enumerate(shapes)], axis=axis
        )

    return Linear(apply, lambda w: w[tuple(index)])


def _choose_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    condition, shape = arguments[0], np.shape(arguments[position])

    def masked(change: Any) -> Any:
        return np.where(condition, change, 0.0) if position == 1 else np.where(condition, 0.0, change)

    return Linear(lambda change: np.broadcast_to(masked(change), np.shape(y)), lambda w: unbroadcast(masked(w), shape))


def _matmul_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    a, b = arguments
    if position == 0:
        return Linear(lambda change: np.matmul(change, b), lambda w: _matmul_pull_left(w, a, b))
    return Linear(lambda change: np.matmul(a, change), lambda w: _matmul_pull_right(w, a, b))


def _as_matrices(w: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Give vectors the axis that ``matmul`` gives them."""
    if np.ndim(a) == 1:
        a, w = np.expand_dims(a, 0), np.expand_dims(w, -1 if np.ndim(b) == 1 else -2)
    if np.ndim(b) == 1:
        b, w = np.expand_dims(b, 1), np.expand_dims(w, -1)
    return w, a, b


def _matmul_pull_left(w: Any, a: Any, b: Any) -> Any:
    w, wide, b = _as_matrices(w, a, b)
    return np.reshape(unbroadcast(np.matmul(w, np.swapaxes(b, -1, -2)), np.shape(wide)), np.shape(a))


def _matmul_pull_right(w: Any, a: Any, b: Any) -> Any:
    w, a, wide = _as_matrices(w, a, b)
    return np.reshape(unbroadcast(np.matmul(np.swapaxes(a, -1, -2), w), np.shape(wide)), np.shape(b))


def _inverse_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    yt = np.swapaxes(y, -1, -2)
    return Linear(lambda change: -(y @ change @ y), lambda w: -(yt @ w @ yt))


def _solve_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    a = arguments[0]

    def solve_transposed(w: Any) -> Any:
        return np.linalg.solve(np.transpose(a), w)

    if position == 1:
        return Linear(lambda change: np.linalg.solve(a, change), solve_transposed)
    columns = np.reshape(y, (np.shape(y)[0], -1))

    def pull(w: Any) -> Any:
        return -np.reshape(solve_transposed(w), np.shape(columns)) @ np.transpose(columns)

    return Linear(lambda change: np.linalg.solve(a, -(change @ y)), pull)


def _determinant_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    cofactors = np.expand_dims(y, (-1, -2)) * np.swapaxes(np.linalg.inv(arguments[0]), -1, -2)
    return Linear(
        lambda change: np.sum(cofactors * change, axis=(-1, -2)), lambda w: np.expand_dims(w, (-1, -2)) * cofactors
    )


def _extreme_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    """Rule of max and min: entries that tie share the derivative."""
    (x,), axis, keepdims = arguments, keywords["axis"], keywords["keepdims"]
    value = plain_value(x)
    extreme = plain_value(y) if keepdims or axis is None else np.expand_dims(plain_value(y), axis)
    chosen = np.equal(value, extreme)
    shares = chosen / chosen.sum(axis=axis, keepdims=True)
    return Linear(
        lambda change: np.sum(change * shares, axis=axis, keepdims=keepdims),
        lambda w: _sum_transpose(np.shape(x), w, axis, keepdims) * shares,
    )


def _norm_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    """Rule of the Euclidean norm: x/|x|, and 0 at 0, the smallest of its subgradients."""
    (x,), axis, keepdims = arguments, keywords["axis"], keywords["keepdims"]
    wide = y if keepdims or axis is None else np.expand_dims(y, axis)
    direction = x / np.where(np.equal(wide, 0), np.inf, wide)
    return Linear(
        lambda change: np.sum(direction * change, axis=axis, keepdims=keepdims),
        lambda w: _sum_transpose(np.shape(x), w, axis, keepdims) * direction,
    )


PRIMITIVES: dict[Callable[..., Any], Rule] = {
    get_item: _linear(get_item, lambda shape, w, index: apply(scatter, w, index, shape)),
    scatter: _linear(lambda w, index, into: apply(scatter, w, index, into), lambda shape, w, index, into: w[index]),
    np.sum: _linear(np.sum, _sum_transpose),
    np.reshape: _linear(np.reshape, lambda shape, w, new_shape: np.reshape(w, shape)),
    np.transpose: _linear(np.transpose, _transpose_transpose),
    np.broadcast_to: _linear(np.broadcast_to, lambda shape, w, new_shape: unbroadcast(w, shape)),
    np.flip: _linear(np.flip, lambda shape, w, axis: np.flip(w, axis)),
    np.cumsum: _linear(np.cumsum, _cumsum_transpose),
    np.max: _extreme_rule,
    np.min: _extreme_rule,
    np.linalg.norm: _norm_rule,
    join: _join_rule,
    choose: _choose_rule,
    np.matmul: _matmul_rule,
    np.linalg.inv: _inverse_rule,
    np.linalg.solve: _solve_rule,
    np.linalg.det: _determinant_rule,
}
"""Operation → its rule. They get their arguments as the functions in `COMPOSITES` hand them on."""


OPERATIONS.update({function: Operation(rule) for function, rule in PRIMITIVES.items()})
for _view in (np.reshape, np.transpose, np.flip, np.broadcast_to):
    OPERATIONS[_view] = Operation(PRIMITIVES[_view], is_view=True)
OPERATIONS[get_item] = Operation(PRIMITIVES[get_item], is_view=True, has_index=True)
OPERATIONS[scatter] = Operation(PRIMITIVES[scatter], has_index=True)


def _count(x: Any, axis: Axis) -> int:
    axes = range(np.ndim(x)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return int(np.prod([np.shape(x)[each] for each in axes]))


def _mean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)


def _var(x: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    squares = np.square(x - _mean(x, axis, keepdims=True))
    return np.sum(squares, axis=axis, keepdims=keepdims) / (_count(x, axis) - ddof)


def _prod(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    if axis is None:
        product = _prod_of(list(np.ravel(x)))
        return np.reshape(product, (1,) * np.ndim(x)) if keepdims else product
    product = _prod_of([np.take(x, i, axis=axis) for i in range(np.shape(x)[axis])])
    return np.expand_dims(product, axis) if keepdims else product


def _prod_of(factors: list[Any]) -> Any:
    product = factors[0] if factors else 1.0
    for factor in factors[1:]:
        product = product * factor
    return product


def _norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002 -- NumPy's name
    is_matrix = np.ndim(x) == 2 if axis is None else isinstance(axis, tuple) and len(axis) == 2
    if ord is not None and ord != ("fro" if is_matrix else 2):
        raise NotImplementedError(f"ord={ord!r}")
    if axis is None and (keepdims or np.ndim(x) > 2):
        raise NotImplementedError("axis=None")
    return apply(np.linalg.norm, x, axis=axis, keepdims=keepdims)


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.matmul(a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, axes=(-1, -2))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    left, right = ([each % np.ndim(x) for each in np.atleast_1d(side)] for x, side in zip((a, b), axes, strict=True))
    kept_left = [axis for axis in range(np.ndim(a)) if axis not in left]
    kept_right = [axis for axis in range(np.ndim(b)) if axis not in right]
    inner = int(np.prod([np.shape(a)[axis] for axis in left]))
    rows = np.reshape(np.transpose(a, [*kept_left, *left]), (-1, inner))
    columns = np.reshape(np.transpose(b, [*right, *kept_right]), (inner, -1))
    shape = [np.shape(a)[axis] for axis in kept_left] + [np.shape(b)[axis] for axis in kept_right]
    return np.reshape(np.matmul(rows, columns), tuple(shape))


def _squeeze(x: Any, axis: Axis = None) -> Any:
    gone = [i for i, n in enumerate(np.shape(x)) if n == 1] if axis is None else np.atleast_1d(axis) % np.ndim(x)
    return np.reshape(x, tuple(n for i, n in enumerate(np.shape(x)) if i not in gone))


def _expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    return np.reshape(x, np.shape(np.expand_dims(np.empty(np.shape(x)), axis)))


def _moved(mover: Callable[..., Any]) -> Callable[..., Any]:
    """A function that permutes axes: ask NumPy for the permutation, then transpose."""

    def composite(x: Any, *args: Any, **kwargs: Any) -> Any:
        stand_in = np.empty(tuple(range(2, 2 + np.ndim(x))))  # each axis has a length of its own
        return np.transpose(x, tuple(length - 2 for length in np.shape(mover(stand_in, *args, **kwargs))))

    return composite


def _solve(a: Any, b: Any) -> Any:
    if np.ndim(a) != 2 or np.ndim(b) > 2:
        raise NotImplementedError("stacked matrices")
    return apply(np.linalg.solve, a, b)


def _trace(x: Any) -> Any:
    if np.ndim(x) != 2:
        raise NotImplementedError(f"{np.ndim(x)} axes")
    return np.sum(_diagonal(x))


def _diagonal(x: Any) -> Any:
    return apply(get_item, x, (np.arange(min(np.shape(x))),) * 2)


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    places = np.asarray(indices)
    if axis is None:
        return apply(get_item, np.ravel(x), places)
    return apply(get_item, x, (slice(None),) * (axis % np.ndim(x)) + (places,))


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None:
        return np.where(plain_value(condition))
    return apply(choose, plain_value(condition), x, y)


def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    if axis is None:
        return _concatenate([np.ravel(array) for array in arrays])
    return apply(join, *arrays, axis=axis)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return np.concatenate([np.expand_dims(array, axis) for array in arrays], axis=axis)


def _hstack(arrays: Sequence[Any]) -> Any:
    wide = [np.atleast_1d(array) for array in arrays]
    return np.concatenate(wide, axis=0 if np.ndim(wide[0]) == 1 else 1)


def _atleast(least: int) -> Callable[..., Any]:
    def composite(x: Any) -> Any:
        return np.reshape(x, (1,) * (least - np.ndim(x)) + np.shape(x)) if np.ndim(x) < least else x

    return composite


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dtype=None, order="K", subok=True, shape=None: make(np.shape(x) if shape is None else shape)


def _clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    low = +x if a_min is None else np.maximum(x, a_min)
    return low if a_max is None else np.minimum(low, a_max)


COMPOSITES: dict[Callable[..., Any], Callable[..., Any]] = {
    # primitives, with those of NumPy's arguments that their rules know; what does not come third there is by name only
    np.sum: lambda x, axis=None, *, keepdims=False: apply(np.sum, x, axis=axis, keepdims=keepdims),
    np.max: lambda x, axis=None, *, keepdims=False: apply(np.max, x, axis=axis, keepdims=keepdims),
    np.min: lambda x, axis=None, *, keepdims=False: apply(np.min, x, axis=axis, keepdims=keepdims),
    np.cumsum: lambda x, axis=None: apply(np.cumsum, x, axis=axis),
    np.flip: lambda x, axis=None: apply(np.flip, x, axis),
    np.reshape: lambda x, shape: apply(np.reshape, x, shape),
    np.transpose: lambda x, axes=None: apply(np.transpose, x, axes),
    np.broadcast_to: lambda x, shape: apply(np.broadcast_to, x, shape),
    np.linalg.norm: _norm,
    np.linalg.inv: lambda x: apply(np.linalg.inv, x),
    np.linalg.solve: _solve,
    np.linalg.det: lambda x: apply(np.linalg.det, x),
    # the others
    np.mean: _mean,
    np.average: _mean,
    np.var: _var,
    np.std: lambda x, axis=None, **options: np.sqrt(_var(x, axis, **options)),
    np.prod: _prod,
    np.clip: _clip,
    np.ravel: lambda x: np.reshape(x, (-1,)),
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.swapaxes: _moved(np.swapaxes),
    np.moveaxis: _moved(np.moveaxis),
    np.rollaxis: _moved(np.rollaxis),
    np.where: _where,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.hstack: _hstack,
    np.vstack: lambda arrays: np.concatenate([np.atleast_2d(array) for array in arrays], axis=0),
    np.column_stack: lambda arrays: np.concatenate(
        [np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in arrays], axis=1
    ),
    np.atleast_1d: _atleast(1),
    np.atleast_2d: _atleast(2),
    np.dot: _dot,
    np.vdot: lambda a, b: np.sum(np.ravel(a) * np.ravel(b)),
    np.inner: lambda a, b: _tensordot(a, b, axes=(-1, -1)) if np.ndim(a) and np.ndim(b) else a * b,
    np.outer: lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)),
    np.tensordot: _tensordot,
    np.trace: _trace,
    np.diag: lambda x: np.eye(len(x)) * x if np.ndim(x) == 1 else _diagonal(x),
    np.diff: lambda x: apply(get_item, x, (..., slice(1, None))) - apply(get_item, x, (..., slice(None, -1))),
    np.take: _take,
    np.copy: lambda x: +x,
    np.zeros_like: _like(np.zeros),
    np.ones_like: _like(np.ones),
    np.full_like: lambda x, fill_value: np.broadcast_to(fill_value, np.shape(x)),
    np.array: lambda x, like=None: +as_array(x),
    np.asarray: lambda x, like=None: as_array(x),
    np.zeros: lambda shape, like=None: np.zeros(shape),
    np.ones: lambda shape, like=None: np.ones(shape),
}
"""NumPy's function → the same, in terms of functions that have a rule."""


CONSTANT_FUNCTIONS: frozenset[Any] = frozenset(
    {np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.all, np.any, np.isclose, np.allclose}
    | {np.array_equal, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.isscalar, np.iscomplexobj}
    | {np.result_type, np.array_repr, np.array_str, np.round, np.around}
)
"""Functions whose result does not change with small changes of the arguments."""
