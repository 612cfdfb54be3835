"""A line search, which halves a step until it lowers a value enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix.arrays import Array
from gradmix_solvers.stationary import EPS

_SHARE = 1e-4
"""Required fraction of the decrease that the slope predicts (Armijo's condition)."""
_MOST_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Lower:
    """A point with a lower value.

    Parameters
    ----------
    x
        The point.
    values
        Values of the function at this point.
    share
        Fraction of the step that was taken.
    """

    x: Array
    values: Any
    share: float = 1.0


def half_square(values: Any) -> float:
    """Return half the sum of squares of several values; return a single value unchanged."""
    if np.ndim(values) == 0:
        return float(values)
    with np.errstate(over="ignore"):
        return 0.5 * float(values @ values)


def backtrack(
    function: Callable[[Array], Any], x: Array, here: Any, step: Array, slope: float, longest: float = 1.0
) -> Lower | None:
    """Find a point along a step where a value, or half the sum of squares of several values, is low enough.

    Source: Dennis & Schnabel, *Numerical Methods for Unconstrained Optimization and Nonlinear Equations* (1983),
    algorithm A6.3.1, with halving.

    Parameters
    ----------
    function
        The function to reduce; values that are not finite count as too high.
    x, here
        The point where the step begins, and the function's value there.
    step
        The step, shape (n,).
    slope
        The derivative along the step, of half the sum of squares if there are several values.
    longest
        Fraction of the step that is tried first.

    Returns
    -------
    Lower or None
        None if no fraction lowers the function: the point is a minimum within rounding, or the slope is wrong.
    """
    before, share = half_square(here), longest
    for _ in range(_MOST_HALVINGS):
        point = x + share * step
        values = function(point)
        value = half_square(values)
        # Close to a minimum, rounding hides the decrease: accept a step that does not visibly increase the value.
        if np.isfinite(value) and value <= before + _SHARE * share * slope + 2.0 * EPS * abs(before):
            return Lower(point, values, share)
        share *= 0.5
    return None
