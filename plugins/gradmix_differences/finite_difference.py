"""The differentiator ``finite_difference``: the function's own values, a small step apart."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradmix import (
    Assessment,
    ConfigError,
    Differentiator,
    PositiveFloat,
    PositiveInt,
    VectorFunction,
    assess,
)
from gradmix.arrays import is_traced

if TYPE_CHECKING:
    from gradmix_differences.differences import Plan
    from gradmix_differences.search import Found

_BAD = 0.01
"""Relative error (absolute for small results) above which a result is unreliable, whatever limits it."""
_DIRECTIONS = 64
"""Number of directions that are differenced together, so that NumPy rather than Python computes their tables."""


@dataclass
class FiniteDifference(Differentiator):
    """Divided differences: forward, backward, central, or the complex step.

    The step adapts to the function: quotients with several steps are extrapolated to step zero, until the
    estimated error is small or further steps do not help. Every result has an estimated error and a status, which
    `gradmix.assessments` collects; noise, jumps, kinks and values that are not finite give a warning otherwise.

    Parameters
    ----------
    method
        Where the function is evaluated: on both sides (central); on one (forward, backward), for the edge of a domain;
        or at a complex step, which loses no digits but requires an analytic function that works with complex numbers
        (without abs, and without comparisons that affect the result).
    order
        Order of accuracy: the error falls with the step to this power. Even for central; null means 1 (forward,
        backward) or 2 (central) with a fixed step, and otherwise the highest order that helps.
    step
        Fixed step, relative to the size of each variable (to 1 for a variable that is 0); null adapts the step.
    tolerance
        Relative error at which the search for a better step ends.
    evaluations
        Largest number of evaluations for each direction: a gradient has one direction per variable, a Hessian one per
        pair of variables. A smooth function takes about ten.

    Notes
    -----
    Source: B. Fornberg, Math. Comp. 51 (1988) 699-706, for the weights; L. F. Richardson, Phil. Trans. R. Soc. A 210
    (1911) 307-357, and C. J. F. Ridders, Adv. Eng. Software 4 (1982) 75-76, for the extrapolation; W. Squire and
    G. Trapp, SIAM Rev. 40 (1998) 110-112, for the complex step.

    The estimated error compares differences of several steps. It can be too small if the function has a kink that is
    nearer to the point than the steps are, above all for derivatives of higher order.

    Examples
    --------
    >>> FiniteDifference().derivative(np.exp, 0.0).round(10)
    np.float64(1.0)
    """

    method: Literal["central", "forward", "backward", "complex_step"] = "central"
    order: PositiveInt | None = None
    step: PositiveFloat | None = None
    tolerance: PositiveFloat = 1e-10
    evaluations: PositiveInt = 60

    def __post_init__(self) -> None:
        if self.order is not None and self.method == "complex_step":
            raise ConfigError("order has no effect with method=complex_step, whose truncation error vanishes.")
        if self.order is not None and self.method == "central" and self.order % 2:
            raise ConfigError(
                f"central differences have an even order of accuracy; given: order={self.order}. "
                f"Choose order={self.order + 1}, or method=forward."
            )

    def setup(self) -> None:
        """Import the module that takes differences."""
        super().setup()
        import_module("gradmix_differences.differences")

    @property
    def accuracy(self) -> float:
        """Return the accuracy that the tolerance allows, or that truncation and rounding leave with a fixed step."""
        if self.step is None:
            return 1e-12 if self.method == "complex_step" else max(1e-9, 10 * self.tolerance)
        eps = float(np.finfo(float).eps)
        order = self.order or (1 if self.method in ("forward", "backward") else 2)
        return min(100 * (self.step**order + (eps if self.method == "complex_step" else eps / self.step)), 0.01)

    @property
    def chunk(self) -> int:
        """Return how many directions are differenced together."""
        return _DIRECTIONS

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Return the derivative along a direction."""
        if is_traced(x) or is_traced(v):
            from gradmix_differences.traced import along_traced

            return None, along_traced(f, x, v, self._plan)
        y, found = self.push_many(f, x, v[None])
        return y, found[0]

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Return the derivatives along directions."""
        if is_traced(x) or is_traced(V):
            y = f(x)
            return y, np.stack([self.push(f, x, v)[1] for v in V])
        from gradmix_differences.complex_step import real_parts
        from gradmix_differences.differences import along

        y = f(x)
        if np.iscomplexobj(y):  # within a complex step
            parts = self._assessed(along(real_parts(f), x, real_parts(f)(x), V, self._plan))
            return y, parts[:, : len(y)] + 1j * parts[:, len(y) :]
        return y, self._assessed(along(f, x, y, V, self._plan))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Return second differences, one for each pair of variables, so that the Hessian is exactly symmetric."""
        from gradmix_differences.differences import second

        n = len(x)
        above = np.array([(i, j) for i in range(n) for j in range(i, n)]).reshape(-1, 2)
        values = self._assessed(second(f, x, f(x), np.eye(n), above, self._plan))[:, 0]
        hessian = np.zeros((n, n))
        hessian[above[:, 0], above[:, 1]] = hessian[above[:, 1], above[:, 0]] = values
        return hessian

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Return second differences by v and each variable."""
        from gradmix_differences.differences import second

        n = len(x)
        pairs = np.stack([np.zeros(n, dtype=int), np.arange(1, n + 1)], axis=1)
        return self._assessed(second(f, x, f(x), np.concatenate([v[None], np.eye(n)]), pairs, self._plan))[:, 0]

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Return differences of the given order."""
        from gradmix_differences.differences import along

        return self._assessed(along(f, x, f(x), np.ones((1, 1)), self._plan, order))[0]

    @property
    def _plan(self) -> Plan:
        from gradmix_differences.differences import Plan

        return Plan(self.method, self.order, self.step, self.tolerance, self.evaluations)

    def _assessed(self, found: Found) -> Any:
        """Report the errors of derivatives and what limits them, and return the derivatives."""
        from gradmix_differences.status import Status

        error = float(np.max(found.error / np.fmax(np.abs(found.value), 1.0), initial=0.0))
        status = Status(int(np.max(found.status, initial=0)))
        assess(Assessment(error, status.words, is_reliable=status < Status.EXHAUSTED and error < _BAD))
        return found.value
