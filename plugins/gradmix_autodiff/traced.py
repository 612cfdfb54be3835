"""Traced values, given to a function in place of numbers: NumPy's protocols hand over every operation on them.

Each differentiation has its own level; a derivative taken within another has a higher level. An operation belongs to
the highest level among its arguments and treats values of lower levels as constants. This prevents perturbation
confusion.
"""

from __future__ import annotations

import itertools
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from gradmix import DifferentiationError, arrays
from gradmix.arrays import FunctionWithRule
from gradmix_autodiff.guidance import full_name, in_place, needs_a_number, unsupported
from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, ELEMENTWISE, PRIMITIVES, Elementwise, Rule

_levels = itertools.count(2)  # symbols have level 1, below all others


def next_level() -> int:
    """Return a level above all that are in use."""
    return next(_levels)


def operate(rule: Rule, *arguments: Any, **keywords: Any) -> Any:
    """Do an operation on its highest level: the value by the levels below, the derivative by its rule."""
    return operate_on(rule, arguments, keywords)


def operate_on(rule: Rule, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Do an operation as `operate` does, with the arguments in a sequence."""
    owner, level = None, 0
    for each in arguments:
        if isinstance(each, Traced) and (its := each.level) > level:
            owner, level = each, its
    if owner is None:
        return rule.function(*arguments, **keywords)
    return owner.follow(rule, tuple(arguments), keywords)


def plain_value(x: Any) -> Any:
    """Return the number or array below all levels, or the symbol that represents it; lists are searched."""
    while isinstance(x, Traced):
        below = x.value
        if below is x:
            return x
        x = below
    if isinstance(x, list | tuple) and any(isinstance(each, Traced | list | tuple) for each in x):
        return type(x)(plain_value(each) for each in x)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.array([plain_value(each) for each in x.flat]).reshape(x.shape)
    return x


def is_complex(x: Any) -> bool:
    """Return whether the number or array below all levels is complex."""
    x = plain_value(x) if isinstance(x, Traced) else x
    kind = type(x)
    return x.dtype.kind == "c" if kind is np.ndarray else kind is not float and np.iscomplexobj(x)


def seen(found: Any) -> Any:
    """Return a value without its derivative, as a function sees it: a symbol decides how much of it is plain."""
    return found.seen() if isinstance(found, Traced) else found


def is_known(condition: Any) -> bool:
    """Return whether a condition on plain values is true, so that a shortcut may be taken; False for symbols."""
    return not isinstance(condition, Traced) and bool(condition)


def operand(x: Any) -> Any:
    """Return traced scalars of a list, or of an object array such as ``np.array([x, y])``, as one traced array."""
    if isinstance(x, np.ndarray):
        return as_array(x) if x.dtype == object else x
    if isinstance(x, list | tuple):
        return as_array(x) if holds_traced(x) else x
    is_data = hasattr(x, "__array_ufunc__") and not isinstance(x, Traced | np.generic)  # a pandas Series
    return np.asarray(x) if is_data else x


def holds_traced(x: Any) -> bool:
    """Return whether a list, or a list within it, has a traced value."""
    if isinstance(x, list | tuple):
        return any(isinstance(each, Traced) or holds_traced(each) for each in x)
    return isinstance(x, np.ndarray) and x.dtype == object


def as_array(entries: Any) -> Any:
    """Stack nested lists or an object array of scalars, some of them traced, into one traced array."""
    if isinstance(entries, Traced) or (isinstance(entries, np.ndarray) and entries.dtype != object):
        return entries
    if isinstance(entries, list | tuple | np.ndarray) and np.ndim(entries) != 0:
        return np.stack([as_array(entry) for entry in entries])
    return entries[()] if isinstance(entries, np.ndarray) else entries


class Traced(arrays.Traced):
    """A scalar that is being traced; arrays are `TracedArray`.

    A scalar has no length and no dtype: with these, NumPy would take it for one of its own scalars.
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    value: Any
    """The value on the level below; the object itself if there is none."""
    level: int

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the result of an operation of this level."""
        raise NotImplementedError

    def follow_one(self, rule: Elementwise) -> Any:
        """Return the result of an operation on this value alone."""
        return self.follow(rule, (self,), {})

    def constant(self, value: Any) -> Any:
        """Return a plain array as a traced one of this level, so that traced values can be written into it."""
        raise NotImplementedError

    def seen(self) -> Any:
        """Return the value without its derivative, as a function sees it."""
        return self

    # what functions say of their own derivatives

    def call_with_rule(self, function: FunctionWithRule, arguments: tuple[Any, ...]) -> Any:
        """Call a function by the rule that a user gave for it."""
        from gradmix_autodiff.own_rules import call_with_rule

        return call_with_rule(function, tuple(map(operand, arguments)))

    def call_checkpointed(self, f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a checkpointed function; only the tape keeps operations that could be dropped."""
        return f(*arguments)

    def stopped(self) -> Any:
        """Return the plain number or array, which the function may write into."""
        return np.copy(plain_value(self))[()]

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__":
            return _ufunc_method(ufunc, method, inputs, out, options)
        if out is None and not options:
            rule = ELEMENTWISE.get(ufunc)
            if rule is not None and len(inputs) == 1:
                return self.follow_one(rule)
            whole = PRIMITIVES.get(ufunc) if rule is None else rule
            if whole is not None:
                is_own = is_traced = True
                for each in inputs:
                    if each is not self:
                        is_plain = type(each) is float or (type(each) is np.ndarray and each.dtype.kind != "O")
                        is_own = is_own and is_plain
                        is_traced = is_traced and (is_plain or isinstance(each, Traced))
                if is_own:
                    return self.follow(whole, inputs, {})
                if is_traced:
                    return operate_on(whole, inputs, {})
            if rule is not None:
                return operate(rule, *map(operand, inputs))
        return _call_ufunc(ufunc, inputs, out, options)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        composition = COMPOSITIONS.get(function)
        if composition is not None:
            if (kwargs and kwargs.get("out") is not None) or (len(args) > 1 and _place_of_out(function) < len(args)):
                return _with_out(function, composition, args, kwargs)
            try:  # as `supported`, without a further call
                return composition(*args, **kwargs)
            except DifferentiationError:
                raise
            except (TypeError, NotImplementedError) as error:
                raise _refused(function, error) from error
        if function in CONSTANT:
            options = {name: plain_value(value) for name, value in kwargs.items()}
            return seen(function(*map(plain_value, args), **options))
        if function in _MADE_LIKE:  # np.zeros(3, like=x): NumPy asks x, and leaves out like=
            return COMPOSITIONS["made"](self, function, args, kwargs)
        from gradmix_autodiff.own_rules import call_added

        return call_added(function, args, kwargs)

    # Python's operators

    def __neg__(self) -> Any:
        return self.follow_one(ELEMENTWISE[np.negative])

    def __pos__(self) -> Any:
        return self.follow_one(ELEMENTWISE[np.positive])

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __abs__(self) -> Any:
        return self.follow_one(ELEMENTWISE[np.absolute])

    def __getitem__(self, index: Any) -> Any:
        return COMPOSITIONS["getitem"](self, index)

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        return bool(plain_value(self))

    def __float__(self) -> float:
        raise needs_a_number(sys._getframe(1))

    __int__ = __index__ = __complex__ = __float__

    def __round__(self, digits: int | None = None) -> Any:
        raise needs_a_number(sys._getframe(1))

    def __format__(self, spec: str) -> str:
        if spec:
            raise needs_a_number(sys._getframe(1))
        return repr(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    # what arrays have

    shape: tuple[int, ...] = ()

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
        return np.transpose(self)

    @property
    def real(self) -> Any:
        """Real part."""
        return np.real(self)

    @property
    def imag(self) -> Any:
        """Imaginary part."""
        return np.imag(self)

    @property
    def flat(self) -> Iterator[Any]:
        """Return the entries, row by row."""
        return iter(np.ravel(self))

    def item(self, *index: int) -> Any:
        """Return one entry, traced: the only one, or the one at an index."""
        if not index:
            if self.size != 1:
                raise ValueError("can only convert an array of size 1 to a Python scalar")
            return np.ravel(self)[0]
        return np.ravel(self)[index[0]] if len(index) == 1 else self[index]

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """Return the array in another shape, as ``ndarray.reshape``."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes, as ``ndarray.transpose``."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = tuple(axes[0] or ())
        return np.transpose(self, axes or None)

    def copy(self, order: str = "C") -> Any:
        """Return a copy, as ``ndarray.copy``."""
        return +self

    def __copy__(self) -> Any:
        return +self

    def __deepcopy__(self, memo: Any) -> Any:
        return +self

    def astype(self, dtype: Any, *, copy: bool = True, **options: Any) -> Any:
        """Return the array rounded to the precision of a floating-point type: a copy, unless `copy` is False."""
        wanted = np.dtype(dtype)
        is_same = not copy and self.ndim and wanted == (np.complex128 if is_complex(self) else np.float64)
        return self if is_same else COMPOSITIONS["astype"](self, wanted)

    def flatten(self, order: str = "C") -> Any:
        """Return a flat copy, as ``ndarray.flatten``."""
        return +(np.ravel(self, order) if self.ndim else np.reshape(self, (1,)))


class TracedArray(Traced):
    """An array that is being traced.

    An update in place gives the same object a new value, so that aliases see the update, as in NumPy. Views of the same
    memory see it, too: each knows which array it is a view of, and which entries it shows.
    """

    __slots__ = ("__weakref__", "exported", "relatives", "source")

    relatives: list[weakref.ref[TracedArray]] | None
    """Views of this array; each knows its own views."""
    source: tuple[TracedArray, Callable[[Any], Any]] | None
    """The array that this one is a view of (possibly a view, too), and the step to this one; None if it is none."""

    exported: list[weakref.ref[Any]] | None
    """Object arrays that NumPy has made from this array; they must see its updates, too."""

    def become(self, other: Any) -> None:
        """Take over the value of `other`, which is of the same level."""
        raise NotImplementedError

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the entries as an object array, for ``np.asarray(x)``, which NumPy's protocols cannot override.

        It shows later updates of this array, as an alias would. It cannot be written to.
        """
        if dtype not in (None, object):
            raise needs_a_number(sys._getframe(1))
        if sys._getframe(1).f_code.co_name == "as_strided":  # it would read memory beyond this copy
            raise unsupported("np.lib.stride_tricks.as_strided")
        entries = np.empty(self.shape, dtype=object)
        self._fill(entries)
        if copy:
            return entries
        alias = entries.view()
        alias.flags.writeable = False
        self.exported = [*(self.exported or ()), weakref.ref(alias)]
        return alias

    def _fill(self, entries: Any) -> None:
        for place in np.ndindex(self.shape):
            entries[place] = self[place]

    def _show(self) -> None:
        """Update the object arrays that were made from this one."""
        for alias in (ref() for ref in self.exported or ()):
            if alias is not None:
                self._fill(alias.base)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __contains__(self, x: Any) -> bool:
        return x in plain_value(self)

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape of the value."""
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the value."""
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def strides(self) -> tuple[int, ...]:
        """Return the strides of the plain array."""
        return tuple(plain_value(self).strides)

    def tolist(self) -> list[Any]:
        """Return the traced entries as nested lists."""
        return [each.tolist() if isinstance(each, TracedArray) else each for each in self]

    def fill(self, value: Any) -> None:
        """Set all entries to a value, as ``ndarray.fill``."""
        self[...] = value

    def __setitem__(self, index: Any, value: Any) -> None:
        self.update(COMPOSITIONS["setitem"](self, index, value), "x[i] = v", "np.where or np.concatenate")

    def update(self, result: Any, what: str, instead: str) -> None:
        """Take over the value of `result`, and let aliases and views see it.

        Raises
        ------
        DifferentiationError
            If the result is of a higher level or has another shape.
        """
        if getattr(result, "level", None) != self.level or result.shape != self.shape:
            raise in_place(what, instead)
        root, steps = self._path()
        if steps:
            written = COMPOSITIONS["setitem"](np.ravel(root), np.ravel(_places(root, steps)), np.ravel(result))
            result = np.reshape(written, root.shape)
        root.become(result)
        root._show()
        found = [root]
        for each in found:  # which grows
            found += [view for view in (ref() for ref in each.relatives or ()) if view is not None]
        for view in found[1:]:
            view.become(COMPOSITIONS["gather"](root, _places(root, view._path()[1]), root.shape))
            view._show()

    def _path(self) -> tuple[TracedArray, list[Callable[[Any], Any]]]:
        """Return the array that owns the entries, and the steps that lead from it to this one."""
        root, steps = self, []
        while root.source is not None:
            root, step = root.source
            steps.append(step)
        return root, steps[::-1]


def _places(root: TracedArray, steps: Sequence[Callable[[Any], Any]]) -> Any:
    """Return where the entries of a view are in the array that it is a view of."""
    places = np.arange(root.size).reshape(root.shape)
    for step in steps:
        places = step(places)
    return places


def shares_memory(one: Any, other: Any) -> bool:
    """Return whether the plain array below one value is a view of the array below another, rather than a copy."""
    return np.may_share_memory(plain_value(one), plain_value(other))


def view_step(rule: Rule, y: Any, values: Sequence[Any], keywords: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """Return the step from the first argument to a result that is a view of it; None if the result is no view.

    The result may have no axes: in NumPy ``x[..., 0]`` of a vector is a view, although ``x[0]`` is a number.
    """
    may_be_view = type(rule) is not Elementwise and rule.is_view and isinstance(y, np.ndarray | Traced)  # type: ignore[union-attr]
    if not may_be_view or not shares_memory(y, values[0]):
        return None
    return lambda x: rule.function(x, *values[1:], **keywords)


def relate(one: Traced, view: TracedArray, step: Callable[[Any], Any]) -> None:
    """Note that an array is a view of another, from which `step` leads to it; a number has no views."""
    if isinstance(one, TracedArray):
        view.source = (one, step)
        relatives = one.relatives
        if relatives is None:
            one.relatives = [weakref.ref(view)]
        else:
            relatives.append(weakref.ref(view))
            count = len(relatives)
            if count > _MANY and count & (count - 1) == 0:  # now and then, drop references to deleted views
                relatives[:] = [each for each in relatives if each() is not None]


def supported(named: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a composition in place of the named function; unsupported arguments of NumPy's raise an error."""
    try:
        return function(*args, **kwargs)
    except DifferentiationError:
        raise
    except (TypeError, NotImplementedError) as error:
        raise _refused(named, error) from error


def _refused(named: Any, error: Exception) -> DifferentiationError:
    name = named if isinstance(named, str) else full_name(named)
    return unsupported(name, f" with these arguments ({error})")


@cache
def _place_of_out(function: Callable[..., Any]) -> int:
    """Return the position of the argument ``out`` of a NumPy function; beyond all arguments if it is keyword-only."""
    names = _names_by_place(function)
    return names.index("out") if "out" in names else sys.maxsize


def _names_by_place(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that a function takes by position."""
    try:
        parameters = signature(function).parameters.values()
    except ValueError:  # a function written in C without a signature
        return []
    return [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]


def _with_out(function: Any, composition: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a composition, and write its result into the array that the argument ``out`` names."""
    from gradmix_autodiff.evaluation import write

    place = _place_of_out(function)
    options = {name: value for name, value in kwargs.items() if name != "out"}
    out = kwargs["out"] if "out" in kwargs else args[place]
    given = args[:place]
    if len(args) > place + 1:  # arguments behind it
        options |= dict(zip(_names_by_place(function)[place + 1 :], args[place + 1 :], strict=False))
    result = supported(function, composition, *given, **options)
    return result if out is None else write(result, out[0] if isinstance(out, tuple) else out)


def _call_ufunc(ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    from gradmix_autodiff.evaluation import references_to_a_local, references_to_a_temporary, write
    from gradmix_autodiff.own_rules import call_added

    where = options.pop("where", True)
    composition = COMPOSITIONS.get(ufunc)
    if ufunc in CONSTANT and composition is None:
        options |= {} if where is True else {"where": plain_value(where)}
        return seen(ufunc(*map(plain_value, inputs), out=out, **options))
    rule = ELEMENTWISE.get(ufunc)
    if composition is None and rule is None:
        all_options = {
            **options,
            **({} if out is None else {"out": out}),
            **({} if where is True else {"where": where}),
        }
        return call_added(ufunc, inputs, all_options)
    if unknown := options.keys() - {"dtype", "casting", "order", "subok", "axes", "axis", "keepdims"}:
        raise unsupported(full_name(ufunc), f" with {', '.join(unknown)}")
    given, inputs = inputs, tuple(map(operand, inputs))
    if composition is not None:
        kept = {name: value for name, value in options.items() if name in ("axes", "axis", "keepdims")}
        result = supported(ufunc, composition, *inputs, **kept)
    else:
        assert rule is not None
        result = operate(rule, *inputs)
    dtype = options.get("dtype")
    if dtype is not None and np.dtype(dtype) != np.float64:
        result = COMPOSITIONS["astype"](result, np.dtype(dtype))
    if where is not True:
        if out is None:
            raise unsupported(full_name(ufunc), " with where= but without out=")
        result = np.where(where, result, out[0])
    if out is None:
        return result
    is_update = any(each is out[0] for each in given)  # y += x, after which the name y refers to the result
    return write(result, out[0], references_to_a_local if is_update else references_to_a_temporary)


def _ufunc_method(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    composition = COMPOSITIONS.get((ufunc, method))
    if composition is None or out is not None:
        raise unsupported(f"np.{ufunc.__name__}.{method}")
    return supported(f"np.{ufunc.__name__}.{method}", composition, *map(operand, inputs), **options)


_MANY = 64

_MADE_LIKE = frozenset({np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange, np.fromiter})

ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power}
"""Operator → the function whose rule it has."""

_BINARY = {
    **ARITHMETIC,
    "mod": np.remainder,
    "floordiv": np.floor_divide,
    "matmul": np.matmul,
}
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "ne": np.not_equal,
}
_METHODS: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        *("all", "any", "argmax", "argmin", "argsort", "argpartition", "choose", "clip", "compress", "cumprod"),
        *("cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round"),
        *("searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var"),
    )
}


def _operator(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: ufunc(self, _right(other))


def _reflected(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: ufunc(_right(other), self)


def _right(other: Any) -> Any:
    return np.asarray(other) if isinstance(other, list | tuple) else other


def _in_place_operator(name: str, ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def operator(self: TracedArray, other: Any) -> Any:
        self.update(ufunc(self, _right(other)), f"an in-place operation ({name})", "y = y + v instead of y += v")
        return self

    return operator


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _equal(self: Traced, other: Any) -> Any:
    found = seen(np.equal(plain_value(self), plain_value(_right(other))))
    if np.ndim(found) == 0 and found:
        warnings.warn(
            "the function compares traced numbers, and they are equal here: a branch that is taken only at this point "
            "does not determine the derivative.",
            stacklevel=2,
        )
    return found


def complete() -> None:
    """Define the operators and methods of traced values, once the table is filled."""
    for name, ufunc in _BINARY.items():
        setattr(Traced, f"__{name}__", _operator(ufunc))
        setattr(Traced, f"__r{name}__", _reflected(ufunc))
        setattr(TracedArray, f"__i{name}__", _in_place_operator(name, ufunc))
    for name, ufunc in _COMPARISONS.items():
        setattr(Traced, f"__{name}__", _operator(ufunc))
    Traced.__eq__ = _equal  # type: ignore[assignment,method-assign]
    for ufunc in (*ELEMENTWISE, *CONSTANT):  # on an object array, a ufunc calls each element's method of the same name
        if isinstance(ufunc, np.ufunc) and not hasattr(Traced, ufunc.__name__):
            setattr(Traced, ufunc.__name__, _method(ufunc))
    for name, function in _METHODS.items():
        setattr(Traced, name, _method(function))
    for name in ("sort", "partition"):
        setattr(TracedArray, name, _sorting(name))


def _sorting(name: str) -> Callable[..., None]:
    def method(self: TracedArray, *args: Any, **kwargs: Any) -> None:
        self.update(getattr(np, name)(self, *args, **kwargs), f"x.{name}()", f"np.{name}(x)")

    return method
