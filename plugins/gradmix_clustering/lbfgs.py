"""L-BFGS as a generator: one iteration at a time, with SciPy's inverse Hessian and line search."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gradmix.arrays import Array

_PAIRS = 10
"""Number of steps, with their changes of the gradient, from which the inverse Hessian is built."""
_CURVATURE = 1e-10


@dataclass(frozen=True, eq=False)
class Descent:
    """A point of the descent.

    Parameters
    ----------
    x
        The point, shape (n,).
    value
        Value of the function at this point.
    gradient
        Gradient of the function at this point, shape (n,).
    """

    x: Array
    value: float
    gradient: Array


def lbfgs(function: Callable[[Array], tuple[float, Array]], start: Array) -> Iterator[Descent]:
    """Minimise a function; yield the start, then the point after each iteration, until no step lowers the value.

    Source: Nocedal & Wright, *Numerical Optimization* (2006), algorithms 7.4 and 7.5, with a step that satisfies the
    strong Wolfe conditions (algorithm 3.5).

    Parameters
    ----------
    function
        Returns value and gradient at a point.
    start
        The first point.
    """
    here = Descent(start, *function(start))
    yield here
    steps: deque[Array] = deque(maxlen=_PAIRS)
    changes: deque[Array] = deque(maxlen=_PAIRS)
    while True:
        found = _after_a_step(function, here, _direction(here.gradient, steps, changes))
        if found is None and steps:  # the old steps may mislead: try the steepest descent
            steps.clear()
            changes.clear()
            found = _after_a_step(function, here, _direction(here.gradient, steps, changes))
        if found is None:
            return
        step, change = found.x - here.x, found.gradient - here.gradient
        if step @ change > _CURVATURE * float(np.linalg.norm(step) * np.linalg.norm(change)):
            steps.append(step)
            changes.append(change)
        here = found
        yield here


def _direction(gradient: Array, steps: deque[Array], changes: deque[Array]) -> Array:
    """Return minus the inverse Hessian times the gradient; the first step has at most the length 1."""
    from scipy.optimize import LbfgsInvHessProduct

    if not steps:
        return -gradient / max(1.0, float(np.linalg.norm(gradient)))
    scale = float(steps[-1] @ changes[-1] / (changes[-1] @ changes[-1]))  # SciPy starts from I, not from γ I
    inverse = LbfgsInvHessProduct(np.array(steps) / np.sqrt(scale), np.array(changes) * np.sqrt(scale))
    return np.asarray(-scale * inverse.matvec(gradient))


def _after_a_step(function: Callable[[Array], tuple[float, Array]], here: Descent, direction: Array) -> Descent | None:
    """Return the point after a step in a direction; None if no step in this direction lowers the value."""
    from scipy.optimize import line_search

    seen: list[Descent] = []

    def at(x: Array) -> Descent:
        if not seen or not np.array_equal(seen[-1].x, x):
            seen.append(Descent(x.copy(), *function(x)))
        return seen[-1]

    def value(x: Array) -> float:
        return at(x).value

    def gradient(x: Array) -> Array:
        return at(x).gradient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the return value already shows that no step was found
        length = line_search(value, gradient, here.x, direction, here.gradient, here.value)[0]
    if length is not None:
        at(here.x + length * direction)
    lower = [each for each in seen if each.value < here.value and np.isfinite(each.gradient).all()]
    return min(lower, key=lambda each: each.value, default=None)
