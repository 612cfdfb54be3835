"""The differentiator ``taylor``: all derivatives of a function of one variable in one evaluation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import DifferentiationError, Function, VectorFunction
from gradmix_autodiff.dual import DualNumbers


@dataclass
class Taylor(DualNumbers):
    """Truncated Taylor series: every operation computes the coefficients of its result up to the requested order.

    First derivatives, and second ones by several variables, are those of ``dual``, whose numbers are series of order 1.

    Notes
    -----
    n derivatives cost O(n²) operations for each operation of the function, where nested first derivatives cost O(2ⁿ).
    At a tie, such as abs at 0, all orders follow the convention for first derivatives: the mean of both sides.

    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 13; for partial derivatives
    Griewank, Utke & Walther, Math. Comp. 69 (2000) 1117-1130.

    Examples
    --------
    >>> Taylor().derivative(lambda x: x**5, 2.0, order=3)
    np.float64(240.0)
    >>> Taylor().taylor(np.exp, 0.0, order=3)
    array([1.        , 1.        , 0.5       , 0.16666667])
    """

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Return the last coefficient times the factorial of its order."""
        derived = self.series(f, x, np.ones(1), order)[order]
        for k in range(2, order + 1):  # 171! is not a float, but the derivative may be one
            derived = k * derived
        return derived

    def series(self, f: VectorFunction, x: Any, v: Any, order: int) -> Any:
        """Return all coefficients by one evaluation."""
        from gradmix_autodiff.taylor.expansion import expand

        return expand(f, x, v, order)

    def partial(self, f: Function, x: Any, orders: Sequence[int]) -> Any:
        """Return a mixed partial derivative, by series along several directions.

        Parameters
        ----------
        f
            The function of one array of one axis.
        x
            The point, shape (n,).
        orders
            How often it is differentiated by each variable, length n.

        Notes
        -----
        A derivative of order d is a sum of the coefficients of order d along the directions i - 2k, 0 ≤ k ≤ i, where i
        are the orders. Its error is that of the largest of them: derivatives by other variables that are many orders of
        magnitude larger leave fewer digits. Nested derivatives have no such loss.

        Examples
        --------
        >>> Taylor().partial(lambda x: x[0] ** 2 * x[1] ** 3, [1.0, 2.0], [1, 2])
        np.float64(24.0)
        """
        are_whole = all(isinstance(each, int | np.integer) and each >= 0 for each in orders)
        if np.ndim(x) != 1 or len(orders) != len(x) or not are_whole:
            raise DifferentiationError(
                f"orders must be non-negative integers, one for each entry of x, which has the shape {np.shape(x)}; "
                f"given: {orders!r}."
            )
        degree = sum(orders)
        if not degree:
            return self.taylor(f, x, np.zeros(len(x)), order=0)[0]
        total: Any = 0.0
        for steps in itertools.product(*(range(each + 1) for each in orders)):
            direction = [each - 2 * step for each, step in zip(orders, steps, strict=True)]
            leading = next((each for each in direction if each), 0)
            if leading > 0:  # the opposite direction has the same coefficient, except for the sign
                weight = (-1) ** sum(steps) * math.prod(map(math.comb, orders, steps))
                total = total + weight * self.taylor(f, x, np.array(direction, dtype=float), order=degree)[degree]
        return total / 2.0 ** (degree - 1)
