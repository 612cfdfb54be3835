"""The differentiator ``finite_difference``: the function's own values, a small step apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Number
from typing import Annotated, Any

import numpy as np

from gradmix import DifferentiationError, Differentiator, Function, KeyOf, PositiveFloat


@dataclass
class FiniteDifference(Differentiator):
    """Divided differences: forward, backward, central, or the complex step.

    Parameters
    ----------
    method
        forward and backward lose half the digits, central a third; complex_step loses none, but needs a function
        that is analytic and written for complex numbers (no abs, no comparisons that matter).
    step
        Step, relative to the size of each variable (or to 1 where that fits the function better); null takes what
        balances truncation against rounding for the method.

    Notes
    -----
    Source: Nocedal & Wright, *Numerical Optimization*, 2nd ed. (Springer 2006), section 8.1; Squire & Trapp,
    SIAM Rev. 40 (1998) 110-112 for the complex step.

    Examples
    --------
    >>> FiniteDifference().derivative(lambda x: x**3, 1.0).round(8)
    np.float64(3.0)
    """

    method: Annotated[str, KeyOf("gradmix_differences.schemes:SCHEMES")] = "central"
    step: PositiveFloat | None = None

    @property
    def accuracy(self) -> float:
        """What truncation and rounding leave at the step."""
        from gradmix_differences.schemes import SCHEMES

        scheme = SCHEMES[self.method]
        return scheme.accuracy(self.step or scheme.step)

    def jvp(self, f: Function, x: Any, v: Any) -> Any:
        """Differences along v."""
        from gradmix.arrays import as_point, check_shape

        point, tangent = as_point(x), as_point(v)
        check_shape("v", tangent, "x", np.shape(point))
        own = isolated(f)
        return self._along(own, point, remember(own))(tangent)

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Differences along each variable; f(x) is evaluated once."""
        from gradmix.arrays import as_point, check_scalar, stacked, unit_vectors

        point, own = as_point(x), isolated(f)
        at_point = remember(own)
        check_scalar(at_point(point))
        along = self._along(own, point, at_point)
        gradient = [along(v[()]) for v in unit_vectors(np.shape(point))]
        return at_point(point), stacked(gradient, np.shape(point))

    def hvp(self, f: Function, x: Any, v: Any) -> Any:
        """Differences of gradients, with steps for the second derivative."""
        inner, outer = self._second()
        return outer.jvp(lambda y: inner.gradient(f, y), x, v)

    def hessian(self, f: Function, x: Any) -> Any:
        """Differences of gradients, with steps for the second derivative; symmetric."""
        inner, outer = self._second()
        hessian = outer.jacobian(lambda y: inner.gradient(f, y), x)
        n = np.size(x)
        square = np.reshape(hessian, (n, n))
        return np.reshape((square + square.T) / 2, np.shape(hessian))

    def _along(self, f: Function, point: Any, at_point: Function) -> Callable[[Any], Any]:
        from gradmix_differences.schemes import SCHEMES, along

        scheme = SCHEMES[self.method]
        return lambda v: along(scheme, self.step or scheme.step, f, at_point, point, v)

    def _second(self) -> tuple[FiniteDifference, FiniteDifference]:
        from gradmix_differences.schemes import SCHEMES, SECOND_STEP

        if not SCHEMES[self.method].rounds:
            return self, replace(self, method="central", step=None)
        both = replace(self, method="central", step=self.step or SECOND_STEP)
        return both, both


def isolated(f: Function) -> Function:
    """f with arrays of its own, given and returned: it may change them in place without touching another evaluation."""
    from gradmix.arrays import is_traced

    def evaluate(x: Any) -> Any:
        y = f(x if is_traced(x) else np.array(x)[()])
        if is_traced(y):
            return y
        array = np.array(y)
        if not all(isinstance(entry, Number) or is_traced(entry) for entry in _odd_entries(array)):
            raise DifferentiationError(f"the function returned {y!r}; it must return numbers.")
        return array.astype(np.result_type(array, np.float64))[()]

    return evaluate


def _odd_entries(array: Any) -> Any:
    """Entries of an array that may be something else than numbers."""
    return array.flat if array.dtype.kind not in "biufc" else ()


def remember(f: Function) -> Function:
    """f, evaluated once: for the one point at which several differences need it."""
    values: list[Any] = []

    def evaluate(x: Any) -> Any:
        if not values:
            values.append(f(x))
        return values[0]

    return evaluate
