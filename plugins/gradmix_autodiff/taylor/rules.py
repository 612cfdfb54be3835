"""Series of results: by a recurrence where the function has one, else by its derivative rule, y′ = rule(y, a) · a′.

The rule of a function is written for traced values, so it can be evaluated with series. A rule that reads only the
arguments is evaluated once, one order lower, and integrated. A rule that also reads the result y is evaluated for each
order with the coefficients of y known so far: this costs one more power of n, but such functions are rare.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.guidance import full_name
from gradmix_autodiff.rules.solving import INVERSE, SOLVE
from gradmix_autodiff.rules.structure import EINSUM, MATMUL, MAX, MIN, NORM, einsum, kept_shape
from gradmix_autodiff.table import ELEMENTWISE, NAMES, Elementwise, Primitive, Spread
from gradmix_autodiff.taylor.coefficients import (
    Coefficients,
    constant_series,
    derived,
    each_order,
    new,
    stacked,
    unstacked,
    whole,
)
from gradmix_autodiff.taylor.recurrences import RECURRENCES, at_ties, root_of_squares
from gradmix_autodiff.traced import Traced, is_complex, plain_value

if TYPE_CHECKING:
    from gradmix_autodiff.taylor.series import Expansion


def of_elementwise(
    rule: Elementwise, y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients | None]
) -> Coefficients:
    """Return the coefficients of a function that works entry by entry."""
    recurrence = RECURRENCES.get(rule.function)
    if recurrence is not None:
        return recurrence(y, order, values, series)
    if rule.function in _LOCALLY_LINEAR or all(rule.fixed[i] for i, c in enumerate(series) if c is not None):
        return _locally_linear(rule, y, order, values, series)
    if order > 1:
        _check(rule)

    def rates(evaluation: Expansion, y: Any, arguments: Sequence[Any], slopes: Sequence[Any]) -> Any:
        total = None
        for make, slope in zip(rule.changes, slopes, strict=True):
            if slope is not None and make is not None:
                change = make(y, *arguments)(slope)
                total = change if total is None else total + change
        return total if total is not None else np.zeros(np.shape(y))[()]

    return _integrated(rates, y, order, values, series, any("y" in _words(text) for text in rule.texts), 0)


_LARGEST, _SMALLEST = (np.maximum, np.fmax), (np.minimum, np.fmin)
_LOCALLY_LINEAR = frozenset({np.copysign, np.ldexp, np.remainder, np.fmod, *_LARGEST, *_SMALLEST})
"""Functions whose derivative is constant, except where it jumps."""


def _locally_linear(
    rule: Elementwise, y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients | None]
) -> Coefficients:
    made = [make(y, *values) for make, c in zip(rule.changes, series, strict=True) if c is not None and make]
    active = [c for make, c in zip(rule.changes, series, strict=True) if c is not None and make]
    if not active:
        return each_order(y, lambda x: 0.0 * x, next(c for c in series if c is not None))
    found = each_order(y, lambda *x: reduce(np.add, (f(each) for f, each in zip(made, x, strict=True))), *active)
    if rule.function not in (*_LARGEST, *_SMALLEST) or not np.any(np.equal(*map(plain_value, values))):
        return found
    a, b = (c if c is not None else constant_series(v, order) for v, c in zip(values, series, strict=True))
    return at_ties(found, a, b, rule.function in _LARGEST)


def of_primitive(
    rule: Primitive,
    y: Any,
    order: int,
    values: Sequence[Any],
    series: Sequence[Coefficients | None],
    keywords: Mapping[str, Any],
) -> Coefficients:
    """Return the coefficients of any other function."""
    active = [position for position, c in enumerate(series) if c is not None]
    if rule is INVERSE:
        return _inverse(y, order, series[0])
    if rule is SOLVE and series[0] is not None:
        return _solution(y, order, series[0], values[1], series[1])
    if rule is NORM:
        return _norm(y, order, series[0], **keywords)
    if rule in (MATMUL, EINSUM) and len(active) == 2:
        return _bilinear(rule, y, order, values, series, keywords)
    if rule is EINSUM and len(active) > 2:
        return _by_twos(y, order, values, series, keywords["subscripts"])
    if rule.spread is Spread.MOVES or rule.is_linear or rule in (MATMUL, EINSUM, SOLVE):
        pushed = [_push(rule, position, y, values, keywords, stacked(series[position])[1:]) for position in active]
        found = unstacked(y, reduce(np.add, pushed))
        return _without_ties(found, y, series[0], **keywords) if rule in (MAX, MIN) else found

    def rates(evaluation: Expansion, y: Any, arguments: Sequence[Any], slopes: Sequence[Any]) -> Any:
        changes = [
            _push(rule, position, y, arguments, keywords, slope)
            for position, slope in enumerate(slopes)
            if slope is not None
        ]
        return reduce(np.add, changes)[0]

    return _integrated(rates, y, order, values, series, rule.reads_result, 1)


def _push(
    rule: Primitive, position: int, y: Any, values: Sequence[Any], keywords: Mapping[str, Any], tangents: Any
) -> Any:
    return rule.rule(position, y, tuple(values), keywords).push(tangents)


def _integrated(
    rates: Any,
    y: Any,
    order: int,
    values: Sequence[Any],
    series: Sequence[Coefficients | None],
    reads_result: bool,
    axes: int,
) -> Coefficients:
    """Return y + ∫ y′ dt, where `rates` computes y′ from series; its slopes have `axes` more leading axes."""
    from gradmix_autodiff.taylor.series import Expansion

    found = new(y, order)
    slopes = [None if c is None else derived(c) for c in series]

    def rate(degree: int) -> Coefficients:
        evaluation = Expansion(degree)
        arguments = [v if c is None else evaluation.series(c) for v, c in zip(values, series, strict=True)]
        along = [None if c is None else evaluation.series(_with_axis(c) if axes else c) for c in slopes]
        made = rates(evaluation, evaluation.series(found), arguments, along)
        return evaluation.coefficients_of(made if is_complex(y) else np.real(made))  # y may be a size of complex values

    if not reads_result:
        for k, each in enumerate(rate(order - 1), start=1):
            found[k] = each / k
        return whole(found)
    for k in range(1, order + 1):
        found[k] = rate(k - 1)[k - 1] / k
    return whole(found)


def _with_axis(series: Coefficients) -> Coefficients:
    wide = np.expand_dims(stacked(series), 1)
    return list(wide) if isinstance(wide, Traced) else wide


def _without_ties(found: Coefficients, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Coefficients:
    """Set to NaN from the order on in which tied extreme entries separate, except the first order."""
    value = plain_value(a[0])
    is_extreme = np.equal(value, np.reshape(plain_value(y), kept_shape(np.shape(value), axis)))
    have_parted = np.zeros(np.shape(y), dtype=bool)
    for k in range(1, len(found)):
        low, high = (
            reduced(np.where(is_extreme, plain_value(a[k]), filling), axis=axis, keepdims=keepdims)
            for reduced, filling in ((np.min, np.inf), (np.max, -np.inf))
        )
        part = np.not_equal(low, high)
        if np.any(have_parted) or (k > 1 and np.any(part)):
            found[k] = np.where(have_parted | (part & (k > 1)), np.nan, found[k])[()]
        have_parted = have_parted | part
    return found


# products and linear algebra


def _bilinear(
    rule: Primitive,
    y: Any,
    order: int,
    values: Sequence[Any],
    series: Sequence[Coefficients | None],
    keywords: Mapping[str, Any],
) -> Coefficients:
    """yₖ = Σ aⱼ bₖ₋ⱼ, with all aⱼ of each b at once."""
    first, second = (position for position, c in enumerate(series) if c is not None)
    a, b = (stacked(series[position]) for position in (first, second))
    found = new(y, order)
    at = list(values)
    for j in range(order + 1):
        at[second] = b[j]
        pushed = _push(rule, first, y, at, keywords, a[: order + 1 - j])
        for k, each in enumerate(pushed, start=j):
            if k:
                found[k] = each if j == 0 else found[k] + each
    return whole(found)


def _by_twos(
    y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients | None], subscripts: str
) -> Coefficients:
    """Multiply several factors, two at a time."""
    from gradmix_autodiff.taylor.series import Expansion

    inputs, output = subscripts.split("->")
    letters = inputs.split(",")
    evaluation = Expansion(order)
    factors = [v if c is None else evaluation.series(c) for v, c in zip(values, series, strict=True)]
    while len(factors) > 1:
        needed = set(output).union(*letters[2:])
        kept = "".join(sorted(set(letters[0] + letters[1]) & needed))
        last = output if len(factors) == 2 else kept
        factors = [einsum(f"{letters[0]},{letters[1]}->{last}", *factors[:2]), *factors[2:]]
        letters = [last, *letters[2:]]
    return unstacked(y, stacked(evaluation.coefficients_of(factors[0]))[1:])


def _inverse(y: Any, order: int, a: Any) -> Coefficients:
    """A Y = 1: Yₖ = -Y₀ Σ_{j≥1} Aⱼ Yₖ₋ⱼ."""
    found = new(y, order)
    for k in range(1, order + 1):
        found[k] = -(y @ reduce(np.add, [a[j] @ found[k - j] for j in range(1, k + 1)]))
    return whole(found)


def _solution(y: Any, order: int, a: Any, value: Any, b: Any) -> Coefficients:
    """A X = B: A₀ Xₖ = Bₖ - Σ_{j≥1} Aⱼ Xₖ₋ⱼ."""
    found = new(y, order)
    for k in range(1, order + 1):
        rest = reduce(np.add, [a[j] @ found[k - j] for j in range(1, k + 1)])
        found[k] = np.linalg.solve(a[0], -rest if b is None else b[k] - rest)
    return whole(found)


def _norm(y: Any, order: int, a: Any, axis: Any = None, keepdims: bool = False) -> Coefficients:
    kept = y if keepdims else np.reshape(y, kept_shape(np.shape(a[0]), axis))
    is_real = not is_complex(a[0])
    parts = [a] if is_real else [each_order(part(a[0]), part, a) for part in (np.real, np.imag)]
    found = root_of_squares(kept, order, parts, lambda square: np.sum(square, axis=axis, keepdims=True))
    return unstacked(y, [np.reshape(each, np.shape(y)) for each in found[1:]])


# functions that are not supported


def _check(rule: Elementwise) -> None:
    """Raise an error for a function whose rule is exact to a low order only, or calls itself more at each order."""
    reason = reason_to_refuse(rule)
    if reason:
        raise DifferentiationError(
            f"{_name(rule.function)} has no Taylor series here: {reason}. For a low order, nest first "
            "derivatives (differentiator=dual), or use differentiator=finite_difference."
        )


def _name(function: Any) -> str:
    return full_name(function) if isinstance(function, np.ufunc) else f"np.{function.__name__.lstrip('_')}"


@cache
def reason_to_refuse(rule: Elementwise) -> str:
    """Return why a function is not supported; empty if it is."""
    for each in _reached(rule):
        if any(getattr(called, "__name__", "") in _EXACT_NEARBY for called in _called(each)):
            return "near some points its derivative is computed by a short series"
        again = [other for other in _followed(each) if each in _reached(other)]
        if len(again) > 1 or (again and any("y" in _words(text) for text in each.texts)):
            return "each of its derivatives contains more functions of the same kind"
    return ""


@cache
def _reached(rule: Elementwise) -> frozenset[Elementwise]:
    """Return a rule and all rules that it leads to, at any depth."""
    found, latest = {rule}, {rule}
    while latest:
        latest = {each for one in latest for each in _followed(one)} - found
        found |= latest
    return frozenset(found)


def _followed(rule: Elementwise) -> list[Elementwise]:
    """Return the rules of the functions that a rule calls, one for each call, except those with a recurrence."""
    return [ELEMENTWISE[each] for each in _called(rule) if each in ELEMENTWISE and each not in RECURRENCES]


def _called(rule: Elementwise) -> list[Any]:
    """Return the functions that a rule calls, one for each call."""
    words = [word for text in rule.texts for word in _words(text)]
    return [NAMES[word] for word in words if callable(NAMES.get(word))]


def _words(text: str | None) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text or "")


_EXACT_NEARBY = ("exprel_slope", "boxcox_by_lambda", "spence_slope", "sinc_slope")
