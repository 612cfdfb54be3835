"""The problems ``noisy`` and ``quantised``: the derivative of the program differs from that of the curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import NonNegativeFloat, PositiveFloat, Problem

_OF_THE_CURVE = {"exact_is_right": "its exact derivative is that of the smooth curve, not of the rough program"}


@dataclass
class Noisy(Problem):
    """sin x with a ripple ε sin(x / δ): the derivative of the program follows the ripple, not the curve.

    Parameters
    ----------
    noise
        ε, the amplitude of the ripple.
    width
        δ, the width of the ripple; the derivative of the ripple is up to ε / δ.
    x
        Where to differentiate.

    Notes
    -----
    The exact answer is the derivative of the curve, cos x. Divided differences with a step far above δ approximate it
    well, while exact differentiation of the program has an error of about ε / δ.

    Examples
    --------
    >>> Noisy(x=0.0).exact()
    1.0
    """

    noise: NonNegativeFloat = 1e-6
    width: PositiveFloat = 1e-6
    x: float = 1.0
    operator = "derivative"
    deviates: ClassVar[Mapping[str, str]] = _OF_THE_CURVE

    def function(self, x: Any) -> Any:
        """Return the curve plus the ripple."""
        return np.sin(x) + self.noise * np.sin(x / self.width)

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return cos x, the derivative of the curve."""
        return math.cos(self.x)


@dataclass
class Quantised(Problem):
    """sin x rounded to multiples of q, as by a sensor with few digits: the derivative of the program is 0.

    Parameters
    ----------
    quantum
        q, the height of a step.
    x
        Where to differentiate.

    Notes
    -----
    The exact answer is the derivative of the curve, cos x. Divided differences with a step h have an error of about
    q / h from the steps and h² from the curve.

    Examples
    --------
    >>> Quantised(quantum=0.5).function(1.0)
    np.float64(1.0)
    """

    quantum: PositiveFloat = 1e-6
    x: float = 1.0
    operator = "derivative"
    deviates: ClassVar[Mapping[str, str]] = _OF_THE_CURVE

    def function(self, x: Any) -> Any:
        """Return the nearest multiple of q."""
        return np.round(np.sin(x) / self.quantum) * self.quantum

    def point(self) -> float:
        """Return the point."""
        return self.x

    def exact(self) -> float:
        """Return cos x, the derivative of the curve."""
        return math.cos(self.x)
