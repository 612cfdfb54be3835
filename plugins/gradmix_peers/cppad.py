"""The differentiator ``cppad``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import Function
from gradmix_peers.peer import Peer, Pullback


@dataclass
class CppAD(Peer):
    """CppAD: the function's operations are written out as C++, compiled, and differentiated by overloaded operators."""

    requires: ClassVar = ("cmeel",)

    def push(self, f: Function, x: Any, v: Any) -> Any:
        """`ADFun::Forward`, first order."""
        program = _program(f, x)
        return program.run("forward", x, v).reshape(program.shape)

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """`ADFun::Reverse`, first order."""
        program = _program(f, x)
        value = program.run("value", x).reshape(program.shape)
        return value, lambda w: program.run("reverse", x, w).reshape(np.shape(x))

    def matrix(self, f: Function, x: Any) -> Any:
        """`ADFun::Jacobian`."""
        program = _program(f, x)
        return program.run("jacobian", x).reshape((*program.shape, *np.shape(x)))

    def second(self, f: Function, x: Any) -> Any:
        """`ADFun::Hessian`."""
        return _program(f, x).run("hessian", x).reshape(np.shape(x) * 2)


def _program(f: Function, x: Any) -> Any:

    from gradmix_peers.cppad_program import TOOL, Program, point
    from gradmix_peers.tracer import record

    program: list[str] = []
    entries, shape = record(f, point(np.size(x), program), x, TOOL)
    return Program(tuple(program), tuple(entry.text for entry in entries), np.size(x), shape)
