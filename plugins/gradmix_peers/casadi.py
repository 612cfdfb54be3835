"""The differentiator ``casadi``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import VectorFunction
from gradmix_peers.graph_peer import GraphPeer, Program
from gradmix_peers.tool import ARCS, Tool
from gradmix_peers.tracer import record


@dataclass
class CasADi(GraphPeer):
    """CasADi: a graph of scalar operations (SX), differentiated by source transformation, run by a virtual machine."""

    requires = ("casadi",)

    def graph(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Return a column of symbols for the point, and a column of f's entries."""
        import casadi

        symbol = casadi.SX.sym("x", np.size(x))
        return symbol, casadi.vertcat(*record(f, casadi.vertsplit(symbol), x, tool()))

    def program(self, what: str, graph: tuple[Any, Any]) -> Program:
        """Return a `casadi.Function`, made by `casadi.jtimes`, `hessian` or `jacobian`, which colours sparse ones."""
        import casadi

        symbol, value = graph
        along = casadi.SX.sym("along", value.shape[0] if what == "pull" else symbol.shape[0])
        derive: Mapping[str, Callable[[], Any]] = {
            "value": lambda: value,
            "push": lambda: casadi.jtimes(value, symbol, along),
            "pull": lambda: casadi.jtimes(value, symbol, along, True),
            "matrix": lambda: casadi.jacobian(value, symbol),
            "second": lambda: casadi.hessian(value, symbol)[0],
            "product": lambda: casadi.jtimes(casadi.gradient(value, symbol), symbol, along),
        }
        inputs = [symbol, along] if what in ("push", "pull", "product") else [symbol]
        function = casadi.Function("program", inputs, [casadi.densify(derive[what]())])
        if what in ("matrix", "second"):
            return lambda x: function(x).full()
        return lambda *points: function(*points).full()[:, 0]

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`casadi.jtimes` of `casadi.gradient`."""
        return self.programs(f, x)("product")(x, v)


@cache
def tool() -> Tool:
    """Return the description of CasADi."""
    import casadi

    arcs = {f"arc{name}": getattr(casadi, f"a{name}") for name in ARCS}
    own = {
        "absolute": casadi.fabs,
        "fabs": casadi.fabs,
        "exp2": lambda x: 2.0**x,
        "log2": lambda x: casadi.log(x) / LOG_2,
    }
    return Tool("CasADi", casadi, None, casadi.SX, {**arcs, **own}, is_entrywise=True)


LOG_2 = 0.6931471805599453
