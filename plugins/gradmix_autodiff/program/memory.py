"""The memory of a program's arrays: buffers that it keeps, and the results that are written into a part of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.program.node import Node
from gradmix_autodiff.program.schedule import Job, parts_of
from gradmix_autodiff.program.simplify import FLOAT, REDUCTIONS, accumulated
from gradmix_autodiff.rules.structure import PUT

_FRESH = frozenset({np.matmul, np.where, np.concatenate, accumulated, PUT.function})


class Memory:
    """Which array each node is written to.

    Parameters
    ----------
    nodes
        The nodes of the program, in order.
    jobs
        The order in which they are computed.
    pinned
        The nodes that are results or guarded, which never share a buffer.

    Attributes
    ----------
    sizes
        Shape and dtype of each buffer made so far; a buffer is named by its place, such as ``b0``.
    places
        The matrix products that are needed only as a part of one vector: that vector and its slice.
    """

    def __init__(self, nodes: Sequence[Node], jobs: Sequence[Job], pinned: frozenset[int]) -> None:
        self._jobs, self._pinned = jobs, pinned
        self.sizes: list[tuple[tuple[int, ...], Any]] = []
        self._free: dict[tuple[Any, Any], list[str]] = {}
        self._owned: dict[int, tuple[Node, str]] = {}
        self._last = self._last_uses(nodes)
        self.places = self._places_in_parts(nodes)

    def _last_uses(self, nodes: Sequence[Node]) -> Mapping[int, int]:
        """Return the last job that reads each node, or an array that shares its memory."""
        memory: dict[int, set[int]] = {}
        for node in nodes:
            shared = set() if is_fresh(node) else {each.index for each in node.operands}
            memory[node.index] = {node.index}.union(*(memory[each] for each in shared))
        last: dict[int, int] = {}
        for place, job in enumerate(self._jobs):
            for each in job.operands:
                for origin in memory[each.index]:
                    last[origin] = place
        for index in self._pinned:
            for origin in memory[index]:
                last[origin] = len(self._jobs)
        return last

    def buffer(self, node: Node) -> str | None:
        """Return a buffer for a node; None if the node is a result, or shares memory with one."""
        if self._last.get(node.index) == len(self._jobs) or not node.shape:
            return None
        key = (node.shape, node.dtype)
        free = self._free.get(key)
        if free:
            buffer = free.pop()
        else:
            self.sizes.append(key)
            buffer = f"b{len(self.sizes) - 1}"
        self._owned[node.index] = node, buffer
        return buffer

    def release(self, place: int) -> None:
        """Free the buffers that no job after this place reads."""
        for index in [index for index in self._owned if self._last.get(index, -1) <= place]:
            node, buffer = self._owned.pop(index)
            self._free.setdefault((node.shape, node.dtype), []).append(buffer)

    def _places_in_parts(self, nodes: Sequence[Node]) -> Mapping[int, tuple[Node, Any]]:
        """Return the matrix products that are needed only as a part of one vector: that vector and its slice."""
        users: dict[int, list[Node]] = {}
        for node in nodes:
            for each in node.operands:
                users.setdefault(each.index, []).append(node)
        found: dict[int, tuple[Node, Any]] = {}
        for node in nodes:
            if node.function is not accumulated or not covers(node.shape, [index for index, _ in parts_of(node)]):
                continue
            for index, value in parts_of(node):
                origin = value
                while _is_only(origin, users, self._pinned) and origin.function is np.reshape and not origin.keywords:
                    origin = origin.arguments[0]
                if _is_only(origin, users, self._pinned) and origin.function is np.matmul and origin.dtype == FLOAT:
                    found[origin.index] = node, index
        return found


def _is_only(x: Any, users: Mapping[int, list[Node]], pinned: frozenset[int]) -> bool:
    """Return whether a node is needed in one place only."""
    return type(x) is Node and len(users.get(x.index, ())) == 1 and x.index not in pinned


def is_fresh(node: Node) -> bool:
    """Return whether a call returns new memory."""
    function = node.function
    return function is None or isinstance(function, np.ufunc) or function in REDUCTIONS or function in _FRESH


def covers(shape: tuple[int, ...], indices: Sequence[Any]) -> bool:
    """Return whether slices of a vector take each entry exactly once."""
    if len(shape) != 1 or any(type(each) is not slice for each in indices):
        return False
    end = 0
    for begin, stop, step in sorted(each.indices(shape[0]) for each in indices):
        if begin != end or step != 1 or stop < begin:
            return False
        end = stop
    return end == shape[0]
