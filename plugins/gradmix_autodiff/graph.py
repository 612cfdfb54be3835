"""The computational graph of one evaluation, with values, tangents and adjoints: as text, and for Graphviz."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.evaluation import evaluate
from gradmix_autodiff.rules.structure import GETITEM, unbroadcast
from gradmix_autodiff.table import Elementwise, Rule
from gradmix_autodiff.traced import Traced, TracedArray, next_level, operate, plain_value

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/", "power": "**", "matmul": "@"}


@dataclass
class Node:
    """An argument, an intermediate value or the result.

    Parameters
    ----------
    name
        ``x`` for an argument, ``w3`` for an intermediate value.
    operation
        The operation that computed it, such as ``x * w3``; empty for an argument.
    parents
        The nodes that it depends on: the place of each, and the derivative by it as a linear map.
    value
        The number or array.
    tangent
        Its derivative along the direction, ẇ.
    adjoint
        The derivative of the result with respect to it, w̄.
    """

    name: str
    operation: str
    parents: Sequence[tuple[int, Callable[[Any], Any], Callable[[Any], Any]]]
    value: Any
    tangent: Any = None
    adjoint: Any = None


@dataclass(frozen=True)
class Graph:
    """A computational graph, evaluated, swept forward and swept backward.

    Parameters
    ----------
    nodes
        The nodes in the order in which they were computed: arguments first, the result last.
    """

    nodes: Sequence[Node]

    def __str__(self) -> str:
        """Return a table with one row per node."""
        rows = [
            ["", "operation", "value", "tangent", "adjoint"],
            *(
                [each.name, each.operation, *map(_shown, (each.value, each.tangent, each.adjoint))]
                for each in self.nodes
            ),
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def to_dot(self) -> str:
        """Return the graph as text for Graphviz, ``dot -Tsvg``. Arguments are boxes; the result has a double border."""
        lines = ["digraph {", "  rankdir=BT;", "  node [shape=ellipse];"]
        for place, node in enumerate(self.nodes):
            made = f"{node.name} = {node.operation}" if node.operation else node.name
            label = (
                f"{made}\\nvalue {_shown(node.value)}\\ntangent {_shown(node.tangent)}\\nadjoint {_shown(node.adjoint)}"
            )
            style = "" if node.operation else ", shape=box"
            style += ", peripheries=2" if place == len(self.nodes) - 1 else ""
            lines.append(f'  n{place} [label="{label}"{style}];')
            lines += [f"  n{parent} -> n{place};" for parent, *_ in node.parents]
        return "\n".join([*lines, "}"])


def computational_graph(f: Callable[..., Any], arguments: Sequence[Any], directions: Sequence[Any]) -> Graph:
    """Return the graph of f at a point, along a direction.

    Raises
    ------
    DifferentiationError
        If f does not depend on its arguments, or has several values.
    """
    evaluation = _Evaluation()
    names = _parameter_names(f, len(arguments))
    points = [np.asarray(each, dtype=float)[()] for each in arguments]
    leaves = [evaluation.add(name, "", (), point) for name, point in zip(names, points, strict=True)]
    try:
        with np.errstate(all="ignore"):
            y = evaluate(lambda values: f(*values), leaves)
    finally:
        evaluation.is_open = False
    if not isinstance(y, _Noted) or np.shape(y.value):
        raise DifferentiationError("a graph needs a function with one real value that depends on its arguments.")
    nodes = _reachable(evaluation.nodes, y.place, len(leaves))
    _sweep(nodes, [np.broadcast_to(v, np.shape(x)) for v, x in zip(directions, points, strict=True)])
    return Graph(nodes)


class _Evaluation:
    def __init__(self) -> None:
        self.level = next_level()
        self.nodes: list[Node] = []
        self.is_open = True

    def add(self, name: str, operation: str, parents: Any, value: Any) -> Any:
        self.nodes.append(Node(name or f"w{len(self.nodes) + 1}", operation, parents, value))
        return (_NotedArray if np.ndim(value) else _NotedNumber)(value, len(self.nodes) - 1, self)


class _Noted(Traced):
    """The common base of numbers and arrays of a graph."""

    __slots__ = ()

    evaluation: _Evaluation
    place: int

    @property
    def level(self) -> int:  # type: ignore[override]
        """Which differentiation it belongs to."""
        return self.evaluation.level

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Add a node."""
        active = [(i, each) for i, each in enumerate(arguments) if _is_of(each, self.evaluation)]
        values = tuple(each.value if _is_of(each, self.evaluation) else each for each in arguments)
        y = operate(rule, *values, **keywords)
        parents = [(each.place, *_maps(rule, position, y, values, keywords)) for position, each in active]
        names = [
            self.evaluation.nodes[each.place].name if _is_of(each, self.evaluation) else _constant(each)
            for each in arguments
        ]
        return self.evaluation.add("", _written(rule, names), parents, y)

    def constant(self, value: Any) -> Any:
        """Return a plain array as a constant in the graph."""
        return self.evaluation.add("", "constant", (), value)


class _NotedNumber(_Noted):
    __slots__ = ("evaluation", "place", "value")

    def __init__(self, value: Any, place: int, evaluation: _Evaluation) -> None:
        self.value, self.place, self.evaluation = value, place, evaluation


class _NotedArray(_Noted, TracedArray):
    __slots__ = ("evaluation", "place", "value")

    def __init__(self, value: Any, place: int, evaluation: _Evaluation) -> None:
        self.value, self.place, self.evaluation = value, place, evaluation
        self.relatives = self.source = self.exported = None

    def become(self, other: Any) -> None:
        """Take over value and place."""
        self.value, self.place = other.value, other.place


def _is_of(x: Any, evaluation: _Evaluation) -> bool:
    return isinstance(x, _Noted) and x.evaluation is evaluation


def _maps(rule: Rule, position: int, y: Any, values: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Return the derivative by one argument as two linear maps: forward and back."""
    shape = np.shape(values[position])
    if not isinstance(rule, Elementwise):
        maps = rule.rule(position, y, values, keywords)
        return lambda v: maps.push(v[np.newaxis])[0], maps.pull
    make = rule.changes[position]
    if make is None:
        return lambda v: np.zeros(np.shape(y)), lambda w: np.zeros(shape)
    change = make(y, *values)
    return change, lambda w: unbroadcast(np.broadcast_to(change(w), np.shape(y)), shape)


def _sweep(nodes: Sequence[Node], directions: Sequence[Any]) -> None:
    """Sweep forward for the tangents and backward for the adjoints."""
    with np.errstate(all="ignore"):
        for place, node in enumerate(nodes):
            node.tangent = np.zeros(np.shape(node.value)) if node.operation else directions[place]
            for parent, push, _ in node.parents:
                node.tangent = node.tangent + push(np.asarray(nodes[parent].tangent))
            node.adjoint = np.zeros(np.shape(node.value))
        nodes[-1].adjoint = np.float64(1.0)
        for node in reversed(nodes):
            for parent, _, pull in node.parents:
                nodes[parent].adjoint = nodes[parent].adjoint + pull(node.adjoint)


def _reachable(nodes: Sequence[Node], result: int, arguments: int) -> list[Node]:
    """Return the arguments and the nodes that the result depends on."""
    needed = {result}
    for place in range(result, -1, -1):
        if place in needed:
            needed |= {parent for parent, *_ in nodes[place].parents}
    kept = sorted(needed | set(range(arguments)))
    places = {old: new for new, old in enumerate(kept)}
    return [
        Node(node.name, node.operation, [(places[at], push, pull) for at, push, pull in node.parents], node.value)
        for node in (nodes[place] for place in kept)
    ]


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    try:
        names = list(inspect.signature(f).parameters)[:count]
    except (TypeError, ValueError):  # a function of compiled code
        names = []
    return names if len(names) == count else [f"x{i}" for i in range(1, count + 1)]


def _written(rule: Rule, names: list[str]) -> str:
    if rule is GETITEM:
        return f"{names[0]}[{names[1]}]"
    name = getattr(rule.function, "__name__", "operation").lstrip("_")
    if name == "negative":
        return f"-{names[0]}"
    return f"{names[0]} {_SIGNS[name]} {names[1]}" if name in _SIGNS else f"{name}({', '.join(names)})"


def _constant(x: Any) -> str:
    plain = plain_value(x)
    return _shown(plain) if isinstance(plain, int | float | np.ndarray | np.generic) else str(plain)


def _shown(x: Any) -> str:
    if np.ndim(x):
        return np.array2string(np.asarray(x), precision=4, threshold=6, edgeitems=2, separator=" ").replace("\n", "")
    return f"{x:.6g}" if isinstance(x, float | np.floating) or np.shape(x) == () else str(x)
