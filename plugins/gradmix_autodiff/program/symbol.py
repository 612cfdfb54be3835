"""Symbols: they replace numbers and arrays in a computation, so that every call of NumPy is recorded.

Symbols are the lowest level: the levels of differentiation above them compute on symbols as on numbers. So the
existing rules record the derivative together with the function.

If Python itself needs a value, as for a branch, the example provides it, and a guard is noted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.program.node import NO_KEYWORDS, Graph, Node, NotRecordableError
from gradmix_autodiff.program.simplify import CANONICAL, REDUCTIONS, simplified
from gradmix_autodiff.rules import structure
from gradmix_autodiff.table import WRITING, Rule
from gradmix_autodiff.traced import Traced
from gradmix_autodiff.watched import WatchedArrays

Keywords = Mapping[str, Any]


class SymbolArrays(WatchedArrays):
    """Plain arrays that a recording above symbols refers to: the graph keeps them, and detects changes."""

    __slots__ = ("_graph",)

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def kept(self, array: Any) -> Any:
        """Return the array, which the graph watches."""
        self._graph.array(array)
        return array

    def check(self) -> None:
        """Check that no array has changed."""
        self._graph.check_arrays()


class Symbol(Traced):
    """A number of a graph.

    Parameters
    ----------
    node
        The node that computes it.
    example
        The value at the point where it is recorded.
    graph
        The graph.
    """

    __slots__ = ("example", "graph", "node")

    level = 1

    def __init__(self, node: Node, example: Any, graph: Graph) -> None:
        self.node, self.example, self.graph = node, example, graph

    @property
    def value(self) -> Any:
        """Return the symbol itself, since it is on the lowest level."""
        return self

    @property
    def watched(self) -> SymbolArrays:
        """Return the object that keeps plain arrays for a recording."""
        return SymbolArrays(self.graph)

    # operations

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Keywords) -> Any:
        """Return the result of an operation, by the function of its rule."""
        function = CANONICAL.get(rule.function, rule.function)
        if function in REDUCTIONS:
            return _reduced(function, *arguments, **keywords)
        return self._called(function, arguments, keywords, not _takes_by_mask(function, arguments))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if any(isinstance(each, Traced) and each.level > self.level for each in inputs):
            return NotImplemented
        if out is not None or ufunc.nout > 1 or options.pop("where", True) is not True or method == "at":
            raise NotRecordableError(f"np.{ufunc.__name__} writes into an array given to it, or returns two")
        if method == "__call__":
            return self._called(ufunc, inputs, options, True)
        function = getattr(ufunc, method)
        if method == "reduce":
            return _reduced(function, *inputs, **{"axis": 0, **options})
        return self._called(function, inputs, options, method == "accumulate")

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Keywords) -> Any:
        if any(issubclass(each, Traced) and not issubclass(each, Symbol) for each in types):
            return NotImplemented
        if function in _OF_SHAPE:
            return function(*_examples(args), **{name: _examples(each) for name, each in kwargs.items()})
        if function is np.copy:
            return self
        written = kwargs.get("out") is not None or kwargs.get("copy") is False or kwargs.get("overwrite_input")
        if function in WRITING or written or any(map(callable, args)):
            raise NotRecordableError(f"{function.__name__} writes into its argument, or takes a function as argument")
        if function in _REDUCTIONS:
            return _reduced(_REDUCTIONS[function], *args, **kwargs)
        return self._called(CANONICAL.get(function, function), args, kwargs, function in STABLE)

    def _called(self, function: Callable[..., Any], arguments: Any, keywords: Keywords, is_stable: bool) -> Any:
        """Record a call; the shape of the result is guarded unless it is known to be the same for all values."""
        graph = self.graph
        with np.errstate(all="ignore"):
            y = function(*_examples(arguments), **{name: _examples(each) for name, each in keywords.items()})
        arguments = _nodes(arguments, graph)
        keywords = {name: _nodes(each, graph) for name, each in keywords.items()} if keywords else NO_KEYWORDS
        if isinstance(y, list | tuple):
            whole = graph.call(function, arguments, (), np.dtype(object), keywords)
            parts = [
                self._result(operator.getitem, (whole, place), NO_KEYWORDS, each, False) for place, each in enumerate(y)
            ]
            return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
        return self._result(function, arguments, keywords, y, is_stable)

    def _result(self, function: Any, arguments: Any, keywords: Keywords, y: Any, is_stable: bool) -> Any:
        if not isinstance(y, np.ndarray | np.generic | bool | int | float | complex):
            raise NotRecordableError(f"{getattr(function, '__name__', function)} returns {type(y).__name__}")
        shape, dtype = np.shape(y), np.asarray(y).dtype
        if dtype.kind not in "biufc":
            raise NotRecordableError(f"{getattr(function, '__name__', function)} returns {dtype}")
        node = simplified(self.graph, function, arguments, keywords, shape, dtype)
        if not is_stable and (shape or isinstance(y, np.ndarray)):
            self.graph.guard(node, "shape", (shape, dtype))
        return symbol(node, y, self.graph)

    # values that Python needs

    def __bool__(self) -> bool:
        found = bool(self.example)
        self.graph.guard(self.node, "truth", found)
        return found

    def is_finite(self) -> bool:
        """Return whether all entries are finite; a guard requires this at other points, too.

        Raises
        ------
        NotRecordableError
            If one is not: the tape's way of handling it is not recorded.
        """
        if not np.isfinite(self.example).all():
            raise NotRecordableError("a derivative is not finite at this point")
        self.graph.guard(self.node, "finite", None)
        return True

    def seen(self) -> Any:
        """Return a truth value or an integer as in the example, with a guard, so that Python can use it."""
        if self.shape or np.asarray(self.example).dtype.kind not in "biu":
            return self
        return self.pinned()

    def pinned(self) -> Any:
        """Return the example's value; a guard requires the same value at every point.

        Raises
        ------
        NotRecordableError
            If it is a floating-point number, which is hardly ever the same.
        """
        if np.asarray(self.example).dtype.kind not in "biu":
            raise NotRecordableError("a plain number is required where the value changes with the point")
        self.graph.guard(self.node, "same", np.array(self.example))
        return self.example

    def __int__(self) -> int:
        return int(self.pinned())

    def __index__(self) -> int:
        return operator.index(self.pinned())

    def __float__(self) -> float:
        return float(self.pinned())

    def __complex__(self) -> complex:  # type: ignore[override]
        return complex(self.pinned())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.pinned(), digits)

    def __format__(self, spec: str) -> str:
        return format(self.pinned(), spec)

    def __repr__(self) -> str:
        return repr(self.pinned())

    def __str__(self) -> str:
        return str(self.pinned())

    def item(self, *index: int) -> Any:
        """Return one entry as a Python number."""
        return self.pinned().item(*index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.pinned(), dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        return self._called(
            operator.getitem, (self, index), NO_KEYWORDS, not _takes_by_mask(operator.getitem, (self, index))
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        raise NotRecordableError("a value that changes with the point is written to in place")

    def __and__(self, other: Any) -> Any:
        return np.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return np.bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return np.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return np.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return np.bitwise_xor(self, other)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __eq__(self, other: object) -> Any:
        return np.equal(self, other)  # type: ignore[call-overload]

    def astype(self, dtype: Any, *, copy: bool = True, **options: Any) -> Any:
        """Return a copy of another type, as ``ndarray.astype``."""
        return self._called(_astype, (self, np.dtype(dtype)), NO_KEYWORDS, True)

    def copy(self, order: str = "C") -> Any:
        """Return the symbol itself, since it cannot be written to."""
        return self

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def stopped(self) -> Any:
        """Return the symbol itself."""
        return self

    def flatten(self, order: str = "C") -> Any:
        """Return a flat copy, as ``ndarray.flatten``."""
        return np.ravel(self, order)  # type: ignore[call-overload]

    def constant(self, value: Any) -> Any:
        """Return a plain array unchanged."""
        raise NotRecordableError("an array is created like= a value that does not depend on the point")


class SymbolArray(Symbol):
    """An array of a graph; like `Symbol`."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape."""
        return self.example.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type."""
        return self.example.dtype  # type: ignore[no-any-return]

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides."""
        return self.example.strides  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool(np.any(np.equal(self, x)))

    def _update(self, other: Any) -> Any:
        raise NotRecordableError("a value that changes with the point is updated in place")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = __imatmul__ = _update
    __iand__ = __ior__ = __ixor__ = __ilshift__ = __irshift__ = _update

    def tolist(self) -> Any:
        """Return the entries as Python numbers."""
        return self.pinned().tolist()


def symbol(node: Node, example: Any, graph: Graph) -> Symbol:
    """Return a node as a symbol: a number or an array."""
    return (SymbolArray if np.ndim(example) else Symbol)(node, example, graph)


def _astype(x: Any, dtype: Any) -> Any:
    return np.asarray(x).astype(dtype)[()]


def _reduced(
    reduce: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **options: Any
) -> Any:
    """Record a reduction, with its axes as a tuple of places."""
    if not isinstance(a, Symbol):
        raise NotRecordableError("a list is reduced")
    given = {"axis": structure.axes_of(axis, np.ndim(a)), "keepdims": bool(keepdims), **options}
    if dtype is not None:
        given["dtype"] = dtype
    return a._called(reduce, (a,), given, True)


def _examples(x: Any) -> Any:
    if isinstance(x, Symbol):
        return x.example
    if isinstance(x, list | tuple):
        parts = [_examples(each) for each in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if type(x) is slice:
        return slice(*map(_examples, (x.start, x.stop, x.step)))
    return x


def _nodes(x: Any, graph: Graph) -> Any:
    """Return arguments with nodes in place of symbols and arrays."""
    if isinstance(x, Symbol):
        if x.graph is not graph:
            raise NotRecordableError("values of two recordings are combined")
        return x.node
    if isinstance(x, Traced):
        raise NotRecordableError("a traced value is passed to a function that does not accept it")
    if isinstance(x, np.ndarray):
        node = graph.array(x)
        if x.dtype == np.float64 and x.ndim and x.size and (x == x.flat[0]).all():  # a cotangent of the tape
            return graph.call(np.broadcast_to, (float(x.flat[0]), x.shape), x.shape, x.dtype)
        return node
    if isinstance(x, list | tuple):
        parts = [_nodes(each, graph) for each in x]
        return tuple(parts) if isinstance(x, tuple) else parts
    if type(x) is slice:
        return slice(*(_nodes(each, graph) for each in (x.start, x.stop, x.step)))
    if type(x) is np.float64:
        return float(x)
    if isinstance(x, _PLAIN) or callable(x):
        return x
    raise NotRecordableError(f"an argument is a {type(x).__name__}")


def _takes_by_mask(function: Any, arguments: Any) -> bool:
    """Return whether an index has a mask that changes with the point, and with it the number of entries."""
    if function is not operator.getitem:
        return False
    parts = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1],)
    return any(isinstance(each, Symbol) and np.asarray(each.example).dtype == bool for each in parts)


_PLAIN = (bool, int, float, complex, str, np.generic, np.dtype, type(None), type(Ellipsis))

_REDUCTIONS = {
    np.sum: np.add.reduce,
    np.max: np.maximum.reduce,
    np.min: np.minimum.reduce,
    np.any: np.logical_or.reduce,
}
_REDUCTIONS[np.all] = np.logical_and.reduce

_OF_SHAPE = frozenset(
    {np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast, np.common_type}
    | {np.min_scalar_type, np.may_share_memory, np.shares_memory}
)
"""Functions whose result depends only on the shapes, types and memory of arrays."""

STABLE = frozenset(
    {
        np.where,
        np.matmul,
        np.clip,
        np.reshape,
        np.transpose,
        np.swapaxes,
        np.moveaxis,
        np.expand_dims,
        np.squeeze,
        np.broadcast_to,
    }
    | {np.concatenate, np.stack, np.cumsum, np.flip, np.argmax, np.argmin, np.argsort, np.sort, np.diagonal, np.ravel}
    | {np.tensordot, np.einsum, np.dot, np.real, np.imag, np.take_along_axis, np.prod, np.mean}
)
"""Functions whose result has the same shape for all values of their first argument."""
