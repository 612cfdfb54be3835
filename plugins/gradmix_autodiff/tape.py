"""The differentiator ``tape``: record every operation, then walk back; reverse mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import Differentiator, Function


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
        from gradmix.arrays import as_point, check_shape
        from gradmix_autodiff.recording import Recording

        recording, cotangent = Recording(f, as_point(x)), as_point(w)
        check_shape("w", cotangent, "f(x)", recording.result_shape)
        return recording.pull(cotangent)

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Record f once, pull 1 back."""
        from gradmix.arrays import as_point, check_scalar
        from gradmix_autodiff.recording import Recording

        recording = Recording(f, as_point(x))
        check_scalar(recording.value)
        return recording.value, recording.pull(1.0)

    def jacobian(self, f: Function, x: Any) -> Any:
        """Record f once, pull each unit vector back: they give the rows."""
        from gradmix.arrays import as_point, stacked, unit_vectors
        from gradmix_autodiff.recording import Recording

        point = as_point(x)
        recording = Recording(f, point)
        rows = [recording.pull(w[()]) for w in unit_vectors(recording.result_shape)]
        return stacked(rows, (*recording.result_shape, *np.shape(point)))
