"""Traced values: what a function gets instead of numbers, so that NumPy's own protocols bring every operation here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff import structure
from gradmix_autodiff.dispatch import OPERATIONS, Handle, apply, plain_index, plain_value, stacked_operand
from gradmix_autodiff.elementwise import CONSTANT, PARTIALS
from gradmix_autodiff.evaluation import write
from gradmix_autodiff.guidance import full_name, in_place, needs_a_number, unsupported


class Traced(Handle):
    """A scalar that is being traced; arrays are `sized`, which adds a length."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]
    sized: ClassVar[type[Traced]]

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCTIONS and out is None:
            return _supported(full_name(ufunc) + ".reduce", _REDUCTIONS[ufunc], *inputs, **{"axis": 0, **kwargs})
        if method != "__call__":
            raise unsupported(f"np.{ufunc.__name__}.{method}")
        inputs = tuple(stacked_operand(each) for each in inputs)
        if ufunc in CONSTANT:
            return ufunc(*(plain_value(each) for each in inputs), out=out, **kwargs)
        result = _call_ufunc(ufunc, inputs, kwargs)
        return result if out is None else write(result, out[0])

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if function in structure.CONSTANT_FUNCTIONS:
            return function(*map(plain_value, args), **{name: plain_value(value) for name, value in kwargs.items()})
        composite = structure.COMPOSITES.get(function)
        if composite is None:
            raise unsupported(full_name(function))
        return _supported(full_name(function), composite, *args, **kwargs)

    # Python's operators

    def __neg__(self) -> Any:
        return apply(np.negative, self)

    def __pos__(self) -> Any:
        return apply(np.positive, self)

    def __abs__(self) -> Any:
        return apply(np.absolute, self)

    def __getitem__(self, index: Any) -> Any:
        return apply(structure.get_item, self, plain_index(index))

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        return bool(plain_value(self))

    def __float__(self) -> float:
        raise needs_a_number(sys._getframe(1))

    __int__ = __index__ = __complex__ = __float__

    def __setitem__(self, index: Any, value: Any) -> None:
        raise in_place("x[i] = v", "np.where or np.concatenate to build the new array")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    # what arrays have

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return np.shape(self.value)

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
        return apply(np.transpose, self)

    @property
    def real(self) -> Self:
        """Itself: traced values are real."""
        return self

    def reshape(self, *shape: Any) -> Any:
        """As ``ndarray.reshape``."""
        return apply(np.reshape, self, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)

    def transpose(self, *axes: Any) -> Any:
        """As ``ndarray.transpose``."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = tuple(axes[0] or ())
        return apply(np.transpose, self, axes or None)

    def copy(self) -> Any:
        """As ``ndarray.copy``."""
        return +self

    def __copy__(self) -> Any:
        return +self

    def __deepcopy__(self, memo: Any) -> Any:
        return +self

    def astype(self, dtype: Any, **kwargs: Any) -> Any:
        """A copy, if a floating-point type is asked for."""
        if not np.issubdtype(np.dtype(dtype), np.floating):
            raise DifferentiationError(f"a traced value cannot become {np.dtype(dtype)}: that has no derivative.")
        return +self

    def flatten(self) -> Any:
        """As ``ndarray.flatten``."""
        return apply(np.reshape, self, (-1,))


class _Sized(Traced):
    """An array that is being traced."""

    __slots__ = ()

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float64; scalars have no such thing, as NumPy would take them for its own."""
        return np.dtype(np.float64)


def sized(scalar: type[Traced]) -> type[Traced]:
    """Make the class of arrays that goes with a class of traced scalars.

    Scalars must have no length: NumPy would take them for sequences.
    """
    scalar.sized = type(f"{scalar.__name__}Array", (scalar, _Sized), {"__slots__": (), "__doc__": _Sized.__doc__})
    return scalar


def class_for(scalar: type[Traced], value: Any) -> type[Traced]:
    """The class for a value: scalar or array."""
    return scalar.sized if np.ndim(value) else scalar


def _supported(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a composite; arguments of NumPy's that it does not know are told, not dropped."""
    try:
        return function(*args, **kwargs)
    except (TypeError, NotImplementedError) as error:
        if isinstance(error, DifferentiationError):
            raise
        raise unsupported(name, f" with these arguments ({error})") from error


def _call_ufunc(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if ufunc not in OPERATIONS:
        raise unsupported(full_name(ufunc))
    if any(name not in ("dtype", "casting", "order", "subok") for name in kwargs):
        raise unsupported(full_name(ufunc), f" with {', '.join(kwargs)}")
    return apply(ufunc, *inputs)


_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}


# Operators and methods, made from the tables.

_BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "pow": np.power,
    "mod": np.remainder,
    "floordiv": np.floor_divide,
    "matmul": np.matmul,
}
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_METHODS: dict[str, Any] = {
    "sum": np.sum,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "ravel": np.ravel,
    "squeeze": np.squeeze,
    "swapaxes": np.swapaxes,
    "dot": np.dot,
    "cumsum": np.cumsum,
    "take": np.take,
    "trace": np.trace,
    "clip": np.clip,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "argsort": np.argsort,
    "all": np.all,
    "any": np.any,
}


def _operator(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: ufunc(self, _operand(other))


def _reflected(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: ufunc(_operand(other), self)


def _operand(other: Any) -> Any:
    return np.asarray(other) if isinstance(other, list | tuple) else other


def _in_place_operator(name: str, ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        result = ufunc(self, other)
        if self.ndim == 0:
            return result  # numbers have no aliases
        if getattr(result, "level", None) != self.level or result.shape != self.shape or self.has_views:
            raise in_place(f"an in-place operation ({name})", "y = y + v instead of y += v")
        self.become(result)
        return self

    return operator


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


for _name, _ufunc in _BINARY.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
    setattr(Traced, f"__r{_name}__", _reflected(_ufunc))
    setattr(Traced, f"__i{_name}__", _in_place_operator(_name, _ufunc))
for _name, _ufunc in _COMPARISONS.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
for _ufunc in PARTIALS:  # on an object array a ufunc calls each element's method of its name
    setattr(Traced, _ufunc.__name__, _method(_ufunc))
for _name, _function in _METHODS.items():
    setattr(Traced, _name, _method(_function))
