"""Programs: Python functions made from graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.program.emission import Emission
from gradmix_autodiff.program.node import Graph

OTHER_PATH = None
"""A program's return value where a guard does not hold: the function takes another path there."""
UNBOUNDED = False
"""A program's return value where a derivative is not finite: the tape computes it instead."""


class Program:
    """A function that computes the results of a graph for other values of its inputs.

    Parameters
    ----------
    graph
        The graph.
    outputs
        Its results: nodes, or plain values.
    is_fused
        Whether loops are compiled, if numba is installed.

    Notes
    -----
    Intermediate arrays are written into buffers that a program keeps. A call borrows a set of buffers, so that calls in
    several threads, and nested calls, each have their own.
    """

    def __init__(self, graph: Graph, outputs: Sequence[Any], is_fused: bool = True) -> None:
        emission = Emission(graph, outputs, is_fused)
        self.graph, self.text = graph, emission.text
        exec(compile(self.text, "<prepared derivative>", "exec"), emission.space)  # our own text
        program = emission.space["program"]
        self.call = self._pooled(program, emission.buffers) if emission.buffers else program

    @staticmethod
    def _pooled(program: Callable[..., Any], made: Sequence[tuple[tuple[int, ...], Any]]) -> Callable[..., Any]:
        pool: list[tuple[Any, ...]] = []

        def call(*inputs: Any) -> Any:
            try:
                buffers = pool.pop()
            except IndexError:
                buffers = tuple(np.empty(shape, dtype) for shape, dtype in made)
            result = program(*inputs, buffers)
            pool.append(buffers)
            return result

        return call
