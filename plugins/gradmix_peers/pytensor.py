"""The differentiator ``pytensor``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from gradmix import VectorFunction
from gradmix_peers.graph_peer import GraphPeer, Program
from gradmix_peers.peer import Peer
from gradmix_peers.tool import Tool
from gradmix_peers.tracer import follow


@dataclass
class PyTensor(GraphPeer):
    """PyTensor (formerly Theano): a graph of the operations at the point, differentiated as a graph, evaluated once."""

    requires = ("pytensor",)
    deviates: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("works_in_proportion_to_the_program", "follows_long_programs"), "it traverses its graphs by recursion"
    )

    def graph(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Return a symbol for the point, and f's value for this symbol."""
        import pytensor.tensor as pt

        symbol = pt.tensor("x", dtype="float64", shape=np.shape(x))
        return symbol, follow(f, symbol, tool(), x)

    def program(self, what: str, graph: tuple[Any, Any]) -> Program:
        """Return a `pytensor.function` made by `pushforward`, `pullback` or `grad`, compiled if it is used often."""
        import pytensor
        import pytensor.tensor as pt
        from pytensor.gradient import pullback, pushforward

        symbol, value = graph
        along = pt.vector("along", dtype="float64")
        ignoring = {"disconnected_inputs": "ignore"}
        derive: Mapping[str, Callable[[], Any]] = {
            "value": lambda: value,
            "push": lambda: pushforward(value, symbol, along, disconnected_outputs="ignore"),
            "pull": lambda: pullback(value, symbol, along, **ignoring),
            "second": lambda: pt.stack([_gradient(each, symbol) for each in _entries(_gradient(value[0], symbol))]),
            "product": lambda: _gradient(pt.sum(_gradient(value[0], symbol) * along), symbol),
        }
        inputs = [symbol, along] if what in ("push", "pull", "product") else [symbol]
        mode = None if self.is_prepared else pytensor.compile.mode.Mode("py", None)
        function: Program = pytensor.function(inputs, derive[what](), mode=mode, on_unused_input="ignore")
        return function

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Compute the Jacobian row by row, as PyTensor's `jacobian` does."""
        return Peer.matrix(self, f, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`pytensor.gradient.grad` of the product of gradient and direction."""
        return self.programs(f, x)("product")(x, v)


def _entries(gradient: Any) -> list[Any]:
    return [gradient[i] for i in range(gradient.type.shape[0])]


def _gradient(value: Any, symbol: Any) -> Any:
    from pytensor.gradient import grad

    return grad(value, symbol, disconnected_inputs="ignore")


@cache
def tool() -> Tool:
    """Return the description of PyTensor."""
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
