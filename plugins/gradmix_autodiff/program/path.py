"""One path through a function: its graph, and the programs that are emitted from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.program.node import Graph, Node, NotRecordableError
from gradmix_autodiff.program.program import OTHER_PATH, UNBOUNDED, Program
from gradmix_autodiff.program.symbol import Symbol, symbol

TOLERANCE = 1e-9
"""Largest difference of a program's result from the plain one at the recorded point; both are rounded."""


class Path:
    """A recorded computation, and the results that it must give at the point where it was recorded.

    Parameters
    ----------
    graph
        The recorded graph.
    results
        Its results, symbols or plain values.
    points
        The points where it was recorded.
    plain
        The results there, computed without a program.
    is_tuple
        Whether the computation returns several results.
    is_compiled
        Whether loops are compiled.
    """

    def __init__(
        self,
        graph: Graph,
        results: tuple[Any, ...],
        points: tuple[Any, ...],
        plain: tuple[Any, ...],
        is_tuple: bool,
        is_compiled: bool,
    ) -> None:
        self.graph, self.points, self.plain, self.is_tuple = graph, points, plain, is_tuple
        self._is_compiled = is_compiled
        self.results = [each.node if isinstance(each, Symbol) else each for each in results]
        self._shapes = tuple(each.shape for each in points)
        self._programs: dict[int | None, Program] = {}
        self._refused: dict[int | None, str] = {}
        self.arrangement: Any = None
        """How the function's result is arranged."""
        self.arrays = [node.value for node, _ in graph.arrays.values() if not _is_private(node)]
        """Plain arrays that it uses and that other code can change; the programs refer to all of them."""

    def fits(self, points: tuple[Any, ...]) -> bool:
        """Return whether points have the shapes of the example."""
        return tuple(each.shape for each in points) == self._shapes

    def program(self, place: int | None = None) -> Program:
        """Return the program for all results, or for one of them.

        Raises
        ------
        NotRecordableError
            If it does not give the plain results where it was recorded.
        """
        found = self._programs.get(place)
        if found is None:
            if place in self._refused:
                raise NotRecordableError(self._refused[place])
            try:
                found = self._programs[place] = self._emitted(place)
            except Exception as error:
                self._refused[place] = str(error)
                raise
        return found

    def _emitted(self, place: int | None) -> Program:
        results, plain = self.results, self.plain
        if place is not None:
            results, plain = results[place : place + 1], plain[place : place + 1]
        program = Program(self.graph, results, self._is_compiled)
        again = program.call(*self.points)
        if again is OTHER_PATH or again is UNBOUNDED or not agree(again, plain):
            raise NotRecordableError("the program does not reproduce the plain result where it was recorded")
        return program


def _is_private(node: Node) -> bool:
    """Return whether only its node refers to an array: then it was created while the function was recorded."""
    if sys.getrefcount(node.value) > _OWN_REFERENCES:
        return False
    return not isinstance(node.value.base, np.ndarray) or sys.getrefcount(node.value.base) <= _OWN_REFERENCES


_OWN_REFERENCES = 2
"""References by the node, or by the view, and by the counting call. A local variable might not count (Python 3.14)."""


def recorded(compute: Callable[..., Any], points: tuple[Any, ...], plain: Any, is_compiled: bool) -> Path:
    """Record a computation at points.

    Raises
    ------
    NotRecordableError
        If it depends on values in a way that guards cannot follow.
    """
    graph = Graph()
    inputs = [symbol(graph.input(each), each.copy(), graph) for each in points]
    try:
        with np.errstate(all="ignore"):
            found = compute(*inputs)
            graph.check_arrays()
    finally:
        graph.is_open = False
    is_tuple = isinstance(found, tuple)
    results, known = (found, plain) if is_tuple else ((found,), (plain,))
    copies = tuple(each.copy() for each in points)
    path = Path(graph, results, copies, tuple(np.copy(each) for each in known), is_tuple, is_compiled)
    path.program()
    return path


def agree(found: tuple[Any, ...], plain: tuple[Any, ...]) -> bool:
    """Return whether results are equal up to rounding, relative to their largest entry."""
    for one, other in zip(found, plain, strict=True):
        if np.shape(one) != np.shape(other):
            return False
        scale = np.max(np.abs(other), initial=0.0)
        if not np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True):
            return False
    return True
