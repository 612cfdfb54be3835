"""Run functions written for NumPy with values of a peer: wrapped values forward each NumPy call to the peer."""

from __future__ import annotations

import linecache
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import numpy as np

from gradmix import DifferentiationError
from gradmix.arrays import Traced
from gradmix_peers.tool import Tool


def hand_over(f: Callable[[Any], Any], tool: Tool) -> Callable[[Any], Any]:
    """Return the function as a function of the peer's own values."""
    return lambda value: follow(f, value, tool)


def follow(f: Callable[[Any], Any], value: Any, tool: Tool, concrete: Any = None) -> Any:
    """Apply the function to one of the peer's values; `concrete` is its number or array if it is a symbol."""
    return release(_followed(f, handed(value, tool, concrete)), tool)


def is_following() -> bool:
    """Check whether a peer is following a function at the moment; another peer cannot start within it."""
    return _following.get()


_following: ContextVar[bool] = ContextVar("following", default=False)


_choices: ContextVar[list[str] | None] = ContextVar("choices", default=None)


@contextmanager
def noting_choices() -> Iterator[list[str]]:
    """Collect the choices by values, such as comparisons, of the functions that are followed in this context."""
    token = _choices.set([])
    try:
        yield cast("list[str]", _choices.get())
    finally:
        _choices.reset(token)


def _note_choice(name: str) -> None:
    if (choices := _choices.get()) is not None:
        choices.append(name)


def _followed(f: Callable[[Any], Any], argument: Any) -> Any:
    token = _following.set(True)
    try:
        return f(argument)
    finally:
        _following.reset(token)


def handed(value: Any, tool: Tool, concrete: Any = None) -> Handed:
    """Wrap a peer's value for NumPy; `concrete` is its number or array at the point if it is a symbol."""
    shape = np.shape(value if concrete is None else concrete) if tool.concrete is None else _shape(value, tool)
    return (HandedArray if shape else Handed)(value, tool, shape, concrete)


def record(f: Callable[[Any], Any], symbols: list[Any], x: Any, tool: Tool) -> list[Any]:
    """Apply f to symbols for the entries of x, for an entrywise peer; return an expression for each value."""
    scalars = [handed(symbol, tool, float(entry)) for symbol, entry in zip(symbols, x, strict=True)]
    argument = np.empty(len(scalars), dtype=object)
    argument[:] = scalars
    try:
        result = _followed(f, argument)
    except TypeError as error:
        if isinstance(error, DifferentiationError):
            raise
        raise _refused(tool, "the function entry by entry", str(error)) from error
    return [each.value if isinstance(each, Handed) else tool.constant(float(each)) for each in result]


def _shape(value: Any, tool: Tool) -> tuple[int, ...]:
    assert tool.concrete is not None
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(tool.concrete(value))


def release(result: Any, tool: Tool) -> Any:
    """Return a function's return value as one of the peer's values."""
    return result.value if isinstance(result, Handed) else tool.constant(result)


class Handed(Traced):
    """A wrapped scalar of a peer; arrays are `HandedArray`, which has a length."""

    __slots__ = ("_concrete", "shape", "tool", "value")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, tool: Tool, shape: tuple[int, ...], concrete: Any) -> None:
        self.value, self.tool, self.shape, self._concrete = value, tool, shape, concrete  # type: ignore[misc]  # kept as a slot

    @property
    def concrete(self) -> Any:
        """The number or array that it represents at the point."""
        return self._concrete if self.tool.concrete is None else self.tool.concrete(self.value)

    def as_vector(self) -> Any:
        """Return itself if it is a vector, without a call of the peer; otherwise flatten it."""
        return self if len(self.shape) == 1 else np.reshape(self, (-1,))  # type: ignore[call-overload]

    def stopped(self) -> Any:
        """Return the number or array at the point."""
        _note_choice("stop_gradient")
        return np.copy(self.concrete)[()]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        name = _REDUCTIONS.get(ufunc.__name__) if method == "reduce" else ufunc.__name__
        if name is None or out is not None or method not in ("__call__", "reduce"):
            raise _refused(self.tool, f"np.{ufunc.__name__}.{method}" + (" with out=" if out is not None else ""))
        if self.tool.is_entrywise and any(np.ndim(each) for each in inputs):
            return ufunc(*map(_boxed, inputs), **kwargs)
        function = ufunc if method == "__call__" else getattr(np, name)
        if method == "reduce":
            kwargs = {"axis": 0, **kwargs}
        return _apply(self.tool, name, function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if self.tool.is_entrywise and function.__name__ not in CONSTANT | _SHAPES:
            return function(*map(_boxed, args), **kwargs)[()]
        module = str(function.__module__).removeprefix("numpy").lstrip(".")
        return _apply(self.tool, f"{module}.{function.__name__}".lstrip("."), function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return _apply(self.tool, "getitem", operator.getitem, (self, _concrete(index)), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise _refused(self.tool, "an in-place update", "build the new array with np.where, np.stack or np.concatenate")

    def __bool__(self) -> bool:
        _note_choice("bool")
        return bool(self.concrete)

    def __float__(self) -> float:
        frame = sys._getframe(1)
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        raise _refused(self.tool, f"float(), int() or the math module ({line})", "use NumPy's functions")

    __int__ = __index__ = __complex__ = __float__

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape))

    @property
    def T(self) -> Any:  # noqa: N802 -- NumPy's name
        """Transpose."""
        return np.transpose(self)  # type: ignore[call-overload]

    @property
    def real(self) -> Any:
        """The value itself, as all wrapped values are real."""
        return self

    def reshape(self, *shape: Any) -> Any:
        """Reshape like ``ndarray.reshape``."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[call-overload]

    def copy(self) -> Any:
        """Return itself: nothing changes it in place."""
        return self

    def astype(self, dtype: Any, **kwargs: Any) -> Any:
        """Return itself if the requested type is a floating-point type."""
        if not np.issubdtype(np.dtype(dtype), np.floating):
            raise _refused(self.tool, f"a conversion to {np.dtype(dtype)}", "it has no derivative")
        return self


class HandedArray(Handed):
    """A wrapped array of a peer."""

    __slots__ = ()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float64. Scalars have no dtype, as NumPy would otherwise mistake them for its own."""
        return np.dtype(np.float64)


def _apply(tool: Tool, name: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    """Apply the peer's counterpart of one of NumPy's functions."""
    if name in _SHAPES:
        return function(*(np.broadcast_to(0.0, each.shape) if isinstance(each, Handed) else each for each in args))
    if name in CONSTANT:
        if name not in _ALIKE:
            _note_choice(name)
        return function(*map(_concrete, args), **{key: _concrete(each) for key, each in kwargs.items()})
    if name in ("maximum", "minimum") and tool.is_entrywise:
        return _chosen(function, *args)
    own = tool.find(name)
    if own is None:
        raise _refused(tool, f"np.{name}")
    try:
        values = [_value(each, tool) for each in args]
        result = own(*values, **{key: _value(each, tool) for key, each in kwargs.items()})
    except DifferentiationError:
        raise
    except Exception as error:  # a peer's own errors are of any kind
        raise _refused(tool, f"np.{name} with these arguments", str(error)) from error
    concrete = None if tool.concrete else function(*map(_concrete, args), **dict(kwargs))
    return handed(result, tool, concrete)


def _chosen(ufunc: Callable[..., Any], a: Any, b: Any) -> Any:
    """Return the larger or the smaller of two scalars."""
    _note_choice(ufunc.__name__)
    return a if ufunc(_concrete(a), _concrete(b)) == _concrete(a) else b


def _value(argument: Any, tool: Tool) -> Any:
    """Convert an argument for the peer."""
    if isinstance(argument, Handed):
        return argument.value
    if isinstance(argument, np.ndarray):
        return _stacked(argument, tool).value if argument.dtype == object else tool.constant(argument)
    if isinstance(argument, np.floating):
        return tool.constant(float(argument))
    if isinstance(argument, list | tuple) and _holds_handed(argument):
        return [_value(each, tool) for each in argument]
    return tool.constant(argument) if isinstance(argument, float) else argument


def _concrete(argument: Any) -> Any:
    """Replace the peer's values in an argument by numbers."""
    if isinstance(argument, Handed):
        return argument.concrete
    if isinstance(argument, list | tuple):
        return type(argument)(map(_concrete, argument))
    if isinstance(argument, np.ndarray) and argument.dtype == object:
        return np.array([_concrete(each) for each in argument.flat]).reshape(argument.shape)
    return argument


def _stacked(entries: Any, tool: Tool) -> Handed:
    """Combine nested lists or an object array of scalars into one array."""
    if tool.is_entrywise:
        raise _refused(tool, "an array as one value")
    if isinstance(entries, Handed):
        return entries
    if np.ndim(entries):
        parts: list[Any] = [_stacked(each, tool) for each in entries]
        return cast("Handed", np.stack(parts))
    return handed(tool.constant(np.float64(entries)), tool, None if tool.concrete else np.float64(entries))


def _holds_handed(entries: Any) -> bool:
    if isinstance(entries, np.ndarray):
        return bool(entries.dtype == object)
    return isinstance(entries, list | tuple) and any(
        isinstance(each, Handed) or _holds_handed(each) for each in entries
    )


def _boxed(argument: Any) -> Any:
    """Convert scalars to arrays of one object each, which NumPy's loops over objects accept."""
    if isinstance(argument, list | tuple):
        return type(argument)(map(_boxed, argument))
    if not isinstance(argument, Handed):
        return argument
    box = np.empty((), dtype=object)
    box[()] = argument
    return box


def _refused(tool: Tool, what: str, advice: str = "") -> DifferentiationError:
    return DifferentiationError(f"{tool.label} cannot follow {what}" + (f": {advice}." if advice else "."))


CONSTANT = frozenset(
    {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "isnan", "isinf", "signbit"}
    | {"sign", "logical_and", "logical_or", "logical_not", "logical_xor", "floor", "ceil", "rint", "trunc", "spacing"}
    | {"floor_divide", "zeros_like", "ones_like", "argmax", "argmin", "argsort", "any", "all"}
    | {"nonzero", "flatnonzero", "count_nonzero", "iscomplexobj", "isrealobj", "array_equal", "allclose", "isclose"}
)
"""NumPy's piecewise constant functions, whose derivative is 0: they are called with plain numbers."""

_ALIKE = frozenset({"zeros_like", "ones_like", "iscomplexobj", "isrealobj"})
"""Functions among these whose result is the same for all values."""

_SHAPES = frozenset({"shape", "ndim", "size"})
"""NumPy's functions that depend on the shape only, not on values."""

_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}

# Operators and methods, generated from tables.

_BINARY = ("add", "subtract:sub", "multiply:mul", "divide:truediv", "power:pow", "matmul", "remainder:mod")
_COMPARISONS = ("less:lt", "less_equal:le", "greater:gt", "greater_equal:ge", "equal:eq", "not_equal:ne")
_UNARY = ("negative:neg", "positive:pos", "absolute:abs")
_METHODS: tuple[str, ...] = (
    "sum",
    "mean",
    "var",
    "std",
    "prod",
    "max",
    "min",
    "ravel",
    "squeeze",
    "swapaxes",
    "transpose",
    "dot",
)
_METHODS += ("cumsum", "take", "trace", "clip", "argmax", "argmin", "argsort", "all", "any")


def _forward(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)


for _pair in (*_BINARY, *_COMPARISONS, *_UNARY):
    _name, _, _operator = _pair.partition(":")
    setattr(Handed, f"__{_operator or _name}__", _forward(getattr(np, _name)))
    if _pair in _BINARY:
        setattr(Handed, f"__r{_operator or _name}__", _reflected(getattr(np, _name)))
for _name in _METHODS:
    setattr(Handed, _name, _forward(getattr(np, _name)))
for _ufunc in (each for each in vars(np).values() if isinstance(each, np.ufunc) and each.nin <= 2):
    setattr(Handed, _ufunc.__name__, _forward(_ufunc))  # on an object array a ufunc calls its elements' methods
