"""The differentiator ``casadi``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer
from gradmix_peers.tool import ARCS, Tool


@dataclass
class CasADi(Peer):
    """CasADi: a graph of scalar operations (SX), differentiated by source transformation, in its virtual machine."""

    requires = ("casadi",)

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`casadi.jtimes`."""
        import casadi

        symbol, value = _graph(f, x)
        return None, _evaluate(casadi.jtimes(value, symbol, casadi.DM(v)), symbol, x)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`casadi.jtimes`, transposed."""
        import casadi

        symbol, value = _graph(f, x)

        def pulled(w: Any) -> Any:
            return _evaluate(casadi.jtimes(value, symbol, casadi.DM(w), True), symbol, x)

        return _evaluate(value, symbol, x), pulled

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """`casadi.jacobian`, which colours sparse ones."""
        import casadi

        symbol, value = _graph(f, x)
        return _matrix(casadi.jacobian(value, symbol), symbol, x)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`casadi.hessian`."""
        import casadi

        symbol, value = _graph(f, x)
        return _matrix(casadi.hessian(value, symbol)[0], symbol, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`casadi.jtimes` of `casadi.gradient`."""
        import casadi

        symbol, value = _graph(f, x)
        return _evaluate(casadi.jtimes(casadi.gradient(value, symbol), symbol, casadi.DM(v)), symbol, x)


def _graph(f: VectorFunction, x: Any) -> tuple[Any, Any]:
    """A column of symbols for the point, and one of f's entries."""
    import casadi

    from gradmix_peers.tracer import record

    symbol = casadi.SX.sym("x", np.size(x))
    return symbol, casadi.vertcat(*record(f, casadi.vertsplit(symbol), x, tool()))


def _evaluate(graph: Any, symbol: Any, x: Any) -> Any:
    """A column of expressions at the point."""
    return _matrix(graph, symbol, x)[:, 0]


def _matrix(graph: Any, symbol: Any, x: Any) -> Any:
    import casadi

    return casadi.Function("graph", [symbol], [casadi.densify(graph)])(x).full()


@cache
def tool() -> Tool:
    """CasADi's row."""
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
