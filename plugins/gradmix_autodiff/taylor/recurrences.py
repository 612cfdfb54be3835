"""Recurrences: how the coefficients of y = g(a) follow from those of a, one order after the other.

Each takes the value y, the order, and for each argument its value and its coefficients (None if constant). Most
come from a differential equation that g solves, such as y′ = y·a′ for the exponential function, and take O(n²)
operations for n coefficients. Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Any

import numpy as np
from scipy import special

from gradmix_autodiff.taylor.coefficients import (
    Coefficients,
    alike,
    derived,
    divisor,
    dot,
    each_order,
    has_zero,
    new,
    whole,
)
from gradmix_autodiff.traced import Traced, is_complex, plain_value

Recurrence = Callable[[Any, int, Sequence[Any], Sequence[Coefficients]], Coefficients]


def product(y: Any, order: int, a: Coefficients, b: Coefficients) -> Coefficients:
    """y = a b: yₖ = Σ aⱼ bₖ₋ⱼ."""
    if type(y) is float:
        return [y, *(sum(map(mul, a[: k + 1], b[k::-1])) for k in range(1, order + 1))]
    a, b = alike(a, b)
    found = new(y, order)
    for k in range(1, order + 1):
        found[k] = dot(a[: k + 1], b[k::-1])
    return whole(found)


def quotient(y: Any, order: int, a: Coefficients | None, b: Coefficients) -> Coefficients:
    """y = a/b: b₀ yₖ = aₖ - Σ_{j≥1} bⱼ yₖ₋ⱼ; a is None if it is constant."""
    found, b0 = new(y, order), divisor(b[0])
    b, found = alike(b, found)
    for k in range(1, order + 1):
        rest = dot(b[1 : k + 1], found[k - 1 :: -1])
        found[k] = (-rest if a is None else a[k] - rest) / b0
    return whole(found)


def exponential(y: Any, order: int, a: Coefficients, start: Any = None) -> Coefficients:
    """y′ = y a′: k yₖ = Σ j aⱼ yₖ₋ⱼ; with `start`, y differs from such a function by a constant."""
    found, slope = alike(new(y if start is None else start, order), derived(a))
    for k in range(1, order + 1):
        found[k] = dot(slope[:k], found[k - 1 :: -1]) / k
    found[0] = y
    return whole(found)


def logarithm(y: Any, order: int, a: Coefficients, a0: Any, factor: float = 1.0) -> Coefficients:
    """a y′ = a′: a₀ yₖ = aₖ - Σ_{j<k} (j/k) yⱼ aₖ₋ⱼ, times a factor."""
    found, b0 = new(y, order), divisor(a0)
    a, found, slope = alike(a, found, new(y, order))
    for k in range(1, order + 1):
        found[k] = (a[k] - dot(slope[1:k], a[k - 1 : 0 : -1]) / k) / b0
        slope[k] = k * found[k]
    if factor != 1.0:
        for k in range(1, order + 1):
            found[k] = factor * found[k]
    return whole(found)


def paired(one: Any, other: Any, order: int, a: Coefficients, sign: float) -> tuple[Coefficients, Coefficients]:
    """s′ = c a′ and c′ = ±s a′: sine and cosine, hyperbolic with a plus."""
    s, c, slope = alike(new(one, order), new(other, order), derived(a))
    for k in range(1, order + 1):
        s[k] = dot(slope[:k], c[k - 1 :: -1]) / k
        c[k] = sign * dot(slope[:k], s[k - 1 :: -1]) / k
    return whole(s), whole(c)


def riccati(y: Any, rate: Any, order: int, a: Coefficients, linear: Any, sign: float) -> Coefficients:
    """y′ = w a′ where w is a quadratic function of y: wₖ = linear · yₖ ± Σ_{0<j<k} yⱼ yₖ₋ⱼ, given w₀ = rate."""
    found, w, slope = alike(new(y, order), new(rate, order), derived(a))
    for k in range(1, order + 1):
        found[k] = dot(slope[:k], w[k - 1 :: -1]) / k
        w[k] = linear * found[k] + sign * dot(found[1:k], found[k - 1 : 0 : -1])
    return whole(found)


def root_of_squares(y: Any, order: int, parts: Sequence[Coefficients], total: Callable[[Any], Any]) -> Coefficients:
    """y² = Σ a², by the quotients a/y₀, whose squares cannot overflow; `total` sums over the entries of each part.

    At 0 the first coefficient is 0, the smallest subgradient of a norm; higher ones do not exist there.
    """
    y0 = plain_value(y)
    is_zero = np.equal(y0, 0)
    scale = y if not np.any(is_zero) else np.where(is_zero, np.nan, y)[()]
    scaled = [each_order(c[0] / scale, lambda x: x / scale, c) for c in map(list, parts)]
    z: list[Any] = [1.0, *[None] * order]
    found = new(y, order)
    for k in range(1, order + 1):
        square = sum(total(dot(c[: k + 1], c[k::-1])) for c in scaled)
        z[k] = (square - dot(z[1:k], z[k - 1 : 0 : -1])) / 2.0
        change = y * z[k]
        found[k] = np.where(is_zero, 0.0, change)[()] if k == 1 and np.any(is_zero) else change
    return whole(found)


# choices


def side(series: Coefficients) -> Any:
    """Return the sign of a series on both sides of t = 0; 0 if the sign changes there, or all coefficients are 0."""
    sign = np.sign(plain_value(series[0]))
    for k in range(2, len(series), 2):
        if not has_zero(sign):
            break
        before = np.not_equal(plain_value(series[k - 1]), 0)
        sign = np.where(np.equal(sign, 0) & before, np.nan, sign)  # it changes; do not test it again
        sign = np.where(np.equal(sign, 0), np.sign(plain_value(series[k])), sign)
    is_unset = np.isnan(sign) & ~np.isnan(plain_value(series[0]))
    return np.where(is_unset, 0.0, sign)[()] if np.any(is_unset) else sign


def at_ties(found: Coefficients, a: Coefficients, b: Coefficients, is_largest: bool) -> Coefficients:
    """Return coefficients of the larger or smaller one at ties: the one chosen on both sides of t = 0, or the mean."""
    difference = each_order(a[0] - b[0], lambda x, z: x - z, a, b)
    is_tie = np.equal(plain_value(difference[0]), 0)
    share = 0.5 * (1.0 + (1.0 if is_largest else -1.0) * side(difference))
    for k in range(1, len(found)):
        found[k] = np.where(is_tie, share * a[k] + (1.0 - share) * b[k], found[k])[()]
    return found


# powers


def power(y: Any, order: int, a: Coefficients, exponent: Any) -> Coefficients:
    """y = aʳ with a constant exponent: products for the integers r ≥ 0, a y′ = r y a′ for others."""
    r = plain_value(exponent)
    if isinstance(exponent, Traced):  # another differentiation must see the exponent
        return _real_power(y, order, a, exponent)
    if np.ndim(r) == 0:
        if r >= 0 and r == int(r):
            return _whole_power(y, order, a, int(r))
        return _real_power(y, order, a, exponent)
    found = new(y, order)
    generic = _real_power(y, order, a, exponent)
    at = np.broadcast_to(r, np.shape(y))
    is_whole = (at >= 0) & (at == np.floor(at))
    several = {n: _whole_power(y, order, a, int(n)) for n in np.unique(at[is_whole])}
    for k in range(1, order + 1):
        found[k] = generic[k]
        for n, series in several.items():
            found[k] = np.where(at == n, series[k], found[k])
    return whole(found)


def _whole_power(y: Any, order: int, a: Coefficients, r: int) -> Coefficients:
    if r == 0:
        return each_order(y, lambda x: 0.0 * x if type(x) is float else np.zeros(np.shape(x)), a)
    found = None
    for bit in bin(r)[2:]:
        if found is not None:
            found = product(found[0] * found[0], order, found, found)
        if bit == "1":
            found = a if found is None else product(found[0] * a[0], order, found, a)
    return each_order(y, lambda x: x, found)


def _real_power(y: Any, order: int, a: Coefficients, r: Any) -> Coefficients:
    """k a₀ yₖ = Σ (r j - (k - j)) aⱼ yₖ₋ⱼ, = r Σ j aⱼ yₖ₋ⱼ - Σ aⱼ (k - j) yₖ₋ⱼ."""
    found, a0 = new(y, order), divisor(a[0])
    a, found, rising, slope = alike(a, found, derived(a), new(0.0 * y, order))
    for k in range(1, order + 1):
        turned = r * dot(rising[:k], found[k - 1 :: -1])
        found[k] = (turned - dot(a[1 : k + 1], slope[k - 1 :: -1])) / (k * a0)
        slope[k] = k * found[k]
    return _at_zero(whole(found), a, r) if has_zero(a[0]) else whole(found)


def _at_zero(found: Coefficients, a: Coefficients, r: Any) -> Coefficients:
    """Coefficients of aʳ, r not an integer, where a₀ is 0: 0 below order r, then infinite; undefined unless a₁ ≠ 0."""
    zero, slope, r = np.equal(plain_value(a[0]), 0), plain_value(a[1]), plain_value(r)
    is_simple = np.not_equal(slope, 0)
    falling = np.ones(np.shape(r))
    for k in range(1, len(found)):
        falling = falling * (r - k + 1)
        with np.errstate(invalid="ignore"):
            limit = np.where(k < r, 0.0, np.sign(falling) * np.sign(slope) ** k * np.inf)
        is_known = is_simple | np.less(k, r) & (k == 1)
        found[k] = np.where(zero, np.where(is_known, limit, np.nan), found[k])[()]
    return found


def power_of_both(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    """y = aᵇ where the exponent changes: y′ = y (b ln a)′; 0 where a constant base is 0."""
    base, exponent = values
    is_zero = np.equal(plain_value(base), 0) & (series[0] is None)
    safe = base if not np.any(is_zero) else np.where(is_zero, 1.0, base)[()]
    log = np.log(safe + 0j if is_complex(y) else safe)
    if series[0] is None:
        inner = each_order(log * exponent, lambda x: log * x, series[1])
    else:
        logs = logarithm(log, order, series[0], series[0][0])
        inner = product(log * exponent, order, logs, series[1])
    found = exponential(y, order, inner)
    if np.any(is_zero):
        return each_order(y, lambda x: np.where(is_zero, 0.0, x)[()], found)
    return found


# the table


def _add(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    active = [each for each in series if each is not None]
    if len(active) == 1:
        return each_order(y, lambda x: x, active[0])
    return each_order(y, lambda a, b: a + b, *active)


def _subtract(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    a, b = series
    if b is None:
        return each_order(y, lambda x: x, a)
    return each_order(y, lambda x: -x, b) if a is None else each_order(y, lambda x, z: x - z, a, b)


def _multiply(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    (a, b), (u, v) = series, values
    if a is None:
        return each_order(y, lambda x: u * x, b)
    return each_order(y, lambda x: x * v, a) if b is None else product(y, order, a, b)


def _divide(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    if series[1] is None:
        by = divisor(values[1])
        return each_order(y, lambda x: x / by, series[0])
    return quotient(y, order, *series)


def _power(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    return power(y, order, series[0], values[1]) if series[1] is None else power_of_both(y, order, values, series)


def _hypot(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    shape = np.shape(y)
    parts = [
        [np.broadcast_to(x, shape) if shape else x for x in (list(c) if c is not None else [v, *[0.0] * order])]
        for v, c in zip(values, series, strict=True)
    ]
    return root_of_squares(y, order, parts, lambda square: square)


def _absolute(y: Any, order: int, values: Sequence[Any], series: Sequence[Coefficients]) -> Coefficients:
    if not is_complex(values[0]):
        sign = side(series[0])
        return each_order(y, lambda x: sign * x, series[0])
    parts = [[take(x) for x in series[0]] for take in (np.real, np.imag)]
    return root_of_squares(y, order, parts, lambda square: square)


def _of_one(recurrence: Callable[[Any, int, Coefficients], Coefficients]) -> Recurrence:
    return lambda y, order, values, series: recurrence(y, order, series[0])


def _scaled(a: Coefficients, factor: float) -> Coefficients:
    return each_order(factor * a[0], lambda x: factor * x, a)


_LN2, _LN10 = math.log(2.0), math.log(10.0)

RECURRENCES: dict[Any, Recurrence] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.float_power: _power,
    np.square: _of_one(lambda y, n, a: product(y, n, a, a)),
    np.reciprocal: _of_one(lambda y, n, a: quotient(y, n, None, a)),
    np.sqrt: _of_one(lambda y, n, a: _real_power(y, n, a, 0.5)),
    np.cbrt: _of_one(lambda y, n, a: _real_power(y, n, a, 1.0 / 3.0)),
    special.cbrt: _of_one(lambda y, n, a: _real_power(y, n, a, 1.0 / 3.0)),
    np.hypot: _hypot,
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.exp: _of_one(exponential),
    np.exp2: _of_one(lambda y, n, a: exponential(y, n, _scaled(a, _LN2))),
    special.exp2: _of_one(lambda y, n, a: exponential(y, n, _scaled(a, _LN2))),
    special.exp10: _of_one(lambda y, n, a: exponential(y, n, _scaled(a, _LN10))),
    np.expm1: _of_one(lambda y, n, a: exponential(y, n, a, np.exp(a[0]))),
    special.expm1: _of_one(lambda y, n, a: exponential(y, n, a, np.exp(a[0]))),
    np.log: _of_one(lambda y, n, a: logarithm(y, n, a, a[0])),
    np.log2: _of_one(lambda y, n, a: logarithm(y, n, a, a[0], 1.0 / _LN2)),
    np.log10: _of_one(lambda y, n, a: logarithm(y, n, a, a[0], 1.0 / _LN10)),
    np.log1p: _of_one(lambda y, n, a: logarithm(y, n, a, 1.0 + a[0])),
    special.log1p: _of_one(lambda y, n, a: logarithm(y, n, a, 1.0 + a[0])),
    np.sin: _of_one(lambda y, n, a: paired(y, np.cos(a[0]), n, a, -1.0)[0]),
    np.cos: _of_one(lambda y, n, a: paired(np.sin(a[0]), y, n, a, -1.0)[1]),
    np.sinh: _of_one(lambda y, n, a: paired(y, np.cosh(a[0]), n, a, 1.0)[0]),
    np.cosh: _of_one(lambda y, n, a: paired(np.sinh(a[0]), y, n, a, 1.0)[1]),
    np.tan: _of_one(lambda y, n, a: riccati(y, 1.0 + y * y, n, a, 2.0 * y, 1.0)),
    np.tanh: _of_one(lambda y, n, a: riccati(y, 1.0 / np.cosh(a[0]) ** 2, n, a, -2.0 * y, -1.0)),
    special.expit: _of_one(lambda y, n, a: riccati(y, y * special.expit(-a[0]), n, a, -np.tanh(0.5 * a[0]), -1.0)),
}
"""Function → its recurrence."""
