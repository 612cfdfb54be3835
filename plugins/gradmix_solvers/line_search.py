"""A line search: the longest step, halved as often as needed, that lowers a value enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix.arrays import Array
from gradmix_solvers.stationary import EPS

_SHARE = 1e-4
"""Share of the decrease that the slope promises (Armijo's condition)."""
_MOST_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Lower:
    """A point that is lower.

    Parameters
    ----------
    x
        The point.
    values
        What the function has there.
    share
        Share of the step that was taken.
    """

    x: Array
    values: Any
    share: float = 1.0


def half_square(values: Any) -> float:
    """Half the sum of squares of several values; of one, the value itself."""
    if np.ndim(values) == 0:
        return float(values)
    with np.errstate(over="ignore"):
        return 0.5 * float(values @ values)


def backtrack(
    function: Callable[[Array], Any], x: Array, here: Any, step: Array, slope: float, longest: float = 1.0
) -> Lower | None:
    """Find a point along a step where a value, or half the square of several, is lower by enough.

    Source: Dennis & Schnabel, *Numerical Methods for Unconstrained Optimization and Nonlinear Equations* (1983),
    algorithm A6.3.1, with halving.

    Parameters
    ----------
    function
        What is to fall; where it is not finite, it is too high.
    x, here
        The point to start from, and the function there.
    step
        The step, shape (n,).
    slope
        The derivative along the step, of half the square if there are several values.
    longest
        Share of the step that is tried first.

    Returns
    -------
    Lower or None
        None if no share lowers the function: the point is a minimum within rounding, or the slope is wrong.
    """
    before, share = half_square(here), longest
    for _ in range(_MOST_HALVINGS):
        point = x + share * step
        values = function(point)
        value = half_square(values)
        # Close to a minimum, rounding hides the decrease: there a step that does not climb visibly will do.
        if np.isfinite(value) and value <= before + _SHARE * share * slope + 2.0 * EPS * abs(before):
            return Lower(point, values, share)
        share *= 0.5
    return None
