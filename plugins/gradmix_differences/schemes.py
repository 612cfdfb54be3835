"""The difference schemes, as a table, and the choice of the step."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import DifferentiationError, VectorFunction

EPS = float(np.finfo(float).eps)
SECOND_STEP = 2.0**-13
"""Step that balances truncation against rounding in a central second difference: about the fourth root of EPS."""

_is_stepping: ContextVar[bool] = ContextVar("is_stepping", default=False)
"""Whether a function is being evaluated at a complex step."""

Difference = Callable[[VectorFunction, VectorFunction, Any, Any, float], Any]
"""(f, f remembered at x, x, direction, step) → derivative along the direction."""


@dataclass(frozen=True)
class Scheme:
    """One way to difference.

    Parameters
    ----------
    difference
        The formula.
    step
        Relative step that balances truncation against rounding: about EPS to the power ½ or ⅓. A power of two, so that
        x + step is exact for most x.
    order
        Truncation falls with the step to this power.
    rounds
        Whether subtraction of close values costs digits.
    """

    difference: Difference
    step: float
    order: int
    rounds: bool = True

    def accuracy(self, step: float) -> float:
        """Relative error to expect with a step, where the derivatives that truncation leaves out are moderate."""
        return 100 * (step**self.order + (EPS / step if self.rounds else EPS))


def _forward(f: VectorFunction, at_x: VectorFunction, x: Any, v: Any, h: float) -> Any:
    return (f(x + h * v) - at_x(x)) / h


def _backward(f: VectorFunction, at_x: VectorFunction, x: Any, v: Any, h: float) -> Any:
    return (at_x(x) - f(x - h * v)) / h


def _central(f: VectorFunction, at_x: VectorFunction, x: Any, v: Any, h: float) -> Any:
    return (f(x + h * v) - f(x - h * v)) / (2 * h)


def _complex_step(f: VectorFunction, at_x: VectorFunction, x: Any, v: Any, h: float) -> Any:
    if _is_stepping.get():
        raise DifferentiationError(
            "complex steps cannot be nested: there is one imaginary unit, and both would use it. "
            "Choose differentiator.method=central for the derivative inside or outside."
        )
    token = _is_stepping.set(True)
    try:
        y = np.asarray(f(x + 1j * h * v))
    except DifferentiationError:
        raise
    except TypeError as error:
        raise DifferentiationError(
            f"the complex step needs a function of complex numbers, and this one refuses them ({error}). "
            "Write it with NumPy's functions, or choose differentiator.method=central."
        ) from error
    finally:
        _is_stepping.reset(token)
    if not np.iscomplexobj(y):
        raise DifferentiationError(
            "the complex step needs an analytic function; this one gave real values for a complex argument "
            "(np.abs, .real, float() and comparisons do that). Choose differentiator.method=central."
        )
    return (y.imag / h)[()]


SCHEMES: dict[str, Scheme] = {
    "forward": Scheme(_forward, 2.0**-26, order=1),
    "backward": Scheme(_backward, 2.0**-26, order=1),
    "central": Scheme(_central, 2.0**-17, order=2),
    "complex_step": Scheme(_complex_step, 2.0**-100, order=2, rounds=False),
}


def along(scheme: Scheme, step: float, f: VectorFunction, at_x: VectorFunction, x: Any, v: Any) -> Any:
    """Derivative along v, the step fitted to the size of the variables that v moves.

    Where these are far from 1 two sizes are plausible, theirs and 1; both are tried, and the one whose own estimate of
    its relative error is smaller is taken.
    """
    if not np.any(v):
        return np.zeros(np.shape(at_x(x)))[()]
    own, unit = _sizes(x, v)
    if not scheme.rounds:
        return scheme.difference(f, at_x, x, v, step * own)
    if 0.1 * unit <= own <= 8 * unit:
        return scheme.difference(f, at_x, x, v, step * max(own, unit))
    candidates = [_with_error(scheme, step * size, f, at_x, x, v) for size in (own, unit)]
    return min(candidates, key=lambda candidate: candidate[1])[0]


def _sizes(x: Any, v: Any) -> tuple[float, float]:
    """Step along v that moves the variables by their own size at most (as a power of two), and by 1 at most."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.abs(v)
        sizes = 2.0 ** np.floor(np.log2(np.abs(np.where(x == 0, 1.0, x))))
        return float(1 / np.max(rates / sizes)), float(1 / np.max(rates))


def _with_error(scheme: Scheme, h: float, f: VectorFunction, at_x: VectorFunction, x: Any, v: Any) -> tuple[Any, float]:
    """A difference, and an estimate of its relative error: truncation by a second step, rounding by the size of f."""
    with np.errstate(all="ignore"):  # one of the two steps may well leave the function's domain
        fine, coarse = (scheme.difference(f, at_x, x, v, step) for step in (h, 2 * h))
        truncation = np.max(np.abs(coarse - fine), initial=0.0)
        rounding = EPS * np.max(np.abs(at_x(x)), initial=0.0) / h
        error = float(truncation + rounding)
        size = float(np.max(np.abs(fine), initial=0.0))
    if not np.isfinite(error):
        return fine, np.inf
    return fine, error / size if size else (np.inf if error else 0.0)
