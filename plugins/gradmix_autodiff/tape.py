"""The differentiator ``tape``: record every operation, then walk back; reverse mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import Differentiator, Function
from gradmix.arrays import as_point, check_scalar, check_shape, stacked


@dataclass
class Tape(Differentiator):
    """Reverse mode by a tape, on plain NumPy functions: a gradient in one evaluation, whatever the number of variables.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 3.2; the record is the
    Wengert list (Wengert, Commun. ACM 7 (1964) 463-464).

    Examples
    --------
    >>> Tape().gradient(lambda x: (x**2).sum(), [1.0, 3.0])
    array([2., 6.])
    """

    def vjp(self, f: Function, x: Any, w: Any) -> Any:
        """Record f, pull w back."""
        from gradmix_autodiff.pullback import Pullback

        recorded, cotangent = Pullback(f, as_point(x)), as_point(w)
        check_shape("w", cotangent, "f(x)", recorded.result_shape)
        return recorded.pull(cotangent)

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Record f once, pull 1 back."""
        from gradmix_autodiff.pullback import Pullback

        recorded = Pullback(f, as_point(x))
        check_scalar(recorded.value)
        return recorded.value, recorded.pull(1.0)

    def jacobian(self, f: Function, x: Any) -> Any:
        """Record f once, pull each unit vector back: they give the rows."""
        from gradmix_autodiff.pullback import Pullback

        point = as_point(x)
        recorded = Pullback(f, point)
        shape = recorded.result_shape
        rows = []
        for place in range(int(np.prod(shape))):
            w = np.zeros(shape)
            w.flat[place] = 1.0
            rows.append(recorded.pull(w[()]))
        return stacked(rows, (*shape, *np.shape(point)))
