"""The differentiator ``numdifftools``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gradmix import PositiveFloat, PositiveInt, VectorFunction
from gradmix_peers.differences import Differences


@dataclass
class NumDiffTools(Differences):
    """numdifftools: differences with a sequence of steps, extrapolated to step zero by Richardson's method.

    Parameters
    ----------
    method
        Direction of the steps; complex ones need a function that accepts complex numbers.
    order
        Order of the differences.
    base_step
        Largest step; the others are smaller. numdifftools' default, about 2, leaves the domain of many functions.
    """

    requires = ("numdifftools",)

    method: Literal["central", "forward", "backward", "complex"] = "central"
    order: PositiveInt = 2
    base_step: PositiveFloat = 0.125

    def along(self, f: VectorFunction, x: Any) -> Any:
        """`numdifftools.Jacobian`."""
        from numdifftools import Jacobian

        return Jacobian(f, **self._settings())(x)

    def curvature(self, f: VectorFunction, x: Any) -> Any:
        """`numdifftools.Hessian`."""
        from numdifftools import Hessian

        return Hessian(lambda point: f(point)[0], **self._settings())(x)

    def _settings(self) -> dict[str, Any]:
        from numdifftools import MaxStepGenerator

        return {"step": MaxStepGenerator(base_step=self.base_step), "method": self.method, "order": self.order}
