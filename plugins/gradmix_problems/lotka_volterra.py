"""The problem ``lotka_volterra``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import PositiveFloat, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 50


@dataclass
class LotkaVolterra(Problem):
    """Prey and predators by the classical Runge-Kutta method in scalars: x² + y² at the end, by the four rates.

    The equations are x′ = a x − b x y, y′ = d x y − c y. The point is a list, so the plain function computes with
    Python's floats.

    Parameters
    ----------
    steps
        Number of steps. Peers that turn the function into a formula, such as `sympy`, can handle only few.
    step
        Length of one step in time.
    rates
        The point: a, b, c, d.
    start
        x and y at the beginning.

    Notes
    -----
    The exact gradient is the method's, not the differential equation's. Sources: Lotka, *Elements of Physical
    Biology* (1925), chapter 8; Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, 2nd ed. (1993),
    section II.1, for the method, and section I.14 for the derivative by parameters.

    Examples
    --------
    >>> float(LotkaVolterra(rates=(0.0, 0.0, 0.0, 0.0)).function([0.0, 0.0, 0.0, 0.0]))
    1.25
    """

    steps: PositiveInt = 1
    step: PositiveFloat = 0.01
    rates: tuple[float, float, float, float] = (1.5, 1.0, 3.0, 1.0)
    start: tuple[float, float] = (1.0, 0.5)
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return x² + y² after the last step."""
        a, b, c, d = x
        half, sixth = 0.5 * self.step, self.step / 6.0
        x, y = self.start
        for _ in range(self.steps):
            k1, l1 = _slopes(x, y, a, b, c, d)
            k2, l2 = _slopes(x + half * k1, y + half * l1, a, b, c, d)
            k3, l3 = _slopes(x + half * k2, y + half * l2, a, b, c, d)
            k4, l4 = _slopes(x + self.step * k3, y + self.step * l3, a, b, c, d)
            x = x + sixth * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            y = y + sixth * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
        return x * x + y * y

    def point(self) -> list[float]:
        """Return the rates."""
        return list(self.rates)

    def exact(self) -> Array:
        """Apply the method to the sensitivities ∂x/∂a, …, ∂y/∂d as well, with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return np.array([float(self._sensitivity(rate)) for rate in range(4)])

    def _sensitivity(self, rate: int) -> Decimal:
        """Return the derivative by one of the rates: the same method solves the equation of (x, y, ∂x, ∂y)."""
        rates = tuple(map(Decimal, self.rates))
        half, sixth, whole = map(Decimal, (0.5 * self.step, self.step / 6.0, self.step))
        state = [*map(Decimal, self.start), Decimal(0), Decimal(0)]
        for _ in range(self.steps):
            k1 = _slopes_and_sensitivities(state, rates, rate)
            k2 = _slopes_and_sensitivities([s + half * k for s, k in zip(state, k1, strict=True)], rates, rate)
            k3 = _slopes_and_sensitivities([s + half * k for s, k in zip(state, k2, strict=True)], rates, rate)
            k4 = _slopes_and_sensitivities([s + whole * k for s, k in zip(state, k3, strict=True)], rates, rate)
            slopes = [p + 2 * q + 2 * r + t for p, q, r, t in zip(k1, k2, k3, k4, strict=True)]
            state = [s + sixth * k for s, k in zip(state, slopes, strict=True)]
        x, y, by_x, by_y = state
        return 2 * (x * by_x + y * by_y)


def _slopes(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any]:
    return a * x - b * x * y, d * x * y - c * y


def _slopes_and_sensitivities(state: list[Decimal], rates: tuple[Decimal, ...], rate: int) -> list[Decimal]:
    """Return x′, y′ and their total derivatives by one of the rates."""
    (x, y, by_x, by_y), (a, b, c, d) = state, rates
    direct_x = (x, -x * y, Decimal(0), Decimal(0))[rate]
    direct_y = (Decimal(0), Decimal(0), -y, x * y)[rate]
    return [
        a * x - b * x * y,
        d * x * y - c * y,
        (a - b * y) * by_x - b * x * by_y + direct_x,
        d * y * by_x + (d * x - c) * by_y + direct_y,
    ]
