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
    """Kepler's equation E = M + e sin E by fixed-point iteration: E as an implicit function of the mean anomaly M.

    Parameters
    ----------
    eccentricity
        Eccentricity e of the orbit; each iteration reduces the error of E by at least this factor.
    iterations
        Number of iterations, starting at E = M.
    x
        Where to differentiate: the mean anomaly M, in radians.

    Notes
    -----
    The exact derivative is the derivative of the limit, by the implicit function theorem. The derivatives of the
    iterates converge to it, but more slowly than the iterates do: after k iterations their error is of the order k eᵏ
    (Griewank & Walther, *Evaluating Derivatives*, 2nd ed., chapter 15).

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
        """Return the last iterate."""
        anomaly = x
        for _ in range(self.iterations):
            anomaly = x + self.eccentricity * np.sin(anomaly)
        return anomaly

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return 1 / (1 − e cos E) at the root, which Newton's method computes with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return float(1 / (1 - Decimal(self.eccentricity) * _sine_and_cosine(self._anomaly())[1]))

    def question(self) -> Equations:
        """Return the question: the root E, from E = M; the exact root is computed with 50 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            return Equations(lambda E: E - self.eccentricity * np.sin(E) - self.x, self.x, float(self._anomaly()))

    def _anomaly(self) -> Decimal:
        """Compute the root E with 50 decimal digits."""
        e, mean = Decimal(self.eccentricity), Decimal(self.x)
        anomaly = Decimal(float(self.function(self.x)))
        for _ in range(8):  # the start has a float's sixteen digits, or fewer if the iteration was cut off
            sine, cosine = _sine_and_cosine(anomaly)
            anomaly -= (anomaly - e * sine - mean) / (1 - e * cosine)
        return anomaly


def _sine_and_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """Compute both by the Taylor series at x / 2ᵏ and k doublings of the angle."""
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
