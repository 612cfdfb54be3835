"""The functions of `prelude` that compiled code may call, in the form that numba compiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def chosen(y: float, one: float, other: float) -> float:
    """1 where `one` was chosen, ½ at a tie."""
    if one == other:
        return 0.5
    return 1.0 if one == y else 0.0


def spread(t: Any, like: Any) -> Any:
    """T, broadcast to the shape of an array."""
    return t + np.zeros(np.shape(like))


def power_by_base(a: float, b: float) -> float:
    """∂(aᵇ)/∂a = b aᵇ⁻¹."""
    return 0.0 if b == 0 else b * a ** (b - 1.0)


def power_by_exponent(y: float, a: float, b: float) -> float:
    """∂(aᵇ)/∂b = aᵇ ln a; 0 at a = 0, and not a number where a is negative."""
    if a > 0:
        return y * math.log(a)
    return 0.0 if a == 0 else math.nan


def direction(a: float, y: float) -> float:
    """∂|a|/∂a, the sign of a."""
    return 0.0 if a == 0 else math.copysign(1.0, a)


def ratio(a: float, y: float) -> float:
    """a / y where y is a norm of which a is a part: 0 at 0."""
    return 0.0 if y == 0 else a / y


def root_of_square_plus_one(a: float) -> float:
    """√(a² + 1), without overflow."""
    return math.hypot(a, 1.0)
