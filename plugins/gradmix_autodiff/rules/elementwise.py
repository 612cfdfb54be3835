"""Rules of NumPy's elementwise functions: for each argument the change of the result, as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, ELEMENTWISE, NAMES, Elementwise
from gradmix_autodiff.traced import Traced, is_complex, is_known, operate, plain_value

_NORM = "For a distance or a norm use np.linalg.norm or np.hypot, whose derivative at 0 is taken as 0."

TEXTS: dict[np.ufunc, tuple[str | None, ...]] = {
    # arithmetic
    np.add: ("d", "d"),
    np.subtract: ("d", "-d"),
    np.multiply: ("d * b", "d * a"),
    np.divide: ("d / b", "-d * y / b"),
    np.power: ("d * power_by_base(a, b)", "d * power_by_exponent(y, a, b)"),
    np.float_power: ("d * power_by_base(a, b)", "d * power_by_exponent(y, a, b)"),
    np.remainder: ("d", "-d * floor_divide(a, b)"),
    np.fmod: ("d", "-d * trunc(a / b)"),
    np.negative: ("-d",),
    np.positive: ("d",),
    np.absolute: ("d * direction(a, y)",),
    np.fabs: ("d * sign(a)",),
    np.square: ("(d + d) * a",),
    np.reciprocal: ("-d * y * y",),
    np.sqrt: ("0.5 * d / y",),
    np.cbrt: ("d / (3.0 * y * y)",),
    np.copysign: ("d * sign(a) * sign(y)", None),
    np.ldexp: ("ldexp(d, b)", None),
    # exponentials and logarithms
    np.exp: ("d * y",),
    np.exp2: ("d * y * log(2.0)",),
    np.expm1: ("d * exp(a)",),
    np.log: ("d / a",),
    np.log2: ("d / (a * log(2.0))",),
    np.log10: ("d / (a * log(10.0))",),
    np.log1p: ("d / (1.0 + a)",),
    np.logaddexp: ("d * exp(a - y)", "d * exp(b - y)"),
    np.logaddexp2: ("d * exp2(a - y)", "d * exp2(b - y)"),
    # circular and hyperbolic
    np.sin: ("d * cos(a)",),
    np.cos: ("-d * sin(a)",),
    np.tan: ("d * (1.0 + y * y)",),
    np.arcsin: ("d / sqrt((1.0 - a) * (1.0 + a))",),
    np.arccos: ("-d / sqrt((1.0 - a) * (1.0 + a))",),
    np.arctan: ("d / (1.0 + a * a)",),
    np.arctan2: ("d * (b / hypot(a, b) / hypot(a, b))", "-d * (a / hypot(a, b) / hypot(a, b))"),
    np.hypot: ("d * ratio(a, y)", "d * ratio(b, y)"),
    np.sinh: ("d * cosh(a)",),
    np.cosh: ("d * sinh(a)",),
    np.tanh: ("d / cosh(a) ** 2",),
    np.arcsinh: ("d / root_of_square_plus_one(a)",),
    np.arccosh: ("d / (sqrt(a - 1.0) * sqrt(a + 1.0))",),
    np.arctanh: ("d / ((1.0 - a) * (1.0 + a))",),
    np.deg2rad: ("d * (pi / 180)",),
    np.radians: ("d * (pi / 180)",),
    np.rad2deg: ("d * (180 / pi)",),
    np.degrees: ("d * (180 / pi)",),
    # choices: a tie shares the derivative
    np.maximum: ("d * chosen(y, a, b)", "d * chosen(y, b, a)"),
    np.minimum: ("d * chosen(y, a, b)", "d * chosen(y, b, a)"),
    np.fmax: ("d * chosen(y, a, b)", "d * chosen(y, b, a)"),
    np.fmin: ("d * chosen(y, a, b)", "d * chosen(y, b, a)"),
    # complex intermediate values; a cotangent of z = x + iy is ∂/∂x − i ∂/∂y
    np.conjugate: ("conjugate(d)",),
}
"""Function → for each argument the change of the result."""

_CONSTANT = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
_CONSTANT |= {np.isfinite, np.isnan, np.isinf, np.signbit, np.sign, np.heaviside, np.spacing}
_CONSTANT |= {np.logical_and, np.logical_or, np.logical_not, np.logical_xor}
_CONSTANT |= {np.floor, np.ceil, np.rint, np.trunc, np.floor_divide}

_HINTS = {np.sqrt: _NORM}


def power_by_base(a: Any, b: Any) -> Any:
    """∂(aᵇ)/∂a = b aᵇ⁻¹."""
    if type(b) in (int, float):
        return _power_of_number(a, b)
    if isinstance(b, Traced):  # a zero exponent still has derivatives
        return b * a ** (b - 1.0)
    return b * a ** np.where(np.equal(b, 0), 1.0, b - 1.0)[()]


def _power_of_number(a: Any, b: float) -> Any:
    if b == 2:
        return 2.0 * a
    return b * a ** (b - 1.0) if b else np.zeros(np.shape(a))[()]


def power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    """∂(aᵇ)/∂b = aᵇ ln a; at a = 0 it is 0, and a negative base has real powers at integer exponents only."""
    if is_complex(y):
        is_zero = np.equal(a, 0)
        return np.where(is_zero, 0.0, y * np.log(np.where(is_zero, 1.0, a) + 0j))[()]
    positive = np.greater(a, 0)
    elsewhere = np.where(np.equal(a, 0), 0.0, np.nan)
    return np.where(positive, y * np.log(np.where(positive, a, 1.0)), elsewhere)[()]


def chosen(y: Any, one: Any, other: Any) -> Any:
    """1 where `one` was chosen, ½ at a tie; a constant."""
    y, one, other = plain_value(y), plain_value(one), plain_value(other)
    share = np.equal(one, y)
    is_tie = np.equal(one, other)
    return (share if is_known(np.logical_not(is_tie.any())) else np.where(is_tie, 0.5, share))[()]


def sign(x: Any) -> Any:
    """``np.sign``: x/|x| for complex numbers, which changes with their direction."""
    return np.sign(plain_value(x)) if not is_complex(x) else x / np.abs(x)


def direction(a: Any, y: Any) -> Any:
    """∂|a|/∂a: the sign of a real number, the conjugate direction of a complex one."""
    return np.conjugate(a) / y if np.iscomplexobj(plain_value(a)) else np.sign(a)


def root_of_square_plus_one(a: Any) -> Any:
    """√(a² + 1), without overflow where a is real."""
    return np.sqrt(a * a + 1.0) if np.iscomplexobj(plain_value(a)) else np.hypot(a, 1.0)


def ratio(a: Any, y: Any) -> Any:
    """a / y where y is a norm of which a is a part: 0 at 0, the smallest subgradient of the norm there."""
    return operate(_RATIO, a, y)


def _plain_ratio(a: Any, y: Any) -> Any:
    return np.where(np.equal(y, 0), 0.0, a / np.where(np.equal(y, 0), 1.0, y))[()]


_RATIO = Elementwise(_plain_ratio, ("d / b", "-d * y / b"))
"""The derivative of this ratio at 0 is not finite, so that second derivatives of a norm at 0 are never wrong."""


def install() -> None:
    """Enter these rules into the table."""
    NAMES.update({name: getattr(np, name) for name in _FUNCTIONS})
    NAMES.update({each.__name__: each for each in _OWN})
    for ufunc, texts in TEXTS.items():
        ELEMENTWISE[ufunc] = Elementwise(ufunc, texts, _HINTS.get(ufunc, ""), ufunc in _CHOICES)
    CONSTANT.update(_CONSTANT)
    COMPOSITIONS[np.sign] = sign


_CHOICES = (np.maximum, np.minimum, np.fmax, np.fmin)

_OWN = (power_by_base, power_by_exponent, chosen, direction, ratio, root_of_square_plus_one)
"""Functions of gradmix that the texts use."""

_FUNCTIONS = (
    *("conjugate", "cos", "cosh", "exp", "exp2", "floor_divide", "hypot", "ldexp", "log", "sign", "sin", "sinh"),
    *("sqrt", "trunc"),
)
"""NumPy's functions that the texts use."""
