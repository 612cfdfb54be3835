"""Points: the numbers, arrays and containers that functions take and return, and the flat vectors they stand for."""

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
    """Marker of values that stand for numbers or arrays while a function is followed; differentiators derive theirs.

    Whatever else works with NumPy's functions, such as a pandas Series, is data.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what it stands for."""
        raise NotImplementedError

    def as_vector(self) -> Any:
        """Its entries as a traced vector."""
        return np.reshape(self, (-1,))  # type: ignore[call-overload]

    def call_with_rule(self, function: FunctionWithRule, arguments: tuple[Any, ...]) -> Any:
        """Call a function that has a rule of its own; unless overridden, it is followed as any other."""
        return function.f(*arguments)

    def call_checkpointed(self, f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a function whose operations need not be remembered; unless overridden, it is followed as any other."""
        return f(*arguments)

    def stopped(self) -> Any:
        """The number or array that it stands for, which counts as constant.

        Raises
        ------
        DifferentiationError
            If the differentiator has no such thing.
        """
        raise DifferentiationError("this differentiator does not offer gradmix.stop_gradient.")


def is_traced(x: Any) -> TypeGuard[Traced]:
    """Whether something is not a number or an array but stands for one, as differentiators make them."""
    return isinstance(x, Traced)


@dataclass(frozen=True)
class Structure:
    """How a flat vector is arranged: as one number or array, or as the leaves of a container.

    Parameters
    ----------
    shapes
        Shapes of the arrays, in the order in which they follow each other in the vector.
    tree
        The container whose leaves they are; None if there is one array and no container.
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
        """What a flat vector stands for."""
        if self.tree is None:
            return arranged(flat, self.shapes[0])
        parts = [arranged(flat[a:b], shape) for (a, b), shape in zip(self._bounds, self.shapes, strict=True)]
        return self.tree.unflatten(parts)

    def arrange_matrix(self, matrix: Any, columns: Structure) -> Any:
        """What a matrix stands for, rows arranged by this structure, columns by another: containers nest as in JAX."""
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
    """The structure of one number or array; the same object for the same shape, as long as it is kept."""
    return Structure((shape,))


def arranged(flat: Any, shape: Shape) -> Any:
    """A part of a vector or matrix as an array of `shape`, or as a number."""
    if not shape:
        return flat[(0,) * np.ndim(flat)]
    return flat if flat.shape == shape else np.reshape(flat, shape)


def flattened(x: Any, shares: bool = False) -> tuple[Any, Structure]:
    """A point or direction as a flat vector of float64, and how it is arranged.

    The vector is one's own; with `shares` it may be a view of an array, which then cannot be written to.

    What is being traced stays what it is. A list or tuple, nested or not, of nothing but real numbers is an array;
    any other list, tuple or dict is a container.

    Raises
    ------
    DifferentiationError
        If it holds anything but real numbers.
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
    """Several points as one flat vector, arranged as a tuple of them."""
    import optree

    parts, structures = zip(*map(flattened, points), strict=True)
    trees = [optree.treespec_leaf(none_is_leaf=True) if each.tree is None else each.tree for each in structures]
    shapes = tuple(shape for each in structures for shape in each.shapes)
    return joined(list(parts)), Structure(shapes, optree.treespec_tuple(trees, none_is_leaf=True))


def joined(parts: list[Any]) -> Any:
    """Numbers and arrays, some of which may be traced, as one flat vector."""
    vectors = [part.as_vector() if is_traced(part) else np.reshape(part, (-1,)) for part in parts]
    return vectors[0] if len(vectors) == 1 else np.concatenate(vectors) if vectors else np.zeros(0)


def is_list_of_numbers(x: Any) -> bool:
    """Whether a list or tuple, nested or not, has nothing but real numbers."""
    if not isinstance(x, list | tuple) or hasattr(x, "_fields"):
        return False
    return all(_is_number(each) or is_list_of_numbers(each) for each in x)


def _is_number(x: Any) -> bool:
    return isinstance(x, float | Real | np.generic) or (isinstance(x, Traced | np.ndarray) and np.ndim(x) == 0)  # type: ignore[arg-type]


def as_point(x: Any) -> Any:
    """Take a point or a direction as float64, whatever it came as; what is being traced stays what it is.

    Raises
    ------
    DifferentiationError
        If it holds anything but real numbers.
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
    """Whether a list, a tuple or an array of objects has a traced entry."""
    if isinstance(x, list | tuple):
        return any(map(holds_traced, x))
    if isinstance(x, np.ndarray):
        return x.dtype == object and any(map(is_traced, x.flat))
    return is_traced(x)


def stacked_entries(entries: Any) -> Any:
    """Nested lists, or an array of objects, of numbers some of which are traced, as one traced array."""
    if isinstance(entries, list | tuple) or (isinstance(entries, np.ndarray) and entries.ndim):
        return np.stack([stacked_entries(entry) for entry in entries]) if len(entries) else np.zeros(0)
    return entries[()] if isinstance(entries, np.ndarray) else entries
