"""Operators of values on a recording: for numbers made from the rules' texts, for arrays as shortcuts."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.recording import FLOAT, Part
from gradmix_autodiff.table import ELEMENTWISE, NAMES, Elementwise, Spread
from gradmix_autodiff.taped import TapedArray, TapedComplex, TapedNumber, basic_index, number_of
from gradmix_autodiff.traced import ARITHMETIC, Traced, operate, relate

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
    """Return the text of the partial derivative, from that of a change."""
    text = text or "0.0 * d"
    return text.removeprefix("d * ") if text.startswith("d * ") else text.replace("d", "1.0")


def _power(a: Any, b: Any) -> Any:
    if type(a) is float and a < 0.0 and type(b) is float and b != round(b):
        return math.nan  # Python would give a complex number
    return a**b


def _rescue(rule: Elementwise, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Return value and partials as NumPy computes them where Python raises, as for 1/0 or an overflow."""
    with np.errstate(all="ignore"):
        one, other = (np.float64(each) if isinstance(each, int | float) else each for each in (a, b))
        y = rule.function(one, other)
        partials = [number_of(make(y, one, other)(1.0)) for make in rule.changes if make is not None]
    return (number_of(y), *partials)


def _guarded(value: str, by_a: str, by_b: str, can_raise: bool) -> str:
    line = f"y = {value}; da = {by_a}; db = {by_b}"
    if not can_raise:
        return line
    return f"try: {line}\n        except (ArithmeticError, ValueError): y, da, db = rescue(rule, a, b)"


# Operators of arrays do the same as functions, without the detour through NumPy's protocols.


def _array_operators(rule: Elementwise, function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], ...]:
    """Return an operator of arrays and its reflected form."""
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
            return rule.function(a_, b_)  # complex or traced numbers take the general, careful way
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
    """Return ``a ** b``; a square is computed as a product, as in NumPy."""
    square = ELEMENTWISE[np.square]
    return lambda a, b: a.follow_one(square) if type(b) in _NUMBERS and b == 2 else power(a, b)


_NUMBERS = frozenset({int, float})


_MOVES = Spread.MOVES


def _array_getitem(x: TapedArray, index: Any) -> Any:
    """Return ``x[index]``; an index of numbers and slices takes a shortcut."""
    value, recording = x.value, x.recording
    basic = index if type(index) is slice else basic_index(index)
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
    """Define the operators of numbers and arrays."""
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
