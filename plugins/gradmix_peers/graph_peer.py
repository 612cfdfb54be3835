"""What peers share that make a graph of a function, and programs of the graph that evaluate its derivatives."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any, Self

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer
from gradmix_peers.tracer import noting_choices

Program = Callable[..., Any]
"""Evaluates a derivative at a point x, and along a direction where it has one."""


class GraphPeer(Peer):
    """Base of peers that make a graph of the function at a point.

    A graph shows the way that the function took there. It serves for other points, too, unless the function looked at
    values on that way: then each point needs its own, prepared or not.
    """

    _kept: Callable[[str], Program] | None = None
    """Programs of the function that it was prepared for."""
    _result: Any = None
    """How that function's result is arranged."""

    @property
    def is_prepared(self) -> bool:
        """Whether its programs will be used often."""
        return self._kept is not None

    @abstractmethod
    def graph(self, f: VectorFunction, x: Any) -> Any:
        """The graph of f at x."""

    @abstractmethod
    def program(self, what: str, graph: Any) -> Program:
        """What evaluates a graph's ``value``, ``push``, ``pull``, ``matrix``, ``second`` or ``product`` at x."""

    def prepared(self, f: VectorFunction, x: Any) -> Self:
        """Keep f's graph and the programs that are made of it, if f looked at no values; else nothing is kept."""
        with noting_choices() as choices:
            graph = self.graph(f, x)
        if choices:
            return self
        made = copy.copy(self)
        made._kept = cache(lambda what: made.program(what, graph))
        made._result = getattr(f, "result", None)
        return made

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """By the program ``push``."""
        return None, self.programs(f, x)("push")(x, v)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """By the programs ``value`` and ``pull``."""
        programs = self.programs(f, x)
        return programs("value")(x), lambda w: programs("pull")(x, w)

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """By the program ``matrix``."""
        return self.programs(f, x)("matrix")(x)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """By the program ``second``."""
        return self.programs(f, x)("second")(x)

    def programs(self, f: VectorFunction, x: Any) -> Callable[[str], Program]:
        """The programs of f: those that were kept, or new ones."""
        if self._kept is None:
            graph = self.graph(f, x)
            return cache(lambda what: self.program(what, graph))
        f.result = self._result  # type: ignore[attr-defined]  # f itself is not called again
        return self._kept
