"""The differentiator ``cppad``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer


@dataclass
class CppAD(Peer):
    """CppAD: the function's operations are recorded on CppAD's tape and differentiated by overloaded operators."""

    requires: ClassVar = ("cmeel",)

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`ADFun::Forward`, first order."""
        return None, _program(f, x).run("forward", x, v)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`ADFun::Reverse`, first order."""
        program = _program(f, x)
        return program.run("value", x), lambda w: program.run("reverse", x, w)

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """`ADFun::Jacobian`."""
        return _program(f, x).run("jacobian", x).reshape(-1, len(x))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`ADFun::Hessian`."""
        return _program(f, x).run("hessian", x).reshape(len(x), len(x))


def _program(f: VectorFunction, x: Any) -> Any:
    from gradmix_peers.cppad_program import TOOL, Program, Rows, Term
    from gradmix_peers.tracer import record

    rows = Rows(len(x), [], [])
    entries = record(f, [Term(rows, i) for i in range(len(x))], x, TOOL)
    return Program(rows, tuple(map(rows.index, entries)))
