"""The problem ``robertson``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import InitialValue, PositiveFloat, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array

_DIGITS = 60
_NEWTON_STEPS_OF_EXACT = 8
_USUAL_RATES = (0.04, 1e4, 3e7)


@dataclass
class Robertson(Problem):
    """Robertson's reaction, a stiff differential equation, by implicit steps: concentrations by the three rates.

    The equations are y₁′ = −a y₁ + b y₂ y₃, y₂′ = a y₁ − b y₂ y₃ − c y₂², y₃′ = c y₂², with the start (1, 0, 0).

    Parameters
    ----------
    steps
        Number of steps of the implicit Euler method; each is twice as long as the one before.
    step
        Length of the first step in time.
    iterations
        Iterations of Newton's method in each step: three are enough for short steps, eight for long ones.
    rates
        The point: a, b, c.
    end
        Time at which a solver is asked for the concentrations. For the usual rates, the exact ones are known at 0.4, 4,
        40, …, 4·10⁶ and 10¹¹.

    Notes
    -----
    Newton's method solves each step, so a differentiator goes through its iterations. The exact derivative is the
    derivative of the converged steps, by the implicit function theorem. Sources: Robertson, in *Numerical Analysis: An
    Introduction*, ed. Walsh (1966) 178-182; Hairer & Wanner, *Solving Ordinary Differential Equations II*, 2nd ed.
    (1996), section IV.10.

    Examples
    --------
    >>> Robertson(steps=1, step=1.0, rates=(1.0, 0.0, 0.0)).function(np.array([1.0, 0.0, 0.0]))
    array([0.5, 0.5, 0. ])
    """

    steps: PositiveInt = 1
    step: PositiveFloat = 1e-4
    iterations: PositiveInt = 3
    rates: tuple[float, float, float] = _USUAL_RATES
    end: PositiveFloat = 40.0
    operator = "jacobian"

    def function(self, x: Any) -> Any:
        """Return the concentrations after the last step."""
        y1, y2, h = 1.0, 0.0, self.step
        for _ in range(self.steps):
            y1, y2 = _implicit_step(y1, y2, h, x[0], x[1], x[2], self.iterations)
            h = 2.0 * h
        return np.stack([y1, y2, 1.0 - y1 - y2])

    def point(self) -> Array:
        """Return the rates."""
        return np.array(self.rates, dtype=float)

    def exact(self) -> Array:
        """Return the Jacobian: each step and its derivative are computed with 60 decimal digits."""
        with localcontext() as context:
            context.prec = _DIGITS
            a, b, c = map(Decimal, self.rates)
            y1, y2, h = Decimal(1), Decimal(0), Decimal(self.step)
            by_rates = [(Decimal(0), Decimal(0))] * 3
            for _ in range(self.steps):
                y1, y2 = _implicit_step(y1, y2, h, a, b, c, _NEWTON_STEPS_OF_EXACT)
                y3 = 1 - y1 - y2
                of_rates = ((-y1, y1), (y2 * y3, -y2 * y3), (Decimal(0), -y2 * y2))
                matrix = _matrix(y1, y2, h, a, b, c)
                by_rates = [
                    _solved(*matrix, old[0] + h * direct[0], old[1] + h * direct[1])
                    for old, direct in zip(by_rates, of_rates, strict=True)
                ]
                h = 2 * h
            return np.array([[float(each) for each in (s1, s2, -s1 - s2)] for s1, s2 in by_rates]).T

    def question(self) -> InitialValue:
        """Return the question: the concentrations at `end`. The solution is known for the usual rates."""
        solution = _SOLUTIONS.get(self.end) if tuple(self.rates) == _USUAL_RATES else None
        start = np.array([1.0, 0.0, 0.0])
        return InitialValue(self._slopes, start, None if solution is None else np.array(solution), end=self.end)

    def _slopes(self, t: Any, y: Any) -> Any:
        a, b, c = self.rates
        first, second, third = a * y[0], b * y[1] * y[2], c * y[1] * y[1]
        return np.stack([second - first, first - second - third, third])


def _implicit_step(y1: Any, y2: Any, h: Any, a: Any, b: Any, c: Any, iterations: int) -> tuple[Any, Any]:
    """Take one step of the implicit Euler method, solved by Newton's method, with y₃ = 1 − y₁ − y₂."""
    new1, new2 = y1, y2
    for _ in range(iterations):
        first, second, third = a * new1, b * new2 * (1 - new1 - new2), c * new2 * new2
        left1 = new1 - y1 - h * (second - first)
        left2 = new2 - y2 - h * (first - second - third)
        by1, by2 = _solved(*_matrix(new1, new2, h, a, b, c), left1, left2)
        new1, new2 = new1 - by1, new2 - by2
    return new1, new2


def _matrix(y1: Any, y2: Any, h: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any, Any, Any]:
    """Return the entries of 1 − h ∂f/∂y, row by row."""
    of1, of2 = -b * y2, b * (1 - y1 - 2 * y2)
    return 1 - h * (of1 - a), -h * of2, -h * (a - of1), 1 + h * (of2 + 2 * c * y2)


def _solved(p: Any, q: Any, r: Any, s: Any, right1: Any, right2: Any) -> tuple[Any, Any]:
    """Solve two equations by Cramer's rule."""
    determinant = p * s - q * r
    return (right1 * s - q * right2) / determinant, (p * right2 - r * right1) / determinant


_SOLUTIONS: Mapping[float, tuple[float, float, float]] = {
    0.4: (0.9851721138609899, 3.386395378974904e-05, 0.014794022185220388),
    4.0: (0.9055186785842539, 2.240475687560201e-05, 0.09445891665887049),
    40.0: (0.715827068719405, 9.185534764557764e-06, 0.28416374574583037),
    400.0: (0.45051866847110245, 3.2229014416746115e-06, 0.5494781086274559),
    4000.0: (0.18320225777670932, 8.94237125277591e-07, 0.8167968479861654),
    40000.0: (0.03898337708548285, 1.6217683159096825e-07, 0.9610164607376855),
    400000.0: (0.004938274520979815, 1.9849940879543756e-08, 0.9950617056290793),
    4000000.0: (0.0005168096014924384, 2.0682944912244536e-09, 0.9994831883302131),
    100000000000.0: (2.083340149701294e-08, 8.333360770334784e-14, 0.9999999791665152),
}
"""Time → concentrations, by a Radau method of order 13 with 40 digits (tests: radau_in_many_digits.py)."""
