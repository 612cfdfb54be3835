"""Points: the numbers, arrays and containers that functions take and return, and their conversion to flat vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from gradmix.contracts.errors import DifferentiationError

if TYPE_CHECKING:
    from optree import PyTreeSpec

    from gradmix.contracts.own_rules import FunctionWithRule

Shape = tuple[int, ...]


class Traced:
    """Base of traced values, which represent numbers or arrays while a differentiator evaluates a function.

    Other objects that work with NumPy's functions, such as a pandas Series, are treated as data.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the number or array that it represents."""
        raise NotImplementedError

    def as_vector(self) -> Any:
        """Return its entries as a traced vector."""
        return np.reshape(self, (-1,))  # type: ignore[call-overload]

    def call_with_rule(self, function: FunctionWithRule, arguments: tuple[Any, ...]) -> Any:
        """Call a function that has its own derivative rule. The default ignores the rule."""
        return function.f(*arguments)

    def call_checkpointed(self, f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a function whose operations need not be stored. The default calls it like any other function."""
        return f(*arguments)

    def stopped(self) -> Any:
        """Return the number or array that it represents, as a constant.

        Raises
        ------
        DifferentiationError
            If the differentiator does not support this.
        """
        raise DifferentiationError("this differentiator does not support gradmix.stop_gradient.")


def is_traced(x: Any) -> TypeGuard[Traced]:
    """Return whether x is a traced value, which represents a number or an array."""
    return isinstance(x, Traced)


@dataclass(frozen=True)
class Structure:
    """The structure of the value that a flat vector represents: one number or array, or a container of several.

    Parameters
    ----------
    shapes
        Shapes of the arrays, in their order in the vector.
    tree
        The container whose leaves the arrays are; None for a single number or array.
    """

    shapes: tuple[Shape, ...]
    tree: PyTreeSpec | None = None

    @cached_property
    def size(self) -> int:
        """Length of the flat vector."""
        return sum(map(math.prod, self.shapes))

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number."""
        return self.shapes == ((),) and self.tree is None

    def arrange(self, flat: Any) -> Any:
        """Convert a flat vector to the value that it represents."""
        if self.tree is None:
            return arranged(flat, self.shapes[0])
        parts = [arranged(flat[a:b], shape) for (a, b), shape in zip(self._bounds, self.shapes, strict=True)]
        return self.tree.unflatten(parts)

    def arrange_matrix(self, matrix: Any, columns: Structure) -> Any:
        """Convert a matrix to nested containers as in JAX: rows have this structure, columns have another."""
        if self.tree is None and columns.tree is None:
            return arranged(matrix, self.shapes[0] + columns.shapes[0])
        rows = [
            [
                arranged(matrix[a:b, c:d], shape + other)
                for (c, d), other in zip(columns._bounds, columns.shapes, strict=True)
            ]
            for (a, b), shape in zip(self._bounds, self.shapes, strict=True)
        ]
        nested = [row[0] if columns.tree is None else columns.tree.unflatten(row) for row in rows]
        return nested[0] if self.tree is None else self.tree.unflatten(nested)

    @property
    def _bounds(self) -> list[tuple[int, int]]:
        return list(pairwise(accumulate(map(math.prod, self.shapes), initial=0)))

    def __str__(self) -> str:
        if self.tree is None:
            return f"the shape {self.shapes[0]}"
        return f"the structure {self.tree.unflatten(self.shapes)}"


@lru_cache(maxsize=256)
def of_one_array(shape: Shape) -> Structure:
    """Return the structure of one number or array; as long as it is cached, the same object for the same shape."""
    return Structure((shape,))


def arranged(flat: Any, shape: Shape) -> Any:
    """Convert a part of a vector or matrix to an array of `shape`, or to a number."""
    if not shape:
        return flat[(0,) * np.ndim(flat)]
    return flat if flat.shape == shape else np.reshape(flat, shape)


def flattened(x: Any, shares: bool = False) -> tuple[Any, Structure]:
    """Convert a point or direction to a flat vector of float64; return the vector and the structure.

    The vector is a copy; with `shares` it may be a read-only view of an array.

    Traced values stay traced. A list or tuple that contains only real numbers, nested or not, counts as an array; any
    other list, tuple or dict is a container.

    Raises
    ------
    DifferentiationError
        If it contains anything but real numbers.
    """
    if type(x) is np.ndarray and x.dtype == np.float64:
        if not shares:
            return x.flatten(), of_one_array(x.shape)
        flat = x[:] if x.ndim == 1 and x.flags.c_contiguous else np.ascontiguousarray(x).reshape(-1)
        flat.setflags(write=False)
        return flat, of_one_array(x.shape)
    if type(x) is list and all(type(each) is float for each in x):
        return np.array(x, dtype=np.float64), of_one_array((len(x),))
    if isinstance(x, list | tuple | dict) and not is_list_of_numbers(x):
        import optree

        leaves, tree = optree.tree_flatten(x, is_leaf=is_list_of_numbers, none_is_leaf=True)  # type: ignore[arg-type]
        points = [as_point(leaf) for leaf in leaves]
        return joined(points), Structure(tuple(map(np.shape, points)), tree)
    point = as_point(x)
    return joined([point]), of_one_array(np.shape(point))


def flattened_together(points: Sequence[Any]) -> tuple[Any, Structure]:
    """Convert several points to one flat vector with the structure of a tuple of them."""
    import optree

    parts, structures = zip(*map(flattened, points), strict=True)
    trees = [optree.treespec_leaf(none_is_leaf=True) if each.tree is None else each.tree for each in structures]
    shapes = tuple(shape for each in structures for shape in each.shapes)
    return joined(list(parts)), Structure(shapes, optree.treespec_tuple(trees, none_is_leaf=True))


def joined(parts: list[Any]) -> Any:
    """Join numbers and arrays, some of which may be traced, to one flat vector."""
    vectors = [part.as_vector() if is_traced(part) else np.reshape(part, (-1,)) for part in parts]
    return vectors[0] if len(vectors) == 1 else np.concatenate(vectors) if vectors else np.zeros(0)


def is_list_of_numbers(x: Any) -> bool:
    """Return whether x is a list or tuple, nested or not, that contains only real numbers."""
    if not isinstance(x, list | tuple) or hasattr(x, "_fields"):
        return False
    return all(_is_number(each) or is_list_of_numbers(each) for each in x)


def _is_number(x: Any) -> bool:
    return isinstance(x, float | Real | np.generic) or (isinstance(x, Traced | np.ndarray) and np.ndim(x) == 0)  # type: ignore[arg-type]


def as_point(x: Any) -> Any:
    """Convert a point or a direction to float64; traced values stay traced.

    Raises
    ------
    DifferentiationError
        If it contains anything but real numbers.
    """
    if type(x) is np.ndarray and x.dtype == np.float64 and x.ndim:
        return x.copy()
    if is_traced(x):
        return x
    if np.ma.is_masked(x):
        raise DifferentiationError(f"points and directions must not have masked values; given: {x!r}.")
    try:
        array = np.asarray(x) if type(x) is np.ndarray else np.array(x, dtype=object if holds_traced(x) else None)
    except ValueError as error:
        raise DifferentiationError(
            f"points and directions must be arrays, not lists of parts of different shapes ({error}): {x!r}."
        ) from None
    if array.dtype == object and holds_traced(array):
        return stacked_entries(array)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise DifferentiationError(f"points and directions must be real numbers; given: {x!r}.")
    return np.array(array, dtype=np.float64)[()]


def holds_traced(x: Any) -> bool:
    """Return whether x is traced, or is a list, tuple or array of objects with a traced entry."""
    if isinstance(x, list | tuple):
        return any(map(holds_traced, x))
    if isinstance(x, np.ndarray):
        return x.dtype == object and any(map(is_traced, x.flat))
    return is_traced(x)


def stacked_entries(entries: Any) -> Any:
    """Convert nested lists or an array of objects, with some traced entries, to one traced array."""
    if isinstance(entries, list | tuple) or (isinstance(entries, np.ndarray) and entries.ndim):
        return np.stack([stacked_entries(entry) for entry in entries]) if len(entries) else np.zeros(0)
    return entries[()] if isinstance(entries, np.ndarray) else entries
