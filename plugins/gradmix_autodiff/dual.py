"""The differentiator ``dual``: dual numbers x + ẋ₁d₁ + … + ẋₚdₚ with dᵢdⱼ = 0, forward mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Differentiator, Function, PositiveInt

if TYPE_CHECKING:
    from gradmix_autodiff.dual_number import DualNumber


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

    components: PositiveInt = 16

    def jvp(self, f: Function, x: Any, v: Any) -> Any:
        """Carry one component, v, through f."""
        from gradmix.arrays import as_point, check_shape

        point, tangent = as_point(x), as_point(v)
        check_shape("v", tangent, "x", np.shape(point))
        return self._push(f, point, np.expand_dims(tangent, 0))[1][0]

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Carry one component for each entry of x through f."""
        from gradmix.arrays import as_point, check_scalar

        point = as_point(x)
        value, tangents = self._push_all(f, point)
        check_scalar(value)
        return value, np.reshape(tangents, np.shape(point))

    def jacobian(self, f: Function, x: Any) -> Any:
        """Carry one component for each entry of x through f: they are the columns."""
        from gradmix.arrays import as_point

        point = as_point(x)
        value, tangents = self._push_all(f, point)
        columns = np.moveaxis(tangents, 0, -1)
        return np.reshape(columns, (*np.shape(value), *np.shape(point)))

    def _push_all(self, f: Function, point: Any) -> tuple[Any, Any]:

        from gradmix.arrays import unit_vectors

        seeds = unit_vectors(np.shape(point))
        starts = range(0, max(1, len(seeds)), self.components)  # one evaluation, too, where there are no variables
        chunks = [seeds[start : start + self.components] for start in starts]
        pushed = [self._push(f, point, chunk) for chunk in chunks]
        return pushed[0][0], np.concatenate([tangents for _, tangents in pushed])

    def _push(self, f: Function, point: Any, tangents: Any) -> tuple[Any, Any]:
        """F at a point, and its tangents, stacked along a first axis."""
        from gradmix_autodiff.dual_number import seed
        from gradmix_autodiff.evaluation import evaluate

        number: DualNumber = seed(point, tangents)
        y = evaluate(f, number)
        if getattr(y, "level", 0) == number.level:
            return y.value, y.tangents
        return y, np.zeros((len(tangents), *np.shape(y)))
