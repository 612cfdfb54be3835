"""The differentiator ``pytensor``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer, one_value
from gradmix_peers.tool import Tool


@dataclass
class PyTensor(Peer):
    """PyTensor (once Theano): a graph of the operations at the point, differentiated as a graph, evaluated once."""

    requires = ("pytensor",)
    deviates: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("works_in_proportion_to_the_program", "follows_long_programs"), "its graphs are walked by recursion"
    )

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`pytensor.gradient.pushforward`."""
        import pytensor.tensor as pt
        from pytensor.gradient import pushforward

        symbol, value = _graph(f, x)
        pushed = pushforward(value, symbol, pt.as_tensor_variable(v), disconnected_outputs="ignore")
        return None, _evaluate(pushed, symbol, x)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`pytensor.gradient.pullback`."""
        import pytensor.tensor as pt
        from pytensor.gradient import pullback

        symbol, value = _graph(f, x)

        def pulled(w: Any) -> Any:
            return _evaluate(pullback(value, symbol, pt.as_tensor_variable(w), disconnected_inputs="ignore"), symbol, x)

        return _evaluate(value, symbol, x), pulled

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`pytensor.gradient.grad` of each entry of the gradient."""
        import pytensor.tensor as pt

        symbol, value = _graph(one_value(f), x)
        gradient = _gradient(value, symbol)
        return _evaluate(pt.stack([_gradient(gradient[i], symbol) for i in range(len(x))]), symbol, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`pytensor.gradient.grad` of the gradient's product with the direction."""
        import pytensor.tensor as pt

        symbol, value = _graph(one_value(f), x)
        return _evaluate(_gradient(pt.sum(_gradient(value, symbol) * v), symbol), symbol, x)


def _graph(f: VectorFunction, x: Any) -> tuple[Any, Any]:
    """A symbol for the point, and what f makes of it."""
    import pytensor.tensor as pt

    from gradmix_peers.tracer import follow

    symbol = pt.tensor("x", dtype="float64", shape=np.shape(x))
    return symbol, follow(f, symbol, tool(), x)


def _gradient(value: Any, symbol: Any) -> Any:
    from pytensor.gradient import grad

    return grad(value, symbol, disconnected_inputs="ignore")


def _evaluate(graph: Any, symbol: Any, x: Any) -> Any:
    import pytensor

    return pytensor.function([symbol], graph, mode=pytensor.compile.mode.Mode("py", None), on_unused_input="ignore")(x)


@cache
def tool() -> Tool:
    """PyTensor's row."""
    import pytensor.tensor as pt

    own = {
        "linalg.norm": lambda x, axis=None, keepdims=False: pt.sqrt(pt.sum(x * x, axis=axis, keepdims=keepdims)),
        "where": pt.switch,
        "arctan2": pt.arctan2,
        "hypot": lambda a, b: pt.sqrt(a * a + b * b),
        "logaddexp": pt.logaddexp,
        "linalg.solve": pt.linalg.solve,
        "log2": lambda x: pt.log2(x),
    }
    return Tool("PyTensor", pt, None, lambda x: pt.as_tensor_variable(np.asarray(x)), own)
