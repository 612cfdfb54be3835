"""Programs to differentiate, written in ordinary Python."""

from typing import Any

import numpy as np


def lecture(x1: Any, x2: Any) -> Any:
    """Return x₁x₂ + sin x₁, the lecture's program."""
    w3 = x1 * x2
    w4 = np.sin(x1)
    w5 = w3 + w4
    return w5


def heron(a: Any) -> Any:
    """Return the square root by an iteration."""
    y = a
    while abs(y * y - a) > 1e-12:
        y = 0.5 * (y + a / y)
    return y


def bend(x1: Any, x2: Any) -> Any:
    """Return the square of one of two values, chosen by a branch."""
    if x1 > x2:
        y = np.exp(x1 - x2)
    else:
        y = x1 / x2
    return y * y


def repeated(x: Any, n: Any) -> Any:
    """Repeat the lecture's operations, product and sine, n times."""
    y = x
    for _ in range(n):
        y = np.sin(x * y)
    return y
