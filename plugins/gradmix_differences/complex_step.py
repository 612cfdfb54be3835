"""The complex step: the derivative of an analytic function from its imaginary part, without subtraction."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from gradmix import DifferentiationError, VectorFunction
from gradmix.arrays import Array
from gradmix_differences.samples import Samples

TINY = 2.0**-100
"""Relative step, so small that the truncation error, which falls with its square, vanishes."""

_APART = 2.0**-20
"""A real step large enough to change any function that depends on its argument."""

_is_stepping: ContextVar[bool] = ContextVar("is_stepping", default=False)
"""Whether a function is being evaluated at a complex step."""


def complex_derivative(f: VectorFunction, x: Any, v: Any, step: float) -> Any:
    """Return the derivative of f at x along v, Im f(x + i h v) / h.

    Raises
    ------
    DifferentiationError
        If f does not work with complex numbers, drops the imaginary part, or is itself evaluated at a complex step.

    Notes
    -----
    Source: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Rev. 40
    (1998) 110-112.
    """
    if _is_stepping.get():
        raise DifferentiationError(
            "complex steps cannot be nested: both would use the same imaginary unit. "
            "Choose differentiator.method=central for the derivative inside or outside."
        )
    token = _is_stepping.set(True)
    try:
        y = np.asarray(f(x + 1j * step * v))
    except DifferentiationError:
        raise
    except TypeError as error:
        raise DifferentiationError(
            f"the complex step needs a function that accepts complex numbers; this one does not ({error}). "
            "Write it with NumPy's functions, or choose differentiator.method=central."
        ) from error
    finally:
        _is_stepping.reset(token)
    if np.iscomplexobj(y):
        return y.imag / step
    with np.errstate(all="ignore"):
        is_constant = np.array_equal(f(x), f(x + _APART * v), equal_nan=True)
    if is_constant:  # it does not depend on its argument, or is a step function
        return np.zeros(y.shape)
    raise DifferentiationError(
        "the complex step needs an analytic function; this one returned real values for a complex argument "
        "(np.abs, .real, float() and comparisons do this). Choose differentiator.method=central."
    )


class ComplexSamples(Samples):
    """Derivatives by complex steps along lines: g(t) is the derivative at x + t u along a second direction w.

    Parameters
    ----------
    f
        The function.
    x
        The point, shape (n,).
    directions
        Directions u of the lines, shape (p, n).
    tangents
        Directions w of the derivatives, shape (p, n).
    step
        The complex step; None for a step so small that truncation vanishes.
    """

    def __init__(
        self, f: VectorFunction, x: Array, directions: Array, tangents: Array, step: float | None = None
    ) -> None:
        self.tangents, self.step = tangents, step or TINY
        derivatives = [complex_derivative(f, x, tangent, self.step) for tangent in tangents]
        super().__init__(f, x, directions, np.stack(derivatives))

    def evaluate(self, point: Array, row: int) -> Array:
        """Return the derivative at a point on a direction's line."""
        return np.asarray(complex_derivative(self.f, point, self.tangents[row], self.step))


_REAL = 2.0**-36
"""A real step so small that a function is straight over it, but large enough that its change keeps a few digits."""


def require_analytic(f: VectorFunction, x: Array, at_point: Array, directions: Array, derivatives: Array) -> None:
    """Check by one or two evaluations that the complex-step derivatives predict the change of f over a small real step.

    x |x| and x times the conjugate of x have complex values, too, but their imaginary parts are not derivatives.

    Raises
    ------
    DifferentiationError
        If they do not.
    """
    mix = np.cos(np.arange(len(directions)))
    direction, derivative, size = mix @ directions, mix @ derivatives, np.abs(mix) @ np.abs(derivatives)
    sizes = np.abs(directions).sum(axis=0)
    moved = sizes > 0
    blur = np.max(np.abs(x[moved]) / sizes[moved], initial=0.0)
    with np.errstate(all="ignore"):
        off = np.abs(f(x + _REAL * direction) - at_point - _REAL * derivative)
        allowed = 64 * np.finfo(float).eps * (np.abs(at_point) + blur * size) + _REAL * size / 16
    if not np.any(off > allowed):
        return
    with np.errstate(all="ignore"):
        twice = np.abs(f(x + 2 * _REAL * direction) - at_point - 2 * _REAL * derivative)
        is_off = (off > allowed) & (twice < 3 * off)  # four times as large if it is the curvature
    if np.any(is_off):
        raise DifferentiationError(
            "the complex step needs an analytic function; this one changes differently along real and complex "
            "steps (np.abs, np.conj and kinks do this). Choose differentiator.method=central."
        )


def real_parts(f: VectorFunction) -> VectorFunction:
    """Return a function with complex values as one with twice as many real values: real parts, then imaginary parts."""

    def parts(x: Any) -> Array:
        y = np.asarray(f(x))
        return np.concatenate([y.real, y.imag])

    return parts
