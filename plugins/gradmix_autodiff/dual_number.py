"""Dual numbers, traced by NumPy's protocols: x + ẋ₁d₁ + … + ẋₚdₚ with dᵢdⱼ = 0."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gradmix_autodiff.recording import FLOAT, outlived
from gradmix_autodiff.rules.structure import MATMUL
from gradmix_autodiff.table import ELEMENTWISE, Elementwise, Primitive, Rule, Spread
from gradmix_autodiff.traced import (
    ARITHMETIC,
    Traced,
    TracedArray,
    is_complex,
    next_level,
    operate_on,
    plain_value,
    relate,
    view_step,
)
from gradmix_autodiff.unbounded import watch_infinite


@dataclass
class Push:
    """One evaluation that carries tangents.

    Parameters
    ----------
    count
        Number of tangents.
    is_careful
        Whether masks mark the tangents that are absent, rather than zero: an absent one times an infinite derivative
        contributes nothing.
    """

    count: int
    is_careful: bool = False
    level: int = field(default_factory=next_level)
    is_open: bool = True


class _Dual(Traced):
    """The common base of dual numbers and dual arrays."""

    __slots__ = ()

    tangents: Any
    present: Any
    evaluation: Push

    @property
    def level(self) -> int:  # type: ignore[override]
        """Which differentiation it belongs to."""
        return self.evaluation.level

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the result with its tangents, ẏ = Σ (∂y/∂xᵢ) ẋᵢ."""
        evaluation = self.evaluation
        if not evaluation.is_open:
            raise outlived()
        active, values = [], []
        is_plain = True  # on the level below there is nothing traced
        for position, each in enumerate(arguments):
            kind = type(each)
            if (kind is DualArray or kind is DualNumber) and each.evaluation is evaluation:
                active.append((position, each))
                each = each.value
            values.append(each)
            is_plain = is_plain and not isinstance(each, Traced)
        y = rule.function(*values, **keywords) if is_plain else operate_on(rule, values, keywords)
        is_elementwise = type(rule) is Elementwise
        tangents, present = None, None
        for position, each in active:
            if is_elementwise:
                pushed = _push_elementwise(
                    rule,  # type: ignore[arg-type]
                    position,
                    y,
                    values,
                    each,
                    evaluation,
                )
            else:
                pushed = _push(rule, position, y, values, keywords, each, evaluation)
            if pushed is None:
                continue
            change, there = pushed
            tangents = change if tangents is None else tangents + change
            present = there if present is None or there is None else present | there
        if tangents is None:
            tangents, present = _no_change(evaluation, np.shape(y))
        step = view_step(rule, y, values, keywords)
        if step is None:
            return dual(y, tangents, present, evaluation)
        view = DualArray(y, tangents, present, evaluation)
        relate(active[0][1], view, step)
        return view

    def constant(self, value: Any) -> Any:
        """Return a plain array as a constant, whose tangents are zero."""
        return dual(value, *_no_change(self.evaluation, np.shape(value)), self.evaluation)


class DualNumber(_Dual):
    """A number and its tangents.

    Parameters
    ----------
    value
        The number.
    tangents
        Shape (p,).
    present
        Mask of the tangents that are not absent; used in a careful evaluation.
    evaluation
        Which differentiation it belongs to.
    """

    __slots__ = ("evaluation", "present", "tangents", "value")

    def __init__(self, value: Any, tangents: Any, present: Any, evaluation: Push) -> None:
        self.value, self.tangents, self.present, self.evaluation = value, tangents, present, evaluation


class DualArray(_Dual, TracedArray):
    """An array and its tangents, stacked along a first axis: shape (p, *value.shape).

    If the tangents start as unit vectors, they remain a diagonal matrix as long as each entry depends on its own
    variable alone. Then only the diagonal is stored.
    """

    __slots__ = ("_tangents", "diagonal", "evaluation", "present", "value")

    diagonal: Any
    """The diagonal of the tangents; None unless they are a diagonal matrix."""

    def __init__(self, value: Any, tangents: Any, present: Any, evaluation: Push) -> None:
        self.value, self._tangents, self.present, self.evaluation = value, tangents, present, evaluation
        self.diagonal = self.relatives = self.source = self.exported = None

    @property
    def tangents(self) -> Any:
        """All tangents."""
        if self._tangents is None:
            self._tangents = _diagonal_matrix(self.diagonal)
        return self._tangents

    @property
    def known(self) -> Any:
        """Return the stored form of the tangents: their diagonal, or all of them."""
        return self._tangents if self.diagonal is None else self.diagonal

    def with_known(self, value: Any, known: Any) -> Any:
        """Return another array of this evaluation, with tangents in the same stored form as those of this one."""
        if self.diagonal is None:
            return DualArray(value, known, None, self.evaluation)
        found = DualArray(value, None, None, self.evaluation)
        found.diagonal = known
        return found

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the result of an operation; an operation on this array and plain values takes a shortcut."""
        evaluation, own = self.evaluation, self.value
        is_short = type(rule) is Primitive and evaluation.is_open and not evaluation.is_careful and evaluation.count
        if is_short and not rule.is_view and type(own) is np.ndarray and own.dtype is FLOAT:  # type: ignore[union-attr]
            at = [isinstance(each, Traced) for each in arguments]
            place = at.index(True)
            if arguments[place] is self and at.count(True) == 1:
                values = (*arguments[:place], own, *arguments[place + 1 :])
                y = rule.function(*values, **keywords)
                if type(y) is np.ndarray and y.dtype is FLOAT and y.ndim:
                    if self.diagonal is not None and rule is MATMUL and place == 1 and values[0].ndim == 2:
                        change = (values[0] * self.diagonal).T
                    else:
                        change = rule.rule(place, y, values, keywords).push(self.tangents)  # type: ignore[union-attr]
                    if type(change) is np.ndarray and change.dtype is FLOAT:
                        return DualArray(y, change, None, evaluation)
        return super().follow(rule, arguments, keywords)

    def follow_one(self, rule: Elementwise) -> Any:
        """Return the result of an operation on this array alone."""
        evaluation, value, make = self.evaluation, self.value, rule.changes[0]
        is_short = type(value) is np.ndarray and value.dtype is FLOAT and value.ndim and make is not None
        if not is_short or evaluation.is_careful or not evaluation.is_open:
            return self.follow(rule, (self,), {})
        y = rule.function(value)
        return self.with_known(y, make(y, value)(self.known))  # type: ignore[misc]

    def become(self, other: Any) -> None:
        """Take over value and tangents."""
        self.value, self.present = other.value, other.present
        is_array = isinstance(other, DualArray)
        self._tangents, self.diagonal = (other._tangents, other.diagonal) if is_array else (other.tangents, None)


def dual(value: Any, tangents: Any, present: Any, evaluation: Push) -> Any:
    """Return a dual number or a dual array."""
    is_array = value.ndim if type(value) is np.ndarray else np.ndim(value)
    return (DualArray if is_array else DualNumber)(value, tangents, present, evaluation)


def seed(point: Any, tangents: Any, is_careful: bool) -> Any:
    """Start a differentiation at a point."""
    evaluation = Push(np.shape(tangents)[0], is_careful)
    present = np.not_equal(plain_value(tangents), 0) | isinstance(tangents, Traced) if is_careful else None
    start = dual(point, tangents, present, evaluation)
    if not is_careful and _is_identity(tangents) and type(point) is np.ndarray:
        start.diagonal = tangents.diagonal().copy()
    return start


def _is_identity(tangents: Any) -> bool:
    """Return whether the tangents are the unit vectors, one for each variable, and few enough to compare."""
    if type(tangents) is not np.ndarray or tangents.dtype is not FLOAT or tangents.ndim != 2:
        return False
    n, m = tangents.shape
    return n == m and n <= _MANY and tangents.tobytes() == _identity(n)


@lru_cache(maxsize=8)
def _identity(n: int) -> bytes:
    return np.eye(n).tobytes()


def _in_one_order(one: DualArray, other: DualArray) -> tuple[Any, Any]:
    """Return all tangents of two arrays in one memory order: a diagonal matrix takes the order of the other."""
    a, b = one.tangents, other.tangents
    if one.diagonal is not None and b.flags.f_contiguous:
        return a.T, b
    return a, b.T if other.diagonal is not None and a.flags.f_contiguous else b


_MANY = 256
"""Variables up to which tangents are compared with the unit vectors."""


def _diagonal_matrix(diagonal: Any) -> Any:
    n = len(diagonal)
    matrix = np.zeros((n, n))
    matrix.reshape(-1)[:: n + 1] = diagonal
    return matrix


def _no_change(evaluation: Push, shape: tuple[int, ...]) -> tuple[Any, Any]:
    whole = (evaluation.count, *shape)
    return np.zeros(whole), np.zeros(whole, dtype=bool) if evaluation.is_careful else None


def _aligned(stacked: Any, ndim: int) -> Any:
    """Return tangents with new axes after the first, the axes that broadcasting adds to the argument."""
    missing = ndim + 1 - stacked.ndim
    return stacked if missing <= 0 else np.reshape(stacked, (len(stacked), *(1,) * missing, *stacked.shape[1:]))


def _push_elementwise(
    rule: Elementwise, position: int, y: Any, values: list[Any], argument: Any, evaluation: Push
) -> tuple[Any, Any] | None:
    make = rule.changes[position]
    if make is None:
        return None
    ndim, whole = np.ndim(y), (evaluation.count, *np.shape(y))
    change = _as_real_as(y, make(y, *values)(_aligned(argument.tangents, ndim)))
    if not evaluation.is_careful:
        return change if np.shape(change) == whole else np.broadcast_to(change, whole), None
    there = np.broadcast_to(_aligned(argument.present, ndim), whole)
    if rule.is_choice:
        there = there & np.not_equal(plain_value(make(y, *values)(np.ones(np.shape(y)))), 0)
    change = np.where(there, np.broadcast_to(change, whole), 0.0)
    watch_infinite(rule, change, there)
    return change, there


def _as_real_as(y: Any, change: Any) -> Any:
    """Return the real part of a change if the result is real, such as that of |z| for a complex z."""
    return np.real(change) if is_complex(change) and not is_complex(y) else change


def _push(
    rule: Any, position: int, y: Any, values: list[Any], keywords: Mapping[str, Any], argument: Any, evaluation: Push
) -> tuple[Any, Any]:
    if not evaluation.count:
        return _no_change(evaluation, np.shape(y))
    push = rule.rule(position, y, tuple(values), keywords).push
    change = _as_real_as(y, push(argument.tangents))
    if not evaluation.is_careful:
        return change, None
    whole = (evaluation.count, *np.shape(y))
    if rule.spread is Spread.MOVES:
        there = np.not_equal(plain_value(push(argument.present.astype(float))), 0)
    else:
        any_there = argument.present.reshape(evaluation.count, -1).any(axis=1)
        there = np.broadcast_to(any_there.reshape(-1, *(1,) * np.ndim(y)), whole)
    return np.where(there, change, 0.0), there


# Operators of arrays do the same as functions, without the detour through NumPy's protocols.


def _operators(rule: Elementwise, function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], ...]:
    """Return an operator of arrays and its reflected form, fast where no tangent must be broadcast."""
    by_first, by_second = rule.changes
    is_sum = function in (operator.add, operator.sub)
    square = ELEMENTWISE[np.square] if function is operator.mul else None

    def forward(a_: Any, b_: Any) -> Any:
        if b_ is a_ and square is not None:
            return a_.follow_one(square)
        evaluation, kind, a = a_.evaluation, type(b_), a_.value
        if evaluation.is_open and not evaluation.is_careful and a.shape:
            if kind is DualArray and b_.evaluation is evaluation and b_.value.shape == a.shape:
                b = b_.value
                y = function(a, b)
                is_diagonal = a_.diagonal is not None and b_.diagonal is not None
                own, other = (a_.diagonal, b_.diagonal) if is_diagonal else _in_one_order(a_, b_)
                if is_sum:
                    by_a = function(own, other)
                else:
                    by_a, by_b = by_first(y, a, b)(own), by_second(y, a, b)(other)  # type: ignore[misc]
                    is_new = by_a is not own and type(by_a) is np.ndarray and by_a.dtype is FLOAT
                    if is_new and type(by_b) is np.ndarray and by_b.dtype is FLOAT:
                        by_a += by_b
                    else:
                        by_a = by_a + by_b
                return a_.with_known(y, by_a) if is_diagonal else DualArray(y, by_a, None, evaluation)
            if kind is float or kind is int or (kind is np.ndarray and b_.shape == a.shape and b_.dtype != object):
                y = function(a, b_)
                return a_.with_known(y, by_first(y, a, b_)(a_.known))  # type: ignore[misc]
        return rule.function(a_, np.asarray(b_) if isinstance(b_, list | tuple) else b_)

    def reflected(b_: Any, a_: Any) -> Any:
        evaluation, kind = b_.evaluation, type(a_)
        b = b_.value
        if evaluation.is_open and not evaluation.is_careful and b.shape and (kind is float or kind is int):
            y = function(a_, b)
            return b_.with_known(y, by_second(y, a_, b)(b_.known))  # type: ignore[misc]
        return rule.function(np.asarray(a_) if isinstance(a_, list | tuple) else a_, b_)

    return forward, reflected


def complete() -> None:
    """Define the operators of arrays."""
    for name, ufunc in ARITHMETIC.items():
        forward, reflected = _operators(ELEMENTWISE[ufunc], getattr(operator, name))
        setattr(DualArray, f"__{name}__", forward)
        setattr(DualArray, f"__r{name}__", reflected)
