"""The problem ``kepler``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Annotated, Any

import numpy as np

from gradmix import Bounds, Equations, PositiveInt, Problem

_DIGITS = 50


@dataclass
class Kepler(Problem):
    """Kepler's equation E = M + e sin E by its fixed-point iteration, by the mean anomaly M: an implicit function.

    Parameters
    ----------
    eccentricity
        e of the orbit; each iteration brings E closer by at least this factor.
    iterations
        How many, from E = M on.
    x
        Where to differentiate: M, in radians.

    Notes
    -----
    The exact derivative is that of the limit, by the implicit function theorem. The derivative of the iterates tends
    to it, but later than the iterates themselves: after k iterations its error is of the order k eᵏ (Griewank &
    Walther, *Evaluating Derivatives*, 2nd ed., chapter 15).

    Examples
    --------
    >>> Kepler(x=0.0, eccentricity=0.5).exact()
    2.0
    """

    eccentricity: Annotated[float, Bounds(ge=0, le=0.9)] = 0.1
    iterations: PositiveInt = 20
    x: float = 1.0
    operator = "derivative"

    def function(self, x: Any) -> Any:
        """The last iterate."""
        anomaly = x
        for _ in range(self.iterations):
            anomaly = x + self.eccentricity * np.sin(anomaly)
        return anomaly

    def point(self) -> float:
        """The point."""
        return self.x

    def exact(self) -> float:
        """1 / (1 − e cos E) at the root, found by Newton's method in 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return float(1 / (1 - Decimal(self.eccentricity) * _sine_and_cosine(self._anomaly())[1]))

    def question(self) -> Equations:
        """Kepler's equation for E, from E = M on, with the root in 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return Equations(lambda E: E - self.eccentricity * np.sin(E) - self.x, self.x, float(self._anomaly()))

    def _anomaly(self) -> Decimal:
        """The root."""
        e, mean = Decimal(self.eccentricity), Decimal(self.x)
        anomaly = Decimal(float(self.function(self.x)))
        for _ in range(8):  # from the sixteen digits of a float on, or from a few where the iteration was cut off
            sine, cosine = _sine_and_cosine(anomaly)
            anomaly -= (anomaly - e * sine - mean) / (1 - e * cosine)
        return anomaly


def _sine_and_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """Both by Taylor's series of x / 2ᵏ, and k doublings of the angle."""
    halvings = max(0, x.adjusted() * 4 + 4)
    y = x / 2**halvings
    sums, term, order = [Decimal(1), Decimal(0)], Decimal(1), 0
    while abs(term) > Decimal(10) ** -(_DIGITS + 10):
        order += 1
        term = term * y / order
        sums[order % 2] += term if order % 4 < 2 else -term
    cosine, sine = sums
    for _ in range(halvings):
        sine, cosine = 2 * sine * cosine, cosine * cosine - sine * sine
    return sine, cosine
