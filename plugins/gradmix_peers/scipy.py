"""The differentiator ``scipy``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import NumericalError, PositiveFloat, PositiveInt, VectorFunction
from gradmix_peers.differences import Differences


@dataclass
class SciPy(Differences):
    """scipy.differentiate: differences of high order, with steps that shrink until the error estimate is small.

    Parameters
    ----------
    order
        Order of the differences.
    initial_step
        First step.
    tol
        Tolerated error, absolute and relative.
    maxiter
        Maximum number of steps; each is half of the one before.
    """

    order: PositiveInt = 8
    initial_step: PositiveFloat = 0.01
    tol: PositiveFloat = 1e-8
    maxiter: PositiveInt = 10

    def along(self, f: VectorFunction, x: Any) -> Any:
        """`scipy.differentiate.jacobian`."""
        from scipy.differentiate import jacobian

        return self._checked(jacobian(_vectorised(f), x, **self._settings()))

    def curvature(self, f: VectorFunction, x: Any) -> Any:
        """`scipy.differentiate.hessian`."""
        from scipy.differentiate import hessian

        return self._checked(hessian(lambda points: _vectorised(f)(points)[0], x, **self._settings()), "ddf")

    def _settings(self) -> dict[str, Any]:
        tolerances = {"atol": self.tol, "rtol": self.tol}
        return {
            "tolerances": tolerances,
            "order": self.order,
            "initial_step": self.initial_step,
            "maxiter": self.maxiter,
        }

    def _checked(self, found: Any, name: str = "df") -> Any:
        if not np.all(found.success):
            raise NumericalError(
                f"scipy.differentiate did not converge: estimated error {np.max(found.error):.2g}. A "
                "smaller initial_step avoids places where the function is not smooth; a larger maxiter continues "
                "longer."
            )
        return found[name]


def _vectorised(f: VectorFunction) -> VectorFunction:
    """Return a function that applies f to each column, as SciPy passes many points at once."""

    def evaluate(points: Any) -> Any:
        columns = points.reshape(len(points), -1)
        values = [f(column) for column in columns.T]
        return np.stack(values, axis=-1).reshape(-1, *points.shape[1:])

    return evaluate
