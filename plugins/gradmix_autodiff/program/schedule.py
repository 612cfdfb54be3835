"""The order in which nodes are computed, and which of them share a loop.

A node's stage is the largest stage of its operands, plus one for an operand that is not an entry of the same loop.
Nodes of one stage and shape depend on each other entry by entry only, so that one loop may compute them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import getitem
from typing import Any

import numpy as np

from gradmix_autodiff.program.elements import element, starts
from gradmix_autodiff.program.node import Graph, Node
from gradmix_autodiff.program.simplify import FLOAT, accumulated
from gradmix_autodiff.rules.structure import PUT

MOST_IN_A_LOOP = 250
"""Largest number of operations in a compiled loop; compile time grows faster than this number."""
MOST_IN_LOOPS = 600
"""Largest number of operations in all loops of a program, a few seconds to compile; longer ones use no loops."""


@dataclass
class Job:
    """Nodes that are computed together.

    Parameters
    ----------
    nodes
        A single node computed by a call, or those of a loop.
    shape
        Shape of the loop; None for a call.
    """

    nodes: list[Node]
    shape: tuple[int, ...] | None = None

    @property
    def operands(self) -> list[Node]:
        """Return the nodes that it reads; a loop reads parts of arrays in place."""
        inner = {each.index for each in self.nodes}
        outer = [each for node in self.nodes for each in node.operands if each.index not in inner]
        return outer if self.shape is None else [each.operands[0] if is_slice(each) else each for each in outer]


def live(graph: Graph, outputs: Iterable[Node]) -> list[Node]:
    """Return the nodes that results and guards depend on, in order."""
    found: set[int] = set()
    waiting = [*outputs, *(guard.node for guard in graph.guards.values())]
    while waiting:
        node = waiting.pop()
        if node.index not in found:
            found.add(node.index)
            waiting.extend(node.operands)
    return [node for node in graph.nodes if node.index in found]


def loop_shape(node: Node) -> tuple[int, ...] | None:
    """Return the shape of a loop that can compute a node elementwise, as a sum or in parts; None if it needs a call."""
    if element(node):
        return node.shape
    if node.function == np.add.reduce and set(node.keywords) == {"axis", "keepdims"} and node.shape is not None:
        (summed,) = node.operands[:1] or (None,)
        return summed.shape if summed is not None and summed.dtype == FLOAT and element(summed) else None
    if node.function in (accumulated, PUT.function):
        parts = parts_of(node)
        shapes = {value.shape if type(value) is Node else None for _, value in parts}
        if len(shapes) == 1 and None not in shapes and all(starts(i, len(node.shape)) for i, _ in parts):
            (shape,) = shapes
            return shape if shape and len(shape) == len(node.shape) and _any_element(parts) else None
    return None


def _any_element(parts: Sequence[tuple[Any, Any]]) -> bool:
    return any(element(value) for _, value in parts)


def parts_of(node: Node) -> list[tuple[Any, Any]]:
    """Return indices, and the values that are added there."""
    if node.function is accumulated:
        return list(zip(node.arguments[1], node.arguments[2:], strict=True))
    return [(node.arguments[1], node.arguments[0])]


def ordered(nodes: Sequence[Node], kept: frozenset[int], is_fused: bool) -> list[Job]:
    """Return the jobs in an order in which all operands are computed first.

    Parameters
    ----------
    nodes
        The nodes to compute, in the order in which they were recorded.
    kept
        The nodes that are results or guarded.
    is_fused
        Whether to form loops.
    """
    shapes = {node.index: loop_shape(node) if is_fused else None for node in nodes}
    stages: dict[int, int] = {}
    groups: dict[tuple[int, tuple[int, ...]], list[Node]] = {}
    calls: list[tuple[int, int, Job]] = []
    for node in nodes:
        shape = shapes[node.index]
        is_entry = shape is not None and node.shape == shape and bool(element(node))
        stage = 0
        for each in node.operands:
            if shape is not None and is_slice(each):
                stage = max(stage, stages[each.operands[0].index] + 1)
                continue
            same = shape is not None and bool(element(each)) and shapes[each.index] == shape
            stage = max(stage, stages[each.index] + (not same))
        if not is_entry and shape is not None and (stage, shape) not in groups:
            shape = shapes[node.index] = None
        if shape is None:
            stage = max((stages[each.index] + 1 for each in node.operands), default=0)
            calls.append((stage, node.index, Job([node])))
        else:
            groups.setdefault((stage, shape), []).append(node)
        stages[node.index] = stage
    _delay(groups, nodes, kept)
    is_short = sum(map(len, groups.values())) <= MOST_IN_LOOPS
    for (stage, shape), members in groups.items():
        if is_short and 2 <= len(members) <= MOST_IN_A_LOOP:
            calls.append((stage, members[0].index, Job(members, shape)))
        else:
            calls.extend((stage, each.index, Job([each])) for each in members)
    jobs = [job for _, _, job in sorted(calls, key=lambda each: each[:2])]
    needed = set(kept)
    for job in jobs:
        needed.update(each.index for each in job.operands)
    return [job for job in jobs if job.shape is not None or job.nodes[0].index in needed]


def _delay(groups: dict[tuple[int, tuple[int, ...]], list[Node]], nodes: Sequence[Node], kept: frozenset[int]) -> None:
    """Move entries that only one later loop reads into that loop, so that they are not stored."""
    users: dict[int, set[int]] = {}
    for node in nodes:
        for each in node.operands:
            users.setdefault(each.index, set()).add(node.index)
    home = {each.index: key for key, members in groups.items() for each in members}
    for node in reversed(nodes):
        key = home.get(node.index)
        if key is None or node.index in kept or not element(node):
            continue
        homes = {home.get(user) for user in users.get(node.index, ())}
        later = homes.pop() if len(homes) == 1 else None
        if later and later != key and later[1] == key[1] and len(groups[later]) < MOST_IN_A_LOOP:
            groups[key].remove(node)
            groups[later].append(node)
            home[node.index] = later
    for key in [key for key, members in groups.items() if not members]:
        del groups[key]
    for members in groups.values():
        members.sort(key=lambda each: each.index)


def is_slice(node: Node) -> bool:
    """Return whether a node is a part of an array by slices without steps, which a loop reads in place."""
    return (
        node.function is getitem
        and type(node.arguments[0]) is Node
        and bool(node.arguments[0].shape)
        and starts(node.arguments[1], len(node.arguments[0].shape)) is not None
    )
