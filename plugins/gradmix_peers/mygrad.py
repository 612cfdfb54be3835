"""The differentiator ``mygrad``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from gradmix import DifferentiationError, Pullback, VectorFunction
from gradmix_peers.peer import Peer
from gradmix_peers.tool import Tool

_FIRST_ORDER = "MyGrad computes first derivatives only: its gradients are plain arrays"


@dataclass
class MyGrad(Peer):
    """MyGrad: reverse mode over NumPy's protocols; first derivatives only."""

    requires = ("mygrad",)
    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(("hvp", "hessian"), _FIRST_ORDER)

    def settings(self) -> AbstractContextManager[Any]:
        """Keep arrays writeable, so that the function's own arrays are not locked."""
        import mygrad

        settings: AbstractContextManager[Any] = mygrad.mem_guard_off
        return settings

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Multiply the whole Jacobian by v, as there is no forward mode."""
        return None, self.matrix(f, x) @ v

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`mygrad.Tensor.backward`, which frees the graph, so each further pullback evaluates f again."""
        recorded = [_recorded(f, x)]
        value = np.array(recorded[0][1].data)

        def pullback(w: Any) -> Any:
            point, result = recorded.pop() if recorded else _recorded(f, x)
            if result.constant:
                return np.zeros(len(x))
            try:
                result.backward(w)
            except Exception as error:  # its operations raise errors of any kind
                raise DifferentiationError(f"MyGrad cannot differentiate this function: {error}.") from error
            return np.zeros(len(x)) if point.grad is None else point.grad

        return value, pullback

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Compute the Jacobian row by row."""
        value, pullback = self.pull(f, x)
        rows = [pullback(w) for w in np.eye(len(value))]
        return np.stack(rows) if rows else np.zeros((0, len(x)))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Raise an error: MyGrad offers no second derivatives."""
        raise DifferentiationError(f"{_FIRST_ORDER}.")


def _recorded(f: VectorFunction, x: Any) -> tuple[Any, Any]:
    import mygrad

    from gradmix_peers.tracer import follow

    point = mygrad.tensor(x)
    return point, follow(f, point, tool())


@cache
def tool() -> Tool:
    """Return the description of MyGrad."""
    import mygrad

    def constant(x: Any) -> Any:
        array = np.asarray(x)
        return array if array.dtype == bool else mygrad.tensor(array, constant=True)

    own = {"hypot": lambda a, b: mygrad.sqrt(a * a + b * b)}
    return Tool("MyGrad", mygrad, lambda value: value.data, constant, own)
