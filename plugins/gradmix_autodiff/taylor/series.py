"""Truncated series, traced by NumPy's protocols: x(t) = c₀ + c₁ t + … + cₙ tⁿ."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradmix_autodiff.recording import outlived
from gradmix_autodiff.table import Elementwise, Primitive, Rule, Spread
from gradmix_autodiff.taylor.coefficients import Coefficients, constant_series, number, stacked
from gradmix_autodiff.taylor.recurrences import RECURRENCES
from gradmix_autodiff.taylor.rules import of_elementwise, of_primitive
from gradmix_autodiff.traced import (
    Traced,
    TracedArray,
    next_level,
    operate_on,
    plain_value,
    relate,
    view_step,
)
from gradmix_autodiff.unbounded import watch_infinite


@dataclass
class Expansion:
    """One evaluation that carries series.

    Parameters
    ----------
    order
        The highest order.
    is_careful
        Whether masks mark the entries that depend on t: other entries have zero coefficients, whatever a rule returns.
    """

    order: int
    is_careful: bool = False
    level: int = field(default_factory=next_level)
    is_open: bool = True

    def series(self, coefficients: Coefficients, present: Any = None) -> Any:
        """Return a value of this evaluation with these coefficients, or the first of them; a plain value at order 0."""
        if not self.order:
            first = coefficients[0]
            return np.float64(first) if type(first) is float else first
        is_array = type(coefficients) is not list or np.ndim(coefficients[0])
        return (SeriesArray if is_array else SeriesNumber)(coefficients[: self.order + 1], present, self)

    def coefficients_of(self, value: Any) -> Coefficients:
        """Return the coefficients of a value of this evaluation, or of a constant."""
        if isinstance(value, _Series) and value.evaluation is self:
            return value.coefficients
        return constant_series(value, self.order)


class _Series(Traced):
    """The common base of series of numbers and of arrays."""

    __slots__ = ()

    coefficients: Coefficients
    present: Any
    """Which entries depend on t, in a careful evaluation."""
    evaluation: Expansion

    @property
    def level(self) -> int:  # type: ignore[override]
        """Which evaluation it belongs to."""
        return self.evaluation.level

    @property
    def value(self) -> Any:
        """Return the first coefficient."""
        return self.coefficients[0]

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the result of an operation, with its coefficients."""
        evaluation = self.evaluation
        if not evaluation.is_open:
            raise outlived()
        values, series, active = [], [], []
        is_plain = True  # on the level below there is nothing traced
        for each in arguments:
            kind = type(each)
            if (kind is SeriesNumber or kind is SeriesArray) and each.evaluation is evaluation:
                active.append(each)
                series.append(each.coefficients)
                each = each.coefficients[0]
            else:
                series.append(None)
            values.append(each)
            is_plain = is_plain and not isinstance(each, Traced)
        y = rule.function(*values, **keywords) if is_plain else operate_on(rule, values, keywords)
        if type(rule) is Elementwise:
            found = of_elementwise(rule, number(y), evaluation.order, values, series)
        else:
            assert isinstance(rule, Primitive)
            found = of_primitive(rule, y, evaluation.order, values, series, keywords)
        present = None
        if evaluation.is_careful:
            present = _present(rule, y, values, keywords, arguments, evaluation)
            found = _masked(found, present)
            if isinstance(rule, Elementwise):
                watch_infinite(rule, stacked(found)[1], present)
        step = view_step(rule, y, values, keywords)
        if step is None or not evaluation.order:
            return evaluation.series(found, present)
        view = SeriesArray(found, present, evaluation)
        relate(active[0], view, step)
        return view

    def constant(self, value: Any) -> Any:
        """Return a plain array as a constant."""
        present = np.zeros(np.shape(value), dtype=bool) if self.evaluation.is_careful else None
        return self.evaluation.series(constant_series(value, self.evaluation.order), present)


class SeriesNumber(_Series):
    """A series of numbers.

    Parameters
    ----------
    coefficients
        A list, c[0..n].
    present
        Whether it depends on t, in a careful evaluation.
    evaluation
        Which evaluation it belongs to.
    """

    __slots__ = ("coefficients", "evaluation", "present")

    def __init__(self, coefficients: Coefficients, present: Any, evaluation: Expansion) -> None:
        self.coefficients, self.present, self.evaluation = coefficients, present, evaluation

    def follow_one(self, rule: Elementwise) -> Any:
        """Return the result of a function of this number alone."""
        evaluation, own = self.evaluation, self.coefficients
        recurrence = RECURRENCES.get(rule.function)
        if recurrence is None or type(own[0]) is not float or evaluation.is_careful or not evaluation.is_open:
            return self.follow(rule, (self,), {})
        y = float(rule.function(own[0]))
        return SeriesNumber(recurrence(y, evaluation.order, own[:1], (own,)), None, evaluation)


class SeriesArray(_Series, TracedArray):
    """A series of arrays; parameters as for `SeriesNumber`, and the shape of the coefficients is (n + 1, …)."""

    __slots__ = ("coefficients", "evaluation", "present")

    def __init__(self, coefficients: Coefficients, present: Any, evaluation: Expansion) -> None:
        self.coefficients, self.present, self.evaluation = coefficients, present, evaluation
        self.relatives = self.source = self.exported = None

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape of the value; a view without axes has a list of numbers."""
        return np.shape(self.coefficients[0])

    def become(self, other: Any) -> None:
        """Take over the coefficients."""
        self.coefficients, self.present = other.coefficients, other.present


def _present(
    rule: Rule,
    y: Any,
    values: Sequence[Any],
    keywords: Mapping[str, Any],
    arguments: Sequence[Any],
    evaluation: Expansion,
) -> Any:
    """Return which entries of a result depend on t."""
    shape = np.shape(y)
    found: Any = np.zeros(shape, dtype=bool)
    for position, each in enumerate(arguments):
        if not isinstance(each, _Series) or each.evaluation is not evaluation:
            continue
        if isinstance(rule, Elementwise):
            found = found | np.broadcast_to(each.present, shape)
        elif rule.spread is Spread.MOVES:
            moved = rule.rule(position, y, tuple(values), keywords).push(np.asarray(each.present, dtype=float)[None])
            found = found | np.not_equal(plain_value(moved)[0], 0)
        else:
            found = found | np.any(each.present)
    return found


def _masked(series: Coefficients, present: Any) -> Coefficients:
    if type(series) is list:
        return [series[0], *(number(np.where(present, each, 0.0)) for each in series[1:])]
    series[1:] = np.where(present, series[1:], 0.0)
    return series


# Operators of numbers do the same as functions, without the detour through NumPy's protocols.


def _operators(function: Callable[[Any, Any], Any], ufunc: np.ufunc) -> tuple[Callable[..., Any], ...]:
    """Return an operator of numbers and its reflected form."""
    recurrence = RECURRENCES[ufunc]

    def of_series(a: Any, b: Any, one: Any, other: Any, evaluation: Expansion) -> Any:
        y = function(a, b)
        return SeriesNumber(recurrence(y, evaluation.order, (a, b), (one, other)), None, evaluation)

    def forward(a_: SeriesNumber, b_: Any) -> Any:
        evaluation, a = a_.evaluation, a_.coefficients
        if type(a[0]) is float and evaluation.is_open and not evaluation.is_careful:
            kind = type(b_)
            if kind is float or kind is int:
                if b_ or ufunc is not np.divide:
                    return of_series(a[0], b_, a, None, evaluation)
            elif kind is SeriesNumber and b_.evaluation is evaluation:
                b = b_.coefficients
                if type(b[0]) is float and (b[0] or ufunc is not np.divide):
                    return of_series(a[0], b[0], a, b, evaluation)
        return ufunc(a_, np.asarray(b_) if isinstance(b_, list | tuple) else b_)

    def reflected(b_: SeriesNumber, a_: Any) -> Any:
        evaluation, b, kind = b_.evaluation, b_.coefficients, type(a_)
        is_short = (kind is float or kind is int) and type(b[0]) is float and (b[0] or ufunc is not np.divide)
        if is_short and evaluation.is_open and not evaluation.is_careful:
            return of_series(a_, b[0], None, b, evaluation)
        return ufunc(np.asarray(a_) if isinstance(a_, list | tuple) else a_, b_)

    return forward, reflected


def complete() -> None:
    """Define the operators of numbers."""
    arithmetic = ((operator.add, np.add), (operator.sub, np.subtract), (operator.mul, np.multiply))
    for function, ufunc in (*arithmetic, (operator.truediv, np.divide)):
        forward, reflected = _operators(function, ufunc)
        setattr(SeriesNumber, f"__{function.__name__}__", forward)
        setattr(SeriesNumber, f"__r{function.__name__}__", reflected)


complete()
