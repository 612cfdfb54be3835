"""Values on a recording: numbers, whose operations are made from the rules' texts, and arrays."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.recording import FLOAT, Part, Pull, Recording
from gradmix_autodiff.rules.structure import GETITEM, RESHAPE
from gradmix_autodiff.table import ELEMENTWISE, NAMES, Elementwise, Rule, Spread
from gradmix_autodiff.traced import (
    ARITHMETIC,
    Traced,
    TracedArray,
    is_complex,
    operand,
    operate,
    operate_on,
    plain_value,
    relate,
    shares_memory,
)


class _Taped(Traced):
    """What numbers and arrays on a recording share."""

    __slots__ = ()

    recording: Recording

    @property
    def level(self) -> int:  # type: ignore[override]
        """Which differentiation it belongs to."""
        return self.recording.level

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Record an operation."""
        return record(self.recording, rule, arguments, keywords)

    def call_checkpointed(self, f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """As one operation."""
        from gradmix_autodiff.own_rules import call_checkpointed

        return call_checkpointed(f, tuple(map(operand, arguments)))

    def constant(self, value: Any) -> Any:
        """A plain array on the recording."""
        return _taped(value, self.recording, [])


class TapedNumber(_Taped):
    """A number on a recording.

    Parameters
    ----------
    value
        A float; a traced value of a lower level if a derivative is differentiated.
    index
        Its place on the recording.
    recording
        The recording.
    """

    __slots__ = ("index", "recording", "value")

    def __init__(self, value: Any, index: int, recording: Recording) -> None:
        self.value, self.index, self.recording = value, index, recording

    def as_vector(self) -> Any:
        """A vector of one, by the short way where the value is plain."""
        value, recording = self.value, self.recording
        if type(value) is not float:
            return super().as_vector()
        return TapedArray(
            np.array([value]), recording.append([(self.index, _first, None, None, Spread.MOVES)]), recording
        )


class TapedComplex(TapedNumber):
    """A complex number on a recording: its operations are recorded with care for which arguments are real."""

    __slots__ = ()


class TapedArray(_Taped, TracedArray):
    """An array on a recording; like `TapedNumber`."""

    __slots__ = ("index", "recording", "shape", "value")

    def __init__(self, value: Any, index: int, recording: Recording) -> None:
        self.value, self.index, self.recording = value, index, recording
        self.shape = value.shape  # type: ignore[misc]  # kept, since every operation asks for it
        self.relatives = self.source = self.exported = None

    def follow_one(self, rule: Elementwise) -> Any:
        """Record an operation of this array alone."""
        recording, value = self.recording, self.value
        if type(value) is not np.ndarray or recording.has_complex or (make := rule.changes[0]) is None:
            return record(recording, rule, (self,), {})
        y = rule.function(value)
        operations = recording.operations
        place = len(operations)
        operations.append([(self.index, make(y, value), None, rule, Spread.DENSE)])
        recording.array_operations.append(place)
        result = TapedArray.__new__(TapedArray)  # without a call of __init__, as all short ways
        result.value, result.index, result.recording = y, place, recording
        result.shape = self.shape  # type: ignore[misc]
        result.relatives = result.source = result.exported = None
        return result

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Record an operation; one of this array alone, or with a shape, goes the short way."""
        recording, value = self.recording, self.value
        is_alone = len(arguments) == 1 or (len(arguments) == 2 and rule is RESHAPE)
        if not is_alone or type(value) is not np.ndarray or recording.has_complex or type(rule) is Elementwise:
            return record(recording, rule, arguments, keywords)
        values = (value, *arguments[1:])
        y = rule.function(*values, **keywords)
        kind = type(y)
        if kind is not np.float64 and (kind is not np.ndarray or y.dtype is not FLOAT):
            return record(recording, rule, arguments, keywords)
        operations = recording.operations
        place = len(operations)
        operations.append([(self.index, rule.rule(0, y, values, keywords).pull, None, None, rule.spread)])  # type: ignore[union-attr]
        recording.array_operations.append(place)
        if kind is np.float64 or not y.ndim:
            return TapedNumber(float(y), place, recording)
        result = TapedArray(y, place, recording)
        if rule.is_view and np.may_share_memory(y, value):  # type: ignore[union-attr]
            relate(self, result, lambda x: rule.function(x, *values[1:], **keywords))
        return result

    def become(self, other: Any) -> None:
        """Take over value and place."""
        self.value, self.index = other.value, other.index


def _first(w: Any) -> Any:
    return w[0]


def leaf(point: Any, recording: Recording) -> Any:
    """The first value on a recording: the point, copied as it may be an array of the caller's."""
    return _taped(point.copy() if type(point) is np.ndarray else point, recording, [])


def _taped(value: Any, recording: Recording, pulls: list[Pull]) -> Any:
    index = recording.append(pulls)
    kind = type(value)
    if kind is not np.float64 and (value.ndim if kind is np.ndarray else np.ndim(value)):
        return TapedArray(value, index, recording)
    return (TapedComplex if is_complex(value) else TapedNumber)(_number(value), index, recording)


def _number(value: Any) -> Any:
    if type(value) is np.float64:
        return float(value)
    if isinstance(value, Traced) or np.iscomplexobj(value):
        return value
    return float(value)


def record(recording: Recording, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Do an operation, and record how to pull a cotangent back through it."""
    values: list[Any] = []
    active: list[tuple[int, Any]] = []
    is_plain = True  # on the level below there is nothing traced
    for position, each in enumerate(arguments):
        kind = type(each)
        if (kind is TapedArray or kind is TapedNumber or kind is TapedComplex) and each.recording is recording:
            value = each.value
            active.append((position, each))
            values.append(value)
            is_plain = is_plain and not isinstance(value, Traced)
        elif kind is np.ndarray or kind is tuple or kind is list:
            values.append(recording.watched.kept_within(each))
        else:
            values.append(each)
            is_plain = is_plain and not isinstance(each, Traced)
    y = rule.function(*values, **keywords) if is_plain else operate_on(rule, values, keywords)
    if type(rule) is Elementwise:
        return _record_elementwise(recording, rule, y, values, active)
    pulls: list[Pull] = []
    given = tuple(values)
    for position, argument in active:
        pull = rule.rule(position, y, given, keywords).pull  # type: ignore[union-attr]
        if rule is GETITEM and (basic := _basic(values[1])) is not None:
            pull = Part((basic, argument.shape))
        pulls.append((argument.index, _realised(recording, pull, argument, y), None, None, rule.spread))  # type: ignore[union-attr]
    result = _taped(y, recording, pulls)
    if rule.is_view and isinstance(result, TapedArray) and shares_memory(y, values[0]):  # type: ignore[union-attr]
        relate(active[0][1], result, lambda x: rule.function(x, *values[1:], **keywords))
    return result


def _record_elementwise(
    recording: Recording, rule: Elementwise, y: Any, values: list[Any], active: list[tuple[int, Any]]
) -> Any:
    shape = y.shape if hasattr(y, "shape") else ()
    if not shape and len(active) <= 2 and not np.iscomplexobj(plain_value(y)):
        return _record_number(recording, rule, y, values, active)
    pulls: list[Pull] = []
    for position, argument in active:
        make = rule.changes[position]
        if make is not None:
            change = _realised(recording, make(y, *values), argument, y)
            own = argument.shape
            pulls.append((argument.index, change, None if own == shape else own, rule, Spread.DENSE))
    if not shape:
        return _taped(y, recording, pulls)
    index = recording.append(pulls)
    return TapedArray(y, index, recording)


def _record_number(
    recording: Recording, rule: Elementwise, y: Any, values: list[Any], active: list[tuple[int, Any]]
) -> Any:
    partials: list[tuple[int, Any]] = []
    for position, argument in active:
        make = rule.changes[position]
        if make is not None:
            with np.errstate(all="ignore"):
                floats = [np.float64(each) if type(each) is float else each for each in values]
                partial = _number(make(np.float64(y) if type(y) is float else y, *floats)(1.0))
            if rule.hint and type(partial) is float and not math.isfinite(partial):
                recording.infinite.append(rule)
            partials.append((argument.index, partial))
    (i, by_a), (j, by_b) = (*partials, (-1, 0.0), (-1, 0.0))[:2]
    operations = recording.operations
    index = len(operations)
    if i < 0:
        return _taped(y, recording, [])
    operations.append((i, by_a, j, by_b))
    return TapedNumber(_number(y), index, recording)


def _realised(recording: Recording, change: Callable[[Any], Any], argument: Any, y: Any) -> Callable[[Any], Any]:
    """A pullback whose result is real if its argument is."""
    if not recording.has_complex:
        kind = y.dtype.kind if isinstance(y, np.ndarray | np.generic) else ""
        if kind == "f" or not (kind == "c" or np.iscomplexobj(plain_value(y))):
            return change
        recording.has_complex = True
    return change if np.iscomplexobj(plain_value(argument.value)) else lambda w: np.real(change(w))


def _basic(index: Any) -> Any:
    """An index of slices, integers, None and Ellipsis alone, in which no entry comes twice; else None."""
    return index if _BASIC.issuperset(map(type, index if type(index) is tuple else (index,))) else None


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})
_MOVES = Spread.MOVES


# Operations on numbers are made from the rules' texts, one function each.

_TEMPLATE = """
def {name}(a_, b_):
    recording = a_.recording
    kind = type(b_)
    if kind is TapedNumber and b_.recording is recording:
        a = a_.value; b = b_.value
        {both}
        operations = recording.operations
        index = len(operations)
        operations.append((a_.index, da, b_.index, db))
    elif kind is float or kind is int or (kind is TapedNumber and b_.recording.level < recording.level):
        a = a_.value; b = b_
        {first}
        operations = recording.operations
        index = len(operations)
        operations.append((a_.index, da, -1, 0.0))
    else:
        return slow(a_, b_)
    result = new(TapedNumber); result.value = y; result.index = index; result.recording = recording
    return result

def r{name}(b_, a_):
    kind = type(a_)
    recording = b_.recording
    if kind is float or kind is int or (kind is TapedNumber and a_.recording.level < recording.level):
        a = a_; b = b_.value
        {second}
        operations = recording.operations
        index = len(operations)
        operations.append((b_.index, db, -1, 0.0))
        result = new(TapedNumber); result.value = y; result.index = index; result.recording = recording
        return result
    return slow(a_, b_)
"""

_UNARY = """
def {name}(a_):
    a = a_.value
    y = {value}
    recording = a_.recording
    operations = recording.operations
    index = len(operations)
    operations.append((a_.index, {partial}, -1, 0.0))
    result = new(TapedNumber); result.value = y; result.index = index; result.recording = recording
    return result
"""

_VALUES = {"add": "a + b", "sub": "a - b", "mul": "a * b", "truediv": "a / b", "pow": "power(a, b)"}
"""Operator → its value as text."""


def _partial(text: str | None) -> str:
    """The partial derivative, from the text of a change."""
    text = text or "0.0 * d"
    return text.removeprefix("d * ") if text.startswith("d * ") else text.replace("d", "1.0")


def _power(a: Any, b: Any) -> Any:
    if type(a) is float and a < 0.0 and type(b) is float and b != round(b):
        return math.nan  # Python would give a complex number
    return a**b


def _rescue(rule: Elementwise, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Value and partials as NumPy's numbers give them, where Python raises: 1/0, an overflow."""
    with np.errstate(all="ignore"):
        one, other = (np.float64(each) if isinstance(each, int | float) else each for each in (a, b))
        y = rule.function(one, other)
        partials = [_number(make(y, one, other)(1.0)) for make in rule.changes if make is not None]
    return (_number(y), *partials)


def _guarded(value: str, by_a: str, by_b: str, can_raise: bool) -> str:
    line = f"y = {value}; da = {by_a}; db = {by_b}"
    if not can_raise:
        return line
    return f"try: {line}\n        except (ArithmeticError, ValueError): y, da, db = rescue(rule, a, b)"


# Operators of arrays go the same way as any function, without the detour through NumPy's protocols.


def _array_operators(rule: Elementwise, function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], ...]:
    """An operator of arrays and its reflected form."""
    by_first, by_second = rule.changes
    to_first, to_second = rule.fixed
    dense, new = Spread.DENSE, TapedArray.__new__
    square = ELEMENTWISE[np.square] if function is operator.mul else None

    def forward(a_: Any, b_: Any) -> Any:
        recording, kind, a = a_.recording, type(b_), a_.value
        if (kind is TapedArray or kind is TapedNumber) and b_.recording is recording:
            if b_ is a_ and square is not None:
                return a_.follow_one(square)
            b = b_.value
            y = function(a, b)
            shape, first, second = y.shape, a_.shape, b_.shape
            entry = [
                (a_.index, to_first or by_first(y, a, b), None if first == shape else first, rule, dense),  # type: ignore[misc]
                (b_.index, to_second or by_second(y, a, b), None if second == shape else second, rule, dense),  # type: ignore[misc]
            ]
        elif kind is float or kind is int:
            y = function(a, b_)
            shape = a_.shape
            entry = [(a_.index, to_first or by_first(y, a, b_), None, rule, dense)]  # type: ignore[misc]
        elif kind is np.ndarray and b_.dtype is FLOAT and b_.ndim:
            b = recording.watched.kept(b_) if b_.flags.writeable else b_
            y = function(a, b)
            shape, first = y.shape, a_.shape
            entry = [(a_.index, to_first or by_first(y, a, b), None if first == shape else first, rule, dense)]  # type: ignore[misc]
        else:
            return rule.function(a_, np.asarray(b_) if isinstance(b_, list | tuple) else b_)
        if type(y) is not np.ndarray or recording.has_complex:
            return rule.function(a_, b_)  # complex or traced numbers: all the care that there is
        operations = recording.operations
        place = len(operations)
        operations.append(entry)
        recording.array_operations.append(place)
        result = new(TapedArray)
        result.value, result.index, result.recording, result.shape = y, place, recording, shape  # type: ignore[misc]
        result.relatives = result.source = result.exported = None
        return result

    def reflected(b_: Any, a_: Any) -> Any:
        recording, kind, b = b_.recording, type(a_), b_.value
        if kind is not float and kind is not int:
            return rule.function(np.asarray(a_) if isinstance(a_, list | tuple) else a_, b_)
        y = function(a_, b)
        if recording.has_complex or type(y) is not np.ndarray:
            return rule.function(a_, b_)
        operations = recording.operations
        place = len(operations)
        operations.append([(b_.index, to_second or by_second(y, a_, b), None, rule, dense)])  # type: ignore[misc]
        recording.array_operations.append(place)
        result = new(TapedArray)
        result.value, result.index, result.recording, result.shape = y, place, recording, b_.shape  # type: ignore[misc]
        result.relatives = result.source = result.exported = None
        return result

    return forward, reflected


def _array_power(power: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """``a ** b``; a square is a product, as it is to NumPy."""
    square = ELEMENTWISE[np.square]
    return lambda a, b: a.follow_one(square) if type(b) in _NUMBERS and b == 2 else power(a, b)


_NUMBERS = frozenset({int, float})


def _array_getitem(x: TapedArray, index: Any) -> Any:
    """``x[index]``; an index of numbers and slices goes the short way."""
    value, recording = x.value, x.recording
    basic = index if type(index) is slice else _basic(index)
    if basic is None or type(value) is not np.ndarray or recording.has_complex:
        return Traced.__getitem__(x, index)
    y = value[basic]
    operations = recording.operations
    place = len(operations)
    operations.append([(x.index, Part((basic, x.shape)), None, None, _MOVES)])
    recording.array_operations.append(place)
    if type(y) is not np.ndarray:
        return TapedNumber(float(y), place, recording)
    result = TapedArray.__new__(TapedArray)
    result.value, result.index, result.recording, result.shape = y, place, recording, y.shape  # type: ignore[misc]
    result.relatives = result.exported = None
    relate(x, result, lambda places: places[basic])
    return result


def complete() -> None:
    """Make the operators of numbers and arrays."""
    TapedArray.__getitem__ = _array_getitem  # type: ignore[assignment,method-assign]
    for name, ufunc in ARITHMETIC.items():
        forward, reflected = _array_operators(ELEMENTWISE[ufunc], getattr(operator, name))
        setattr(TapedArray, f"__{name}__", _array_power(forward) if name == "pow" else forward)
        setattr(TapedArray, f"__r{name}__", reflected)
    for name, ufunc in ARITHMETIC.items():
        value, rule = _VALUES[name], ELEMENTWISE[ufunc]
        by_a, by_b = map(_partial, rule.texts)
        can_raise = name in ("truediv", "pow")

        def slow(a: Any, b: Any, rule: Elementwise = rule) -> Any:
            if isinstance(a, np.generic) or isinstance(b, np.generic):
                a, b = (each.item() if isinstance(each, np.generic) else each for each in (a, b))
            if isinstance(a, bool) or isinstance(b, bool):
                a, b = (float(each) if isinstance(each, bool) else each for each in (a, b))
            if isinstance(a, list | tuple) or isinstance(b, list | tuple):
                a, b = (np.asarray(each) if isinstance(each, list | tuple) else each for each in (a, b))
            return (
                rule.function(a, b) if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) else operate(rule, a, b)
            )

        space = {
            **NAMES,
            "TapedNumber": TapedNumber,
            "new": TapedNumber.__new__,
            "power": _power,
            "rescue": _rescue,
            "rule": rule,
            "slow": slow,
        }
        text = _TEMPLATE.format(
            name=name,
            both=_guarded(value, by_a, by_b, can_raise),
            first=_guarded(value, by_a, "0.0", can_raise),
            second=_guarded(value, "0.0", by_b, can_raise),
        )
        exec(text, space)  # our own table and template
        setattr(TapedNumber, f"__{name}__", space[name])
        setattr(TapedNumber, f"__r{name}__", space[f"r{name}"])
    space = {"TapedNumber": TapedNumber, "new": TapedNumber.__new__}
    exec(_UNARY.format(name="neg", value="-a", partial="-1.0"), space)
    TapedNumber.__neg__ = space["neg"]  # type: ignore[method-assign]
    for name in (*(f"__{side}{name}__" for side in ("", "r") for name in ARITHMETIC), "__neg__"):
        setattr(TapedComplex, name, getattr(Traced, name))
