"""Questions for solvers: easy ones with known solutions, and some without a solution where solvers look for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradmix.contracts.question import Equations, InitialValue, LeastSquares, Minimum, Question

TIMES = np.linspace(0.0, 2.0, 5)
"""Times at which the decay is measured."""


def circle_and_line(x: Any) -> Any:
    """x₁² + x₂² − 2 and x₁ − x₂, which are zero at (1, 1)."""
    return np.stack([x[0] * x[0] + x[1] * x[1] - 2.0, x[0] - x[1]])


def bowl(x: Any) -> Any:
    """cosh(x₁ − 1) + 2 cosh(x₂ + ½), whose minimum is 3 at (1, −½)."""
    return np.cosh(x[0] - 1.0) + 2.0 * np.cosh(x[1] + 0.5)


def decay(x: Any) -> Any:
    """x₁ exp(−x₂ t) − 2 exp(−t / 2) at five times t, which are zero at (2, ½)."""
    return x[0] * np.exp(-x[1] * TIMES) - 2.0 * np.exp(-0.5 * TIMES)


def two_rates(t: Any, y: Any) -> Any:
    """y₁′ = −y₁, y₂′ = y₁ − 2 y₂: from (1, 3) on, y₁ = exp(−t) and y₂ = exp(−t) + 2 exp(−2 t)."""
    return np.stack([-y[0], y[0] - 2.0 * y[1]])


def no_root(x: Any) -> Any:
    """x² + 1, which has no real root."""
    return x * x + 1.0


def saddle(x: Any) -> Any:
    """x₁² − x₂² + x₂⁴, with a saddle at (0, 0) between two minima at (0, ± 1/√2)."""
    return x[0] * x[0] - x[1] * x[1] + x[1] ** 4


def ridge(x: Any) -> Any:
    """x² − 1; half its square has a maximum at 0 between two minima at ± 1."""
    return x * x - 1.0


QUESTIONS: Mapping[type[Question], Question] = {
    Equations: Equations(circle_and_line, [2.0, 0.5], [1.0, 1.0]),
    Minimum: Minimum(bowl, [2.0, 0.5], [1.0, -0.5]),
    LeastSquares: LeastSquares(decay, [1.5, 1.0], [2.0, 0.5]),
    InitialValue: InitialValue(two_rates, [1.0, 3.0], [np.exp(-1.0), np.exp(-1.0) + 2.0 * np.exp(-2.0)], end=1.0),
}
"""An easy question of each kind, with its solution."""
