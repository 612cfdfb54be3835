"""Tests for stopping an iteration, which depend on the units of neither the unknowns nor the function."""

from __future__ import annotations

import numpy as np

from gradmix import DifferentiationError, Differentiator, Minimum
from gradmix.arrays import Array

EPS = float(np.finfo(float).eps)

_FLAT = 1e-6
"""The sign of a Hessian's eigenvalue is unreliable below this fraction of the largest eigenvalue."""
_MOST_VARIABLES = 200
"""With more variables, the Hessian is not computed only for a test."""


def size_of(x: Array, start: Array) -> float:
    """Return the size of the unknowns: the largest entry, or the largest change since the start; 1 if both are 0."""
    return float(max(np.max(np.abs(x)), np.max(np.abs(x - start)))) or 1.0


def vanishes(values: Array, jacobian: Array, size: float, tol: float) -> bool:
    """Check whether no value exceeds the effect of a change of the unknowns by `tol` times their size."""
    return bool((np.abs(values) <= tol * size * np.abs(jacobian).sum(axis=1)).all())


def levels_off(gradient: Array, change: Array, step: Array, size: float, tol: float) -> bool:
    """Check whether a gradient does not exceed the effect of a change of the unknowns by `tol` times their size.

    This effect is estimated from the gradient's last `change`, along the last `step`.
    """
    bend = float(np.linalg.norm(change)) / (float(np.linalg.norm(step)) or 1.0)
    return float(np.max(np.abs(gradient))) <= tol * size * bend


def is_minimum(question: Minimum, x: Array, differentiator: Differentiator, size: float, tol: float) -> bool:
    """Check whether a point is a minimum, not a saddle, maximum or plateau; True if no Hessian is affordable.

    At a minimum, Newton's step is short: at most √`tol` times the unknowns' size. On a plateau, where the gradient is
    small although no minimum is near, Newton's step is long.
    """
    if len(x) > _MOST_VARIABLES or "hessian" in differentiator.lacks:
        return True
    try:
        gradient, hessian = question.gradient(x, differentiator), question.hessian(x, differentiator)
    except DifferentiationError:  # the differentiator has this function's gradient, and the method requires no more
        return True
    curvatures, directions = np.linalg.eigh(hessian)
    bent = np.abs(curvatures) > _FLAT * np.abs(curvatures).max()
    step = directions[:, bent] @ ((gradient @ directions[:, bent]) / curvatures[bent])
    is_near = float(np.max(np.abs(step))) <= tol**0.5 * size
    return is_near and way_down(question, x, hessian, size) is None


def way_down(question: Minimum, x: Array, hessian: Array, size: float) -> Array | None:
    """Return a lower point near a stationary one, along a direction with hardly any upward curvature; or None."""
    curvatures, directions = np.linalg.eigh(hessian)
    here = question.value(x)
    for curvature, direction in zip(curvatures, directions.T, strict=True):
        if curvature > _FLAT * np.abs(curvatures).max():
            break
        for step in (1e-2 * size, 1e-3 * size, 1e-4 * size):
            for point in (x + step * direction, x - step * direction):
                if question.trial(point) < here - 16.0 * EPS * abs(here):
                    return np.asarray(point)
    return None
