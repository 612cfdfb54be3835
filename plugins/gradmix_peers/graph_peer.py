"""The base of peers that build a graph of a function, and programs from the graph to evaluate derivatives."""

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
"""A program evaluates a derivative at a point x; a directional one also takes a direction."""


class GraphPeer(Peer):
    """Base of peers that build a graph of the function at a point.

    A graph contains the operations that the function performed at this point. It is valid for other points, too, unless
    the function inspected values, as a branch does: then each point needs its own graph, prepared or not.
    """

    _kept: Callable[[str], Program] | None = None
    """Programs of the function for which this differentiator was prepared."""
    _result: Any = None
    """The structure of that function's result."""

    @property
    def is_prepared(self) -> bool:
        """Whether the programs will be used often, so that compiling them is worthwhile."""
        return self._kept is not None

    @abstractmethod
    def graph(self, f: VectorFunction, x: Any) -> Any:
        """Build the graph of f at x."""

    @abstractmethod
    def program(self, what: str, graph: Any) -> Program:
        """Return a program for a graph's ``value``, ``push``, ``pull``, ``matrix``, ``second`` or ``product``."""

    def prepared(self, f: VectorFunction, x: Any) -> Self:
        """Keep f's graph and the programs built from it if f inspected no values; otherwise keep nothing."""
        with noting_choices() as choices:
            graph = self.graph(f, x)
        if choices:
            return self
        made = copy.copy(self)
        made._kept = cache(lambda what: made.program(what, graph))
        made._result = getattr(f, "result", None)
        return made

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Run the program ``push``."""
        return None, self.programs(f, x)("push")(x, v)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Run the programs ``value`` and ``pull``."""
        programs = self.programs(f, x)
        return programs("value")(x), lambda w: programs("pull")(x, w)

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Run the program ``matrix``."""
        return self.programs(f, x)("matrix")(x)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Run the program ``second``."""
        return self.programs(f, x)("second")(x)

    def programs(self, f: VectorFunction, x: Any) -> Callable[[str], Program]:
        """Return the programs of f: the kept ones, or new ones."""
        if self._kept is None:
            graph = self.graph(f, x)
            return cache(lambda what: self.program(what, graph))
        f.result = self._result  # type: ignore[attr-defined]  # f itself is not called again
        return self._kept
