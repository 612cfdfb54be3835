"""The problem ``heron``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gradmix import Equations, PositiveFloat, Problem


@dataclass
class Heron(Problem):
    """√x by Newton's iteration y ← (y + x/y)/2 until y stops changing: a program whose length depends on the data.

    Parameters
    ----------
    x
        Where to differentiate.

    Notes
    -----
    Automatic differentiation follows the iterations. The last one starts from a root that has converged already, so its
    derivative has converged as well (Griewank & Walther, *Evaluating Derivatives*, 2nd ed., chapter 15).

    Examples
    --------
    >>> Heron(x=4.0).function(4.0), Heron(x=4.0).exact()
    (2.0, 0.25)
    """

    x: PositiveFloat = 2.0
    operator = "derivative"

    def function(self, x: Any) -> Any:
        """Return the root."""
        y = x if x > 1 else 1.0  # start above the root: the iterates then fall until they stop changing
        while True:
            better = 0.5 * (y + x / y)
            if better >= y:
                return better
            y = better

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return 1 / (2√x)."""
        return 0.5 / math.sqrt(self.x)

    def question(self) -> Equations:
        """Return the question: the root of y² = x, from the program's start. The program's iteration is Newton's."""
        return Equations(lambda y: y * y - self.x, max(self.x, 1.0), math.sqrt(self.x))
