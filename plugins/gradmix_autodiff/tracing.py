"""Traced values: what a function gets instead of numbers, so that NumPy's own protocols bring every operation here.

Each differentiation has a level of its own; a derivative taken within another has a higher one. An operation belongs
to the highest level among its arguments, and takes those of lower levels as constants: so perturbations are never
confused.
"""

from __future__ import annotations

import itertools
import linecache
import re
import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gradmix import DifferentiationError
from gradmix_autodiff import structure
from gradmix_autodiff.elementwise import CONSTANT, PARTIALS, local_derivative
from gradmix_autodiff.local import Local, Rule, times

_levels = itertools.count(1)


def next_level() -> int:
    """A level above all that are in use."""
    return next(_levels)


class Traced(ABC):
    """A scalar that is being traced; arrays are `sized`, which adds a length.

    It is a handle: an update in place makes the same handle stand for a new value, so that aliases see it, as they do
    in NumPy. Views would have to see it, too, and cannot; so it is refused while there are any.
    """

    __slots__ = ("__weakref__", "family", "level", "value")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]
    sized: ClassVar[type[Traced]]

    level: int
    value: Any
    family: list[weakref.ref[Traced]] | None
    """Handles on the same memory, if it was NumPy's: views of one another."""

    is_deferred: ClassVar[bool] = False
    """Whether rules are used after the function has returned, when plain arrays may have changed."""

    @abstractmethod
    def alias(self) -> Traced:
        """Another handle on the same value, which updates in place of this one do not touch."""

    @abstractmethod
    def become(self, other: Any) -> None:
        """Stand for what `other`, of the same level, stands for."""

    @abstractmethod
    def follow(self, y: Any, locals_: list[tuple[Any, Local]]) -> Traced:
        """The result `y` of an operation of this level, given its traced arguments and their local derivatives."""

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCTIONS and out is None:
            return _supported(_full_name(ufunc) + ".reduce", _REDUCTIONS[ufunc], *inputs, **{"axis": 0, **kwargs})
        if method != "__call__":
            raise _unsupported(f"np.{ufunc.__name__}.{method}")
        inputs = tuple(_stacked(each) for each in inputs)
        if ufunc in CONSTANT:
            return ufunc(*(plain_value(each) for each in inputs), out=out, **kwargs)
        result = _call_ufunc(ufunc, inputs, kwargs)
        return result if out is None else _write(result, out[0])

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if function in structure.CONSTANT_FUNCTIONS:
            return function(*map(plain_value, args), **{name: plain_value(value) for name, value in kwargs.items()})
        composite = structure.COMPOSITES.get(function)
        if composite is None:
            raise _unsupported(_full_name(function))
        return _supported(_full_name(function), composite, *args, **kwargs)

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
        raise _needs_a_number(sys._getframe(1))

    __int__ = __index__ = __complex__ = __float__

    def __setitem__(self, index: Any, value: Any) -> None:
        raise _in_place("x[i] = v", "np.where or np.concatenate to build the new array")

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


def apply(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Do an operation on its highest level: the value by the levels below, the derivative by its rule."""
    if function not in _INDEXED:
        arguments = tuple(_stacked(each) for each in arguments)
    level = max((each.level for each in arguments if isinstance(each, Traced)), default=0)
    if level == 0:
        return function(*arguments, **keywords)
    positions = [i for i, each in enumerate(arguments) if isinstance(each, Traced) and each.level == level]
    first = arguments[positions[0]]
    values = tuple(each.value if i in positions else each for i, each in enumerate(arguments))
    y = _evaluate(function, values, keywords)
    if np.iscomplexobj(plain_value(y)):
        raise DifferentiationError(f"{_full_name(function)} gave complex numbers; only real ones can be followed.")
    if first.is_deferred:
        values = tuple(_snapshot(each) for each in values)
    with np.errstate(all="ignore"):
        rule = _rule(function)
        locals_ = [(arguments[i], rule(y, values, keywords, i)) for i in positions]
        result = first.follow(y, locals_)
    if function in _VIEWS and result.ndim:
        _relate(first, result)
    return result


_INDEXED = frozenset({structure.get_item, structure.scatter})
"""Functions whose second argument is an index, where a list is no array of values."""


def _snapshot(value: Any) -> Any:
    """A value that stays what it is when the function goes on to change its arrays in place."""
    if isinstance(value, Traced):
        return value.alias()
    if isinstance(value, np.ndarray):
        return value.copy() if value.flags.writeable else value
    if isinstance(value, list | tuple):
        return type(value)(_snapshot(each) for each in value)
    return value


_VIEWS = frozenset({structure.get_item, np.reshape, np.transpose, np.flip, np.broadcast_to})
"""Functions whose result may share memory with their first argument in NumPy."""


def _relate(one: Traced, other: Traced) -> None:
    if one.family is None:
        one.family = [weakref.ref(one)]
    one.family.append(weakref.ref(other))
    other.family = one.family


def _has_views(traced: Traced) -> bool:
    relatives = (handle() for handle in traced.family or ())
    return any(relative is not None and relative is not traced for relative in relatives)


def _evaluate(function: Callable[..., Any], values: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    if function in _OWN_PRIMITIVES:
        return apply(function, *values, **keywords)  # NumPy does not know them: go down the levels here
    return function(*values, **keywords)


_OWN_PRIMITIVES = frozenset({structure.get_item, structure.scatter, structure.join, structure.choose, times})


def _rule(function: Any) -> Rule:
    if function in PARTIALS:
        return lambda y, arguments, keywords, position: local_derivative(function, y, arguments, keywords, position)
    return structure.PRIMITIVES[function]


def _supported(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a composite; arguments of NumPy's that it does not know are told, not dropped."""
    try:
        return function(*args, **kwargs)
    except (TypeError, NotImplementedError) as error:
        if isinstance(error, DifferentiationError):
            raise
        raise _unsupported(name, f" with these arguments ({error})") from error


def _call_ufunc(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if ufunc not in PARTIALS and ufunc is not np.matmul:
        raise _unsupported(_full_name(ufunc))
    if any(name not in ("dtype", "casting", "order", "subok") for name in kwargs):
        raise _unsupported(_full_name(ufunc), f" with {', '.join(kwargs)}")
    return apply(ufunc, *inputs)


_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}


def plain_value(x: Any) -> Any:
    """The number or array underneath all levels; lists are searched."""
    while isinstance(x, Traced):
        x = x.value
    if isinstance(x, list | tuple) and any(isinstance(each, Traced | list | tuple) for each in x):
        return type(x)(plain_value(each) for each in x)
    return x


def plain_index(index: Any) -> Any:
    """An index with nothing traced in it."""
    return tuple(map(plain_value, index)) if isinstance(index, tuple) else plain_value(index)


def _stacked(operand: Any) -> Any:
    """Traced scalars in a list, or in an object array that ``np.array([x, y])`` made of them, as one traced array."""
    is_objects = isinstance(operand, np.ndarray) and operand.dtype == object
    return structure.as_array(operand) if is_objects or _holds_traced(operand) else operand


def _holds_traced(operand: Any) -> bool:
    if isinstance(operand, list | tuple):
        return any(isinstance(each, Traced) or _holds_traced(each) for each in operand)
    return False


_overwritten: ContextVar[list[tuple[NDArray[Any], NDArray[Any]]] | None] = ContextVar("overwritten", default=None)
"""Plain arrays that the function wanted to update in place by traced values, and what they held."""


def _write(result: Any, out: NDArray[Any]) -> Any:
    """Do what ``out += x`` does to a plain array, as far as that is possible.

    An object array takes the traced entries. One of floats cannot; the name before ``+=`` stands for the result from
    now on. Other names for the same array would still show the old numbers: they show NaN instead, which `evaluate`
    notices.
    """
    if out.dtype == object:
        for place in np.ndindex(out.shape):
            out[place] = result[place]
        return out
    written = _overwritten.get()
    if written is None or not np.issubdtype(out.dtype, np.floating):
        raise _in_place(f"an update of a plain array of {out.dtype}", "y = y + x instead of y += x")
    written.append((out, out.copy()))
    out[...] = np.nan
    return result


def evaluate(f: Callable[[Any], Any], point: Any) -> Any:
    """Call a function on a traced point; what it returns as a number, an array or a traced value."""
    overwritten: list[tuple[NDArray[Any], NDArray[Any]]] = []
    token = _overwritten.set(overwritten)
    try:
        result = result_of(f(point))
        if overwritten and np.isnan(plain_value(result)).any():
            raise _in_place("an update in place of a plain array that has other names (y += x)", "y = y + x")
        return result
    except ValueError as error:
        if isinstance(error.__cause__, DifferentiationError):  # NumPy wraps it when an element is assigned
            raise error.__cause__ from None
        raise
    finally:
        _overwritten.reset(token)
        for array, before in reversed(overwritten):
            array[...] = before  # it may be the caller's


def result_of(y: Any) -> Any:
    """What a function returned, as a number, an array or a traced value."""
    if isinstance(y, Traced):
        return y
    if isinstance(y, list | tuple) or (isinstance(y, np.ndarray) and y.dtype == object):
        return structure.as_array(y)
    if y is None or isinstance(y, str) or np.iscomplexobj(y):
        raise DifferentiationError(f"the function returned {y!r}; it must return real numbers.")
    return np.asarray(y, dtype=np.float64)[()]


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
        if result.level != self.level or result.shape != self.shape or _has_views(self):
            raise _in_place(f"an in-place operation ({name})", "y = y + v instead of y += v")
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


# Errors that say what to write instead.


def _unsupported(name: str, detail: str = "") -> DifferentiationError:
    return DifferentiationError(
        f"{name}{detail} has no derivative rule here. Write it in terms of other NumPy functions, "
        "or use differentiator=finite_difference."
    )


def _full_name(function: Any) -> str:
    module = str(getattr(function, "__module__", None) or "numpy")
    return f"{module.replace('numpy', 'np', 1).replace('np._core', 'np')}.{function.__name__}"


def _in_place(what: str, instead: str) -> DifferentiationError:
    return DifferentiationError(
        f"{what} would be seen through other names or views of the same array in NumPy, which cannot be followed "
        f"here: write {instead}."
    )


_NUMPY_NAMES = {
    "pow": "np.power",
    "fabs": "np.abs",
    "lgamma": "scipy.special.gammaln",
    "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc",
} | {f"a{name}": f"np.arc{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}


def _needs_a_number(frame: Any) -> DifferentiationError:
    """The error for a place that asks a traced value for a plain number."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    where = f"{frame.f_code.co_filename}, line {frame.f_lineno}" + (f": {line}" if line else "")
    calls = re.findall(r"\bmath\.(\w+)", line)
    if calls:
        advice = "; ".join(f"use {_NUMPY_NAMES.get(call, f'np.{call}')} instead of math.{call}" for call in calls)
    else:
        advice = (
            "float(), int(), the math module and assignment into a plain array need a number; use NumPy's functions, "
            "and np.stack([…]) to make arrays"
        )
    return DifferentiationError(f"a traced value is no plain number ({where}): {advice}.")
