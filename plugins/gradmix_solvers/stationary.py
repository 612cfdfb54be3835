"""When an iteration may stop: tests that depend neither on the units of the unknowns nor on those of the function."""

from __future__ import annotations

import numpy as np

from gradmix import DifferentiationError, Differentiator, Minimum
from gradmix.arrays import Array

EPS = float(np.finfo(float).eps)

_FLAT = 1e-6
"""Eigenvalues of a Hessian below this share of the largest have no sign that could be relied on."""
_MOST_VARIABLES = 200
"""With more, the Hessian is not computed for the sake of a test alone."""


def size_of(x: Array, start: Array) -> float:
    """The size that the unknowns have: their largest entry, or the largest change since the start; 1 if both are 0."""
    return float(max(np.max(np.abs(x)), np.max(np.abs(x - start)))) or 1.0


def vanishes(values: Array, jacobian: Array, size: float, tol: float) -> bool:
    """Whether each value is as small as a change of the unknowns by `tol` of their size makes it."""
    return bool((np.abs(values) <= tol * size * np.abs(jacobian).sum(axis=1)).all())


def levels_off(gradient: Array, change: Array, step: Array, size: float, tol: float) -> bool:
    """Whether a gradient is as small as a change of the unknowns by `tol` of their size makes it.

    How much a gradient changes with them shows its last `change`, along the last `step`.
    """
    bend = float(np.linalg.norm(change)) / (float(np.linalg.norm(step)) or 1.0)
    return float(np.max(np.abs(gradient))) <= tol * size * bend


def is_minimum(question: Minimum, x: Array, differentiator: Differentiator, size: float, tol: float) -> bool:
    """Whether a point is a minimum, and no saddle, maximum or plateau; True where there is no affordable Hessian.

    At a minimum, Newton's step is short: at most the root of `tol` of the unknowns' size. On a plateau, where a
    gradient is small without a minimum near, it is not.
    """
    if len(x) > _MOST_VARIABLES or "hessian" in differentiator.lacks:
        return True
    try:
        gradient, hessian = question.gradient(x, differentiator), question.hessian(x, differentiator)
    except DifferentiationError:  # it has the gradient of this function, which was all that the method asked for
        return True
    curvatures, directions = np.linalg.eigh(hessian)
    bent = np.abs(curvatures) > _FLAT * np.abs(curvatures).max()
    step = directions[:, bent] @ ((gradient @ directions[:, bent]) / curvatures[bent])
    is_near = float(np.max(np.abs(step))) <= tol**0.5 * size
    return is_near and way_down(question, x, hessian, size) is None


def way_down(question: Minimum, x: Array, hessian: Array, size: float) -> Array | None:
    """A lower point near a stationary one, along a direction in which the function hardly bends up; None if none."""
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
