"""The differentiator ``finite_difference``: the function's own values, a small step apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from gradmix import Differentiator, KeyOf, PositiveFloat, VectorFunction


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

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Differences along v."""
        return None, self._along(f, x, Remembered(f))(v)

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Differences along each direction; f(x) is evaluated once, if at all."""
        at_x = Remembered(f)
        pushed = np.stack([self._along(f, x, at_x)(v) for v in V])
        return at_x.value, pushed

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Differences of gradients, with steps for the second derivative."""
        inner, outer = self._second()
        return outer.push(inner._gradient_of(f), x, v)[1]

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Differences of gradients, with steps for the second derivative; symmetric."""
        inner, outer = self._second()
        hessian = outer.matrix(inner._gradient_of(f), x)
        return (hessian + np.transpose(hessian)) / 2

    def _along(self, f: VectorFunction, x: Any, at_x: VectorFunction) -> Callable[[Any], Any]:
        from gradmix_differences.schemes import SCHEMES, along

        scheme = SCHEMES[self.method]
        return lambda v: along(scheme, self.step or scheme.step, f, at_x, x, v)

    def _second(self) -> tuple[FiniteDifference, FiniteDifference]:
        from gradmix_differences.schemes import SCHEMES, SECOND_STEP

        if not SCHEMES[self.method].rounds:
            return self, replace(self, method="central", step=None)
        both = replace(self, method="central", step=self.step or SECOND_STEP)
        return both, both


class Remembered:
    """f, evaluated once: for the one point at which several differences need it."""

    def __init__(self, f: VectorFunction) -> None:
        self._f = f
        self.value: Any = None

    def __call__(self, x: Any) -> Any:
        """f(x), as it was the first time."""
        if self.value is None:
            self.value = self._f(x)
        return self.value
