"""The differentiator ``dual``: dual numbers x + ẋ₁d₁ + … + ẋₚdₚ with dᵢdⱼ = 0, forward mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import Differentiator, Function, PositiveInt
from gradmix.arrays import as_point, check_scalar, check_shape


@dataclass
class DualNumbers(Differentiator):
    """Forward mode by dual numbers with several components, on plain NumPy functions.

    Parameters
    ----------
    components
        How many dual components one evaluation carries: a gradient of n variables takes n/components evaluations.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 3.

    Examples
    --------
    >>> DualNumbers().jacobian(lambda x: x**2, [1.0, 3.0])
    array([[2., 0.],
           [0., 6.]])
    """

    components: PositiveInt = 64

    def jvp(self, f: Function, x: Any, v: Any) -> Any:
        """Carry one component, v, through f."""
        point, tangent = as_point(x), as_point(v)
        check_shape("v", tangent, "x", np.shape(point))
        return _push(f, point, np.expand_dims(tangent, 0))[1][0]

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Carry one component for each entry of x through f."""
        point = as_point(x)
        value, tangents = self._push_all(f, point)
        check_scalar(value)
        return value, np.reshape(tangents, np.shape(point))

    def jacobian(self, f: Function, x: Any) -> Any:
        """Carry one component for each entry of x through f: they are the columns."""
        point = as_point(x)
        value, tangents = self._push_all(f, point)
        columns = np.moveaxis(tangents, 0, -1)
        return np.reshape(columns, (*np.shape(value), *np.shape(point)))

    def _push_all(self, f: Function, point: Any) -> tuple[Any, Any]:
        shape, size = np.shape(point), int(np.size(point))
        pushed = []
        for start in range(0, max(1, size), self.components):  # one evaluation, too, where there are no variables
            stop = min(size, start + self.components)
            seeds = np.zeros((stop - start, size))
            seeds[np.arange(stop - start), np.arange(start, stop)] = 1.0
            pushed.append(_push(f, point, np.reshape(seeds, (stop - start, *shape))))
        return pushed[0][0], np.concatenate([tangents for _, tangents in pushed])


def _push(f: Function, point: Any, tangents: Any) -> tuple[Any, Any]:
    """F at a point, and its tangents, stacked along a first axis.

    If a tangent is not finite, f is evaluated again with care for what is absent rather than zero.
    """
    from gradmix_autodiff.traced import plain_value

    value, pushed = _pushed(f, point, tangents, is_careful=False)
    if np.isfinite(plain_value(pushed)).all():
        return value, pushed
    return _pushed(f, point, tangents, is_careful=True)


def _pushed(f: Function, point: Any, tangents: Any, is_careful: bool) -> tuple[Any, Any]:
    from gradmix_autodiff.dual_number import seed
    from gradmix_autodiff.evaluation import evaluate

    number = seed(point, tangents, is_careful)
    evaluation = number.evaluation
    try:
        with np.errstate(all="ignore"):
            y = evaluate(f, number)
    finally:
        evaluation.is_open = False
    if getattr(y, "level", 0) == evaluation.level:
        return y.value, y.tangents
    return y, np.zeros((len(tangents), *np.shape(y)))
