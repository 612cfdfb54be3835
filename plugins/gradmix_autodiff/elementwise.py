"""Derivatives of the elementwise operations, as a table: one line each, the partial derivative by each argument.

A partial takes the result first, then the arguments, as in ``np.exp: (lambda y, x: y,)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as special

from gradmix_autodiff.dispatch import OPERATIONS, Local, Operation, Rule
from gradmix_autodiff.local import Scale

Partial = Callable[..., Any]


def _power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    positive = np.greater(a, 0)
    elsewhere = np.where(np.equal(a, 0), 0.0, np.nan)  # a negative base has real powers at whole exponents only
    return np.where(positive, y * np.log(np.where(positive, a, 1.0)), elsewhere)


def _power_by_base(y: Any, a: Any, b: Any) -> Any:
    if hasattr(b, "level"):  # traced: a zero exponent still has derivatives
        return b * a ** (b - 1.0)
    return b * a ** np.where(np.equal(b, 0), 1.0, b - 1.0)[()]


def _chosen(y: Any, one: Any, other: Any) -> Any:
    """1 where `one` was chosen, ½ at a tie."""
    return np.where(np.equal(one, other), 0.5, np.where(np.equal(one, y), 1.0, 0.0))


LOG_2, LOG_10 = np.log(2.0), np.log(10.0)
DEGREE = np.pi / 180

PARTIALS: dict[np.ufunc, tuple[Partial, ...]] = {
    # arithmetic
    np.add: (lambda y, a, b: 1.0, lambda y, a, b: 1.0),
    np.subtract: (lambda y, a, b: 1.0, lambda y, a, b: -1.0),
    np.multiply: (lambda y, a, b: b, lambda y, a, b: a),
    np.divide: (lambda y, a, b: 1.0 / b, lambda y, a, b: -y / b),
    np.power: (_power_by_base, _power_by_exponent),
    np.float_power: (_power_by_base, _power_by_exponent),
    np.remainder: (lambda y, a, b: 1.0, lambda y, a, b: -np.floor_divide(a, b)),
    np.fmod: (lambda y, a, b: 1.0, lambda y, a, b: -np.trunc(a / b)),
    np.negative: (lambda y, x: -1.0,),
    np.positive: (lambda y, x: 1.0,),
    np.absolute: (lambda y, x: np.sign(x),),
    np.fabs: (lambda y, x: np.sign(x),),
    np.square: (lambda y, x: 2.0 * x,),
    np.reciprocal: (lambda y, x: -y * y,),
    np.sqrt: (lambda y, x: 0.5 / y,),
    np.cbrt: (lambda y, x: 1.0 / (3.0 * y * y),),
    np.conjugate: (lambda y, x: 1.0,),
    # exponentials and logarithms
    np.exp: (lambda y, x: y,),
    np.exp2: (lambda y, x: y * LOG_2,),
    np.expm1: (lambda y, x: np.exp(x),),
    np.log: (lambda y, x: 1.0 / x,),
    np.log2: (lambda y, x: 1.0 / (x * LOG_2),),
    np.log10: (lambda y, x: 1.0 / (x * LOG_10),),
    np.log1p: (lambda y, x: 1.0 / (1.0 + x),),
    np.logaddexp: (lambda y, a, b: np.exp(a - y), lambda y, a, b: np.exp(b - y)),
    np.logaddexp2: (lambda y, a, b: np.exp2(a - y), lambda y, a, b: np.exp2(b - y)),
    # circular and hyperbolic
    np.sin: (lambda y, x: np.cos(x),),
    np.cos: (lambda y, x: -np.sin(x),),
    np.tan: (lambda y, x: 1.0 + y * y,),
    np.arcsin: (lambda y, x: 1.0 / np.sqrt((1.0 - x) * (1.0 + x)),),
    np.arccos: (lambda y, x: -1.0 / np.sqrt((1.0 - x) * (1.0 + x)),),
    np.arctan: (lambda y, x: 1.0 / (1.0 + x * x),),
    np.arctan2: (
        lambda y, a, b: b / np.hypot(a, b) / np.hypot(a, b),
        lambda y, a, b: -a / np.hypot(a, b) / np.hypot(a, b),
    ),
    np.hypot: (lambda y, a, b: a / y, lambda y, a, b: b / y),
    np.sinh: (lambda y, x: np.cosh(x),),
    np.cosh: (lambda y, x: np.sinh(x),),
    np.tanh: (lambda y, x: 1.0 / np.cosh(x) ** 2,),
    np.arcsinh: (lambda y, x: 1.0 / np.hypot(x, 1.0),),
    np.arccosh: (lambda y, x: 1.0 / np.sqrt((x - 1.0) * (x + 1.0)),),
    np.arctanh: (lambda y, x: 1.0 / ((1.0 - x) * (1.0 + x)),),
    np.deg2rad: (lambda y, x: DEGREE,),
    np.radians: (lambda y, x: DEGREE,),
    np.rad2deg: (lambda y, x: 1.0 / DEGREE,),
    np.degrees: (lambda y, x: 1.0 / DEGREE,),
    # choices
    np.maximum: (lambda y, a, b: _chosen(y, a, b), lambda y, a, b: _chosen(y, b, a)),
    np.minimum: (lambda y, a, b: _chosen(y, a, b), lambda y, a, b: _chosen(y, b, a)),
    np.fmax: (lambda y, a, b: _chosen(y, a, b), lambda y, a, b: _chosen(y, b, a)),
    np.fmin: (lambda y, a, b: _chosen(y, a, b), lambda y, a, b: _chosen(y, b, a)),
    # special functions
    special.erf: (lambda y, x: 2.0 / np.sqrt(np.pi) * np.exp(-x * x),),
    special.erfc: (lambda y, x: -2.0 / np.sqrt(np.pi) * np.exp(-x * x),),
    special.expit: (lambda y, x: y * special.expit(-x),),
    special.logit: (lambda y, x: 1.0 / (x * (1.0 - x)),),
    special.ndtr: (lambda y, x: np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi),),
    special.gammaln: (lambda y, x: special.digamma(x),),
    special.digamma: (lambda y, x: special.polygamma(1, x),),
}

CONSTANT: frozenset[np.ufunc] = frozenset(
    {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
    | {np.isfinite, np.isnan, np.isinf, np.signbit, np.sign, np.logical_and, np.logical_or, np.logical_not}
    | {np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.logical_xor, np.spacing}
)
"""Operations whose result does not change with small changes of the arguments."""


def _rule(ufunc: np.ufunc) -> Rule:
    def rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
        partial = PARTIALS[ufunc][position](y, *arguments)
        return Scale(partial, np.shape(arguments[position]), np.shape(y))

    return rule


OPERATIONS.update({ufunc: Operation(_rule(ufunc)) for ufunc in PARTIALS})
