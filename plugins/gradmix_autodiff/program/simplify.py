"""Simplification of calls as they enter a graph: it changes results by rounding only, and hides no value.

A factor of zero stays, since 0 · ∞ is NaN; a value that is not finite reaches the result as it does on the tape.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.program.node import NO_KEYWORDS, Graph, Node, key_of
from gradmix_autodiff.rules import structure

FLOAT = np.dtype(np.float64)
REDUCTIONS = frozenset({np.add.reduce, np.maximum.reduce, np.minimum.reduce})

CANONICAL: dict[Any, Callable[..., Any]] = {
    structure.GETITEM.function: operator.getitem,
    structure.SELECT.function: np.where,
    structure.SUM.function: np.add.reduce,
    structure.MAX.function: np.maximum.reduce,
    structure.MIN.function: np.minimum.reduce,
}
"""Function → the function that a node uses in its place."""


def accumulated(shape: tuple[int, ...], indices: tuple[Any, ...], *parts: Any) -> Any:
    """Return zeros to which parts are added, each at an index that takes no entry twice."""
    whole = np.zeros(shape)
    for index, part in zip(indices, parts, strict=True):
        whole[index] += part
    return whole


def simplified(
    graph: Graph,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Node:
    """Return the node of a call, or of an equivalent simpler one."""
    if dtype == FLOAT:
        rewrite = _REWRITES.get(function)
        if rewrite is not None:
            found = rewrite(graph, shape, *arguments, **keywords)
            if found is not None and found.shape == shape and found.dtype == dtype:
                return found
    return graph.call(function, arguments, shape, dtype, keywords)


def elementwise(graph: Graph, ufunc: np.ufunc, *arguments: Any) -> Node:
    """Return an elementwise node of type float64."""
    shape = np.broadcast_shapes(*(each.shape if type(each) is Node else () for each in arguments))
    return simplified(graph, ufunc, arguments, NO_KEYWORDS, shape, FLOAT)


def is_number(x: Any) -> bool:
    """Return whether an argument is one plain number."""
    return type(x) is float or type(x) is int


def _is(node: Any, function: Any) -> bool:
    return type(node) is Node and node.function == function and node.dtype == FLOAT


def _moderate(x: float) -> bool:
    """Return whether a factor may be multiplied with others first, as their product neither overflows nor vanishes."""
    return x == 0 or 2.0**-40 < abs(x) < 2.0**40


def _scaled(node: Any) -> tuple[float, Node] | None:
    """Split a node into a number and a node whose product it is."""
    if _is(node, np.multiply) and is_number(node.arguments[0]) and _moderate(node.arguments[0]):
        return node.arguments[0], node.arguments[1]
    return (-1.0, node.arguments[0]) if _is(node, np.negative) else None


def _without_broadcast(shape: tuple[int, ...], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments as they were before broadcasting, where broadcasting happens anyway."""
    bare = tuple(each.arguments[0] if _is(each, np.broadcast_to) else each for each in arguments)
    shapes = [each.shape if type(each) is Node else () for each in bare]
    return bare if np.broadcast_shapes(*shapes) == shape else arguments


def _multiply(graph: Graph, shape: tuple[int, ...], a: Any, b: Any) -> Node | None:
    x, y = _without_broadcast(shape, (a, b))
    if is_number(y):
        x, y = y, x
    if is_number(x) and type(y) is Node:
        if x == 1:
            return y
        if x == -1:
            return elementwise(graph, np.negative, y)
        scaled = _scaled(y)
        if scaled and _moderate(x):
            return elementwise(graph, np.multiply, float(x * scaled[0]), scaled[1])
    for one, other, swapped in ((x, y, False), (y, x, True)):
        scaled = _scaled(one)
        if scaled and type(other) is Node:
            product = (other, scaled[1]) if swapped else (scaled[1], other)
            return elementwise(graph, np.multiply, scaled[0], elementwise(graph, np.multiply, *product))
    return None if (x, y) == (a, b) else graph.call(np.multiply, (x, y), shape, FLOAT)


def _divide(graph: Graph, shape: tuple[int, ...], a: Any, b: Any) -> Node | None:
    x, y = _without_broadcast(shape, (a, b))
    if is_number(y) and y == 1 and type(x) is Node:
        return x
    if _is(x, np.negative) and type(y) is Node:
        return elementwise(graph, np.negative, elementwise(graph, np.divide, x.arguments[0], y))
    return None if (x, y) == (a, b) else graph.call(np.divide, (x, y), shape, FLOAT)


def _negative(graph: Graph, shape: tuple[int, ...], a: Any) -> Node | None:
    scaled = _scaled(a)
    return elementwise(graph, np.multiply, -scaled[0], scaled[1]) if scaled else None


def _add(graph: Graph, shape: tuple[int, ...], a: Any, b: Any) -> Node | None:
    if is_number(a) and a == 0 and type(b) is Node:
        return b
    if is_number(b) and b == 0 and type(a) is Node:
        return a
    x, y = _without_broadcast(shape, (a, b))
    if x is y:
        return elementwise(graph, np.multiply, 2.0, x)
    if _is(y, np.negative):
        return elementwise(graph, np.subtract, x, y.arguments[0])
    if _is(x, np.negative):
        return elementwise(graph, np.subtract, y, x.arguments[0])
    if (one := _parts(x)) and (other := _parts(y)) and x.shape == y.shape == shape:
        return _accumulated(graph, shape, [*one, *other])
    return None if (x, y) == (a, b) else graph.call(np.add, (x, y), shape, FLOAT)


def _parts(node: Any) -> list[tuple[Any, Any]]:
    """Return indices and the values there, for an array that is zero elsewhere."""
    if _is(node, structure.PUT.function):
        return [(node.arguments[1], node.arguments[0])]
    if _is(node, accumulated):
        return list(zip(node.arguments[1], node.arguments[2:], strict=True))
    return []


def _accumulated(graph: Graph, shape: tuple[int, ...], parts: list[tuple[Any, Any]]) -> Node:
    """Accumulate parts at their indices; parts at the same index are added first."""
    sums: dict[Any, tuple[Any, Any]] = {}
    for index, part in parts:
        key = key_of(index)
        there = sums.get(key)
        sums[key] = index, part if there is None else elementwise(graph, np.add, there[1], part)
    indices, values = zip(*sums.values(), strict=True)
    if len(indices) == 1:
        return graph.call(structure.PUT.function, (values[0], indices[0], shape), shape, FLOAT)
    return graph.call(accumulated, (shape, indices, *values), shape, FLOAT)


def _subtract(graph: Graph, shape: tuple[int, ...], a: Any, b: Any) -> Node | None:
    x, y = _without_broadcast(shape, (a, b))
    if is_number(y) and y == 0 and type(x) is Node:
        return x
    if _is(y, np.negative):
        return elementwise(graph, np.add, x, y.arguments[0])
    return None if (x, y) == (a, b) else graph.call(np.subtract, (x, y), shape, FLOAT)


def _positive(graph: Graph, shape: tuple[int, ...], a: Any) -> Node | None:
    return a if type(a) is Node else None


def _power(graph: Graph, shape: tuple[int, ...], a: Any, b: Any) -> Node | None:
    if is_number(b) and b == 2 and type(a) is Node:
        return elementwise(graph, np.square, a)
    return elementwise(graph, np.positive, a) if is_number(b) and b == 1 and type(a) is Node else None


def _where(graph: Graph, shape: tuple[int, ...], condition: Any, x: Any, y: Any) -> Node | None:
    bare = _without_broadcast(shape, (condition, x, y))
    return None if bare == (condition, x, y) else graph.call(np.where, bare, shape, FLOAT)


def _sum(graph: Graph, shape: tuple[int, ...], a: Any, axis: Any, keepdims: bool, **options: Any) -> Node | None:
    """Simplify sums of multiples, and of rows of matrix products: ΣAB = (ΣA)B."""
    if options or type(a) is not Node:
        return None
    if not axis and a.shape == shape:
        return a
    if scaled := _scaled(a):
        if scaled[1].shape != a.shape:
            return None
        inner = simplified(graph, np.add.reduce, (scaled[1],), {"axis": axis, "keepdims": keepdims}, shape, FLOAT)
        return elementwise(graph, np.multiply, scaled[0], inner)
    if _is(a, np.matmul) and axis == (len(a.shape) - 2,) and not keepdims:
        left, right = a.arguments
        if left.shape[:-2] != a.shape[:-2] or len(right.shape) < 2 or left.shape[-2] <= 1:
            return None
        row = (*left.shape[:-2], 1, left.shape[-1])
        summed = simplified(graph, np.add.reduce, (left,), {"axis": axis, "keepdims": True}, row, FLOAT)
        product = (*a.shape[:-2], 1, a.shape[-1])
        return reshaped(graph, simplified(graph, np.matmul, (summed, right), NO_KEYWORDS, product, FLOAT), shape)
    is_whole = _is(a, np.add) and all(type(each) is Node and each.shape == a.shape for each in a.arguments)
    if is_whole and any(_is(each, np.matmul) for each in a.arguments):
        given = {"axis": axis, "keepdims": keepdims}
        sums = (simplified(graph, np.add.reduce, (each,), given, shape, FLOAT) for each in a.arguments)
        return elementwise(graph, np.add, *sums)
    return None


def reshaped(graph: Graph, node: Node, shape: tuple[int, ...]) -> Node:
    """Return the node with another shape."""
    return simplified(graph, np.reshape, (node, shape), NO_KEYWORDS, shape, FLOAT)


def _reshape(graph: Graph, shape: tuple[int, ...], a: Any, given: Any = None, **options: Any) -> Node | None:
    if options or type(a) is not Node:
        return None
    if a.shape == shape:
        return a
    if _is(a, np.reshape) and not a.keywords:
        return reshaped(graph, a.arguments[0], shape)
    return graph.call(np.reshape, (a, shape), shape, FLOAT)


def _transpose(graph: Graph, shape: tuple[int, ...], a: Any, axes: Any = None, **options: Any) -> Node | None:
    if options or type(a) is not Node:
        return None
    order = tuple(range(len(a.shape)))[::-1] if axes is None else tuple(int(each) for each in axes)
    if order == tuple(range(len(order))):
        return a
    if _is(a, np.transpose):
        before = a.arguments[1]
        return simplified(
            graph, np.transpose, (a.arguments[0], tuple(before[each] for each in order)), NO_KEYWORDS, shape, FLOAT
        )
    return graph.call(np.transpose, (a, order), shape, FLOAT)


def _swapaxes(graph: Graph, shape: tuple[int, ...], a: Any, one: int, other: int) -> Node | None:
    if type(a) is not Node:
        return None
    order = list(range(len(a.shape)))
    order[one], order[other] = order[other], order[one]
    return simplified(graph, np.transpose, (a, tuple(order)), NO_KEYWORDS, shape, FLOAT)


def _broadcast_to(graph: Graph, shape: tuple[int, ...], a: Any, given: Any = None, **options: Any) -> Node | None:
    if options or type(a) is not Node:
        return None
    if a.shape == shape:
        return a
    if _is(a, np.broadcast_to):
        return simplified(graph, np.broadcast_to, (a.arguments[0], shape), NO_KEYWORDS, shape, FLOAT)
    return graph.call(np.broadcast_to, (a, shape), shape, FLOAT)


def _getitem(graph: Graph, shape: tuple[int, ...], a: Any, index: Any) -> Node | None:
    """Simplify indexing: the index ``()`` gives the number itself."""
    return a if type(index) is tuple and not index and type(a) is Node and a.shape == () else None


_REWRITES: dict[Any, Callable[..., Node | None]] = {
    np.multiply: _multiply,
    np.divide: _divide,
    np.negative: _negative,
    np.add: _add,
    np.subtract: _subtract,
    np.positive: _positive,
    np.power: _power,
    np.where: _where,
    np.add.reduce: _sum,
    np.reshape: _reshape,
    np.transpose: _transpose,
    np.swapaxes: _swapaxes,
    np.broadcast_to: _broadcast_to,
    operator.getitem: _getitem,
}
"""Function → the simpler form of its call; None if there is none."""
