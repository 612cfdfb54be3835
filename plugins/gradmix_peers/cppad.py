"""The differentiator ``cppad``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from gradmix import VectorFunction
from gradmix_peers.graph_peer import GraphPeer, Program

if TYPE_CHECKING:
    from gradmix_peers.cppad_program import Program as Table


@dataclass
class CppAD(GraphPeer):
    """CppAD: the function's operations are recorded on CppAD's tape and differentiated by overloaded operators."""

    requires: ClassVar = ("cmeel",)

    def graph(self, f: VectorFunction, x: Any) -> Table:
        """Return a table of f's operations."""
        from gradmix_peers.cppad_program import TOOL, Rows, Term
        from gradmix_peers.cppad_program import Program as Table
        from gradmix_peers.tracer import record

        rows = Rows(len(x), [], [])
        entries = record(f, [Term(rows, i) for i in range(len(x))], x, TOOL)
        return Table(rows, tuple(map(rows.index, entries)))

    def program(self, what: str, graph: Table) -> Program:
        """Use first-order `ADFun::Forward` and `Reverse`, `Jacobian` and `Hessian`."""
        if what in ("matrix", "second"):
            name = "jacobian" if what == "matrix" else "hessian"
            return lambda x: graph.run(name, x).reshape(-1, len(x))
        return partial(graph.run, {"push": "forward", "pull": "reverse"}.get(what, what))
