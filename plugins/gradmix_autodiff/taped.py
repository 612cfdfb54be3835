"""Values on a recording, numbers and arrays, and how an operation on them is recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.recording import FLOAT, Part, Pull, Recording
from gradmix_autodiff.rules.structure import GETITEM, RESHAPE
from gradmix_autodiff.table import Elementwise, Rule, Spread
from gradmix_autodiff.traced import (
    Traced,
    TracedArray,
    is_complex,
    operand,
    operate_on,
    plain_value,
    relate,
    view_step,
)


class _Taped(Traced):
    """The common base of numbers and arrays on a recording."""

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
        """Record the call as one operation."""
        from gradmix_autodiff.own_rules import call_checkpointed

        return call_checkpointed(f, tuple(map(operand, arguments)))

    def constant(self, value: Any) -> Any:
        """Return a plain array as a constant on the recording."""
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
        """Return a vector with this one entry; a plain value takes a shortcut."""
        value, recording = self.value, self.recording
        if type(value) is not float:
            return super().as_vector()
        place = recording.append([(self.index, _first, None, None, Spread.MOVES)])
        return TapedArray(np.array([value]), place, recording)


class TapedComplex(TapedNumber):
    """A complex number on a recording; its operations take into account which arguments are real."""

    __slots__ = ()


class TapedArray(_Taped, TracedArray):
    """An array on a recording; like `TapedNumber`."""

    __slots__ = ("index", "recording", "shape", "value")

    def __init__(self, value: Any, index: int, recording: Recording) -> None:
        self.value, self.index, self.recording = value, index, recording
        self.shape = value.shape  # type: ignore[misc]  # kept, since every operation needs it
        self.relatives = self.source = self.exported = None

    def follow_one(self, rule: Elementwise) -> Any:
        """Record an operation on this array alone."""
        recording, value = self.recording, self.value
        make = rule.changes[0]
        if type(value) is not np.ndarray or not self.shape or recording.has_complex or make is None:
            return record(recording, rule, (self,), {})
        y = rule.function(value)
        operations = recording.operations
        place = len(operations)
        operations.append([(self.index, make(y, value), None, rule, Spread.DENSE)])
        recording.array_operations.append(place)
        result = TapedArray.__new__(TapedArray)  # all shortcuts avoid the call of __init__
        result.value, result.index, result.recording = y, place, recording
        result.shape = self.shape  # type: ignore[misc]
        result.relatives = result.source = result.exported = None
        return result

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Record an operation; an operation on this array alone, or on it and a shape, takes a shortcut."""
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
        step = view_step(rule, y, values, keywords)
        if step is None and (kind is np.float64 or not y.ndim):
            return TapedNumber(float(y), place, recording)
        result = TapedArray(y, place, recording)
        if step is not None:
            relate(self, result, step)
        return result

    def become(self, other: Any) -> None:
        """Take over value and place."""
        value = other.value
        self.value, self.index = np.asarray(value) if type(value) is float else value, other.index


def _first(w: Any) -> Any:
    return w[0]


def leaf(point: Any, recording: Recording) -> Any:
    """Return the first value on a recording: the point, copied because it may be the caller's array."""
    if type(point) is np.ndarray:
        value = point.copy()
        return TapedArray(value, recording.append([]), recording) if value.ndim else _taped(value, recording, [])
    bottom = plain_value(point)
    if isinstance(bottom, Traced):  # a symbol, whose graph keeps plain arrays
        recording.watched = bottom.watched  # type: ignore[attr-defined]
    return _taped(point, recording, [])


def _taped(value: Any, recording: Recording, pulls: list[Pull]) -> Any:
    index = recording.append(pulls)
    kind = type(value)
    if kind is not np.float64 and (value.ndim if kind is np.ndarray else np.ndim(value)):
        return TapedArray(value, index, recording)
    return (TapedComplex if is_complex(value) else TapedNumber)(number_of(value), index, recording)


def number_of(value: Any) -> Any:
    """Return a number as a Python float, unless it is complex or traced."""
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
        if rule is GETITEM and (basic := basic_index(values[1])) is not None:
            pull = Part((basic, argument.shape))
        pulls.append((argument.index, _realised(recording, pull, argument, y), None, None, rule.spread))  # type: ignore[union-attr]
    step = view_step(rule, y, values, keywords)
    if step is None:
        return _taped(y, recording, pulls)
    view = TapedArray(y, recording.append(pulls), recording)
    relate(active[0][1], view, step)
    return view


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
                partial = number_of(make(np.float64(y) if type(y) is float else y, *floats)(1.0))
            if rule.hint and type(partial) is float and not math.isfinite(partial):
                recording.infinite.append(rule)
            partials.append((argument.index, partial))
    (i, by_a), (j, by_b) = (*partials, (-1, 0.0), (-1, 0.0))[:2]
    operations = recording.operations
    index = len(operations)
    if i < 0:
        return _taped(y, recording, [])
    operations.append((i, by_a, j, by_b))
    return TapedNumber(number_of(y), index, recording)


def _realised(recording: Recording, change: Callable[[Any], Any], argument: Any, y: Any) -> Callable[[Any], Any]:
    """Return a pullback whose result is real if the argument is real."""
    if not recording.has_complex:
        kind = y.dtype.kind if isinstance(y, np.ndarray | np.generic) else ""
        if kind == "f" or not (kind == "c" or np.iscomplexobj(plain_value(y))):
            return change
        recording.has_complex = True
    return change if np.iscomplexobj(plain_value(argument.value)) else lambda w: np.real(change(w))


def basic_index(index: Any) -> Any:
    """Return an index of slices, integers, None and Ellipsis, which takes no entry twice; None for any other index."""
    return index if _BASIC.issuperset(map(type, index if type(index) is tuple else (index,))) else None


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})
