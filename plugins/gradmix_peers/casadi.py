"""The differentiator ``casadi``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import Function
from gradmix_peers.peer import Peer, Pullback
from gradmix_peers.tool import ARCS, Tool


@dataclass
class CasADi(Peer):
    """CasADi: a graph of scalar operations (SX), differentiated by source transformation, in its virtual machine."""

    requires = ("casadi",)

    def push(self, f: Function, x: Any, v: Any) -> Any:
        """`casadi.jtimes`."""
        import casadi

        symbol, value, shape = _graph(f, x)
        return _evaluate(casadi.jtimes(value, symbol, casadi.DM(v.ravel())), symbol, x, shape)

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """`casadi.jtimes`, transposed."""
        import casadi

        symbol, value, shape = _graph(f, x)

        def pulled(w: Any) -> Any:
            return _evaluate(casadi.jtimes(value, symbol, casadi.DM(w.ravel()), True), symbol, x, np.shape(x))

        return _evaluate(value, symbol, x, shape), pulled

    def matrix(self, f: Function, x: Any) -> Any:
        """`casadi.jacobian`, which colours sparse ones."""
        import casadi

        symbol, value, shape = _graph(f, x)
        return _evaluate(casadi.jacobian(value, symbol), symbol, x, (*shape, *np.shape(x)))

    def second(self, f: Function, x: Any) -> Any:
        """`casadi.hessian`."""
        import casadi

        symbol, value, _ = _graph(f, x)
        return _evaluate(casadi.hessian(value, symbol)[0], symbol, x, np.shape(x) * 2)

    def product(self, f: Function, x: Any, v: Any) -> Any:
        """`casadi.jtimes` of `casadi.gradient`."""
        import casadi

        symbol, value, _ = _graph(f, x)
        along = casadi.jtimes(casadi.gradient(value, symbol), symbol, casadi.DM(v.ravel()))
        return _evaluate(along, symbol, x, np.shape(x))


def _graph(f: Function, x: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """A column of symbols for the point, one of f's entries, and f's shape."""
    import casadi

    from gradmix_peers.tracer import record

    symbol = casadi.SX.sym("x", np.size(x))
    entries, shape = record(f, casadi.vertsplit(symbol), x, tool())
    return symbol, casadi.vertcat(*entries), shape


def _evaluate(graph: Any, symbol: Any, x: Any, shape: tuple[int, ...]) -> Any:
    import casadi

    return casadi.Function("graph", [symbol], [casadi.densify(graph)])(x.ravel()).full().reshape(shape)


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
