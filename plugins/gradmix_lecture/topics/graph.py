"""The computational graph, evaluated node by node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gradmix import ConfigError, Meaning, group_color
from gradmix_lecture.gallery.drawing import HEIGHT, WIDTH, new_board
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.trace import (
    FUNCTIONS,
    FunctionName,
    graph_of,
    original,
    parents_of,
    rows_of,
    shown,
    variable,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FORWARD, _REVERSE = group_color(1), group_color(0)
_BOX, _GAP = (2.6, 0.72), 0.4
"""Width and height of a node, and the space between two, in inches."""
_LOWEST, _HIGHEST, _MIDDLE = 0.95, 4.35, WIDTH / 2
"""Positions of the arguments, of the result and of the middle of each layer, in inches."""


@dataclass
class ForwardAndReverse(Topic):
    """Forward mode carries one direction up the graph; reverse mode brings all partial derivatives down.

    Every box is one operation, and every arrow shows the partial derivative of the upper value by the lower one. On the
    way up, a tangent is the sum, over the incoming arrows, of partial derivative times tangent: one sweep gives the
    derivative along one seed. On the way down, an adjoint is the sum, over the outgoing arrows, of partial derivative
    times adjoint: one sweep gives the derivatives by all arguments.

    Parameters
    ----------
    function
        Name of the function of two numbers.
    x
        Where it is evaluated.
    seed
        The tangents of the two arguments.
    """

    formula: ClassVar[str] = r"""
        \mathrm{up:}\ \ \dot{w}_i = \sum_j \,\dfrac{\partial w_i}{\partial w_j}\,\dot{w}_j \qquad \mathrm{down:}\ \ \bar{w}_j = \sum_i \,\bar{w}_i\,\dfrac{\partial w_i}{\partial w_j}
    """  # noqa: E501 -- one line of a formula
    counted: ClassVar[str] = "step"

    function: FunctionName = "lecture"
    x: tuple[float, float] = (2.0, 3.0)
    seed: tuple[float, float] = (1.0, 0.0)

    def check(self) -> None:
        """Check that the seed is not zero, and that the derivative exists."""
        super().check()
        if not any(self.seed):
            raise ConfigError("one entry of topic.seed, the direction of the derivative, must not be zero.")
        check_point(self.function, self.x)

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield each node of the graph."""
        yield from rows_of(graph_of(self.function, self.x, self.seed))

    def texts(self) -> Mapping[str, str]:
        """Return the graph as a table, and in Graphviz's language."""
        graph = graph_of(self.function, self.x, self.seed)
        return {"graph.txt": f"{graph}\n", "graph.dot": f"{graph.to_dot()}\n"}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the derivatives that both sweeps compute."""
        return (
            Meaning("value", None, "", "the value f(x₁, x₂)"),
            Meaning("tangent", None, "", "forward sweep: the derivative along the seed"),
            Meaning("adjoint.x1", None, "", "reverse sweep: ∂f/∂x₁"),
            Meaning("adjoint.x2", None, "", "reverse sweep: ∂f/∂x₂"),
            Meaning("disagreement", "lower", "", "|tangent of f − adjoints · seed|, a rounding error"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the derivatives, and the difference between the two sweeps."""
        first, second, result = table.rows[0], table.rows[1], table.rows[-1]
        along = first["adjoint"] * self.seed[0] + second["adjoint"] * self.seed[1]
        return {
            "value": result["value"],
            "tangent": result["tangent"],
            "adjoint.x1": first["adjoint"],
            "adjoint.x2": second["adjoint"],
            "disagreement": abs(result["tangent"] - along),
        }

    def plot(self, table: Table) -> Figure:
        """Draw the whole graph, with all numbers."""
        return self._picture(table, upto=len(table), downto=0)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield pictures up the graph node by node, then down again."""
        for number in range(1, len(table) + 1):
            yield f"forward, w{number}", self._picture(table, upto=number, downto=len(table), at=number - 1)
        for number in range(len(table), 0, -1):
            label = f"reverse, w{number}"
            yield label, self._picture(table, upto=len(table), downto=number - 1, at=number - 1)

    def _picture(self, table: Table, upto: int, downto: int, at: int | None = None) -> Figure:
        """Draw the graph, with values and tangents of nodes below `upto`, and adjoints of nodes from `downto` on."""
        figure, axes = new_board()
        operations = [node.operation for node in graph_of(self.function, self.x, self.seed).nodes]
        places = layers([[parent for parent, _ in parents_of(row)] for row in table.rows])
        is_reverse = at is not None and downto < len(table)
        for number, row in enumerate(table.rows):
            for parent, partial in parents_of(row):
                lit = at == (parent if is_reverse else number)
                _draw_arrow(axes, places[parent], places[number], partial, lit, is_reverse, number < upto)
        for number, row in enumerate(table.rows):
            made = f"${variable(number + 1)} = {original(operations[number], number + 1)}"
            made += f" = {shown(row['value'])}$" if number < upto else "$"
            _draw_node(axes, places[number], made, at == number, is_reverse)
            name = variable(number + 1)
            if number < upto:
                _number(axes, places[number], -1, rf"$\dot {name} = {shown(row['tangent'])}$", _FORWARD)
            if number >= downto:
                _number(axes, places[number], 1, rf"$\bar {name} = {shown(row['adjoint'])}$", _REVERSE)
        title = rf"$f(x_1, x_2) = {FUNCTIONS[self.function].written}$ at $({shown(self.x[0])},\ {shown(self.x[1])})$"
        axes.text(0.3, HEIGHT - 0.3, title, fontsize=13, va="center")
        if at is None:
            axes.text(WIDTH - 0.3, HEIGHT - 0.3, self._seed(), fontsize=11, va="center", ha="right", color=_FORWARD)
        _draw_ways(axes, is_forward=not is_reverse, is_reverse=is_reverse or at is None)
        if at is None:
            text, size, color = (
                "on each arrow: the partial derivative of the upper value with respect to the lower one",
                10.5,
                "0.35",
            )
        else:
            text, size, color = self._backward(table, at) if is_reverse else self._forward(table, at), 13, "black"
        axes.text(_MIDDLE, 0.26, text, fontsize=size, color=color, ha="center", va="center")
        return figure

    def _seed(self) -> str:
        return rf"seed $\dot x = ({shown(self.seed[0])},\ {shown(self.seed[1])})$"

    def _forward(self, table: Table, at: int) -> str:
        """Return the computation of a step up, with its numbers."""
        row, name = table.rows[at], variable(at + 1)
        parents = parents_of(row)
        if not parents:
            return rf"$\dot {name} = \dot x_{at + 1} = {shown(row['tangent'])}$, the seed"
        terms = " + ".join(
            rf"{_partial(at, parent)}\,\dot {variable(parent + 1)}" for parent in dict.fromkeys(p for p, _ in parents)
        )
        numbers = " + ".join(_times(partial, table.rows[parent]["tangent"]) for parent, partial in parents)
        return rf"$\dot {name} = {terms} = {numbers} = {shown(row['tangent'])}$"

    def _backward(self, table: Table, at: int) -> str:
        """Return the computation of a step down, with its numbers."""
        row, name = table.rows[at], variable(at + 1)
        above = [
            (number, partial)
            for number, each in enumerate(table.rows)
            for parent, partial in parents_of(each)
            if parent == at
        ]
        if not above:
            return rf"$\bar {name} = 1$: the derivative of the result with respect to itself"
        terms = " + ".join(rf"\bar {variable(number + 1)}\,{_partial(number, at)}" for number, _ in above)
        numbers = " + ".join(_times(table.rows[number]["adjoint"], partial) for number, partial in above)
        ends = "" if parents_of(row) else rf" = \partial f / \partial x_{at + 1}"
        return rf"$\bar {name} = {terms} = {numbers} = {shown(row['adjoint'])}{ends}$"


def check_point(function: str, x: Sequence[float]) -> None:
    """Check that a function has a derivative at a point.

    Raises
    ------
    ConfigError
        If the function has no derivative there, or one that is not finite.
    """
    with np.errstate(all="ignore"):
        numbers = [value for row in rows_of(graph_of(function, x, (1.0, 1.0))) for value in row.values()]
    if not np.isfinite(numbers).all():
        raise ConfigError(
            f"the function {function} has no finite derivative at topic.x = [{x[0]:g}, {x[1]:g}]; choose another point."
        )


def layers(parents: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """Place each node, in inches: in layers by its longest path from an argument, above its parents."""
    depth: list[int] = []
    for of_node in parents:
        depth.append(1 + max((depth[parent] for parent in of_node), default=-1))
    ys = np.linspace(_LOWEST, _HIGHEST, max(depth) + 1)
    xs = dict[int, float]()
    for layer in range(max(depth) + 1):
        members = [node for node, its in enumerate(depth) if its == layer]
        wished = [float(np.mean([xs[parent] for parent in parents[node]] or [node])) for node in members]
        order = np.argsort(wished, kind="stable")
        for node, x in zip(np.array(members)[order], _spread(np.array(wished)[order], layer == 0), strict=True):
            xs[int(node)] = float(x)
    return [(xs[node], float(ys[its])) for node, its in enumerate(depth)]


def _spread(wished: np.ndarray, is_bottom: bool) -> np.ndarray:
    """Return places near the wished ones, in the same order, at least a node's width apart."""
    least = _BOX[0] + (1.6 if is_bottom else _GAP)
    placed = wished.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + least)
    middle = _MIDDLE if is_bottom else float(wished.mean())
    moved: np.ndarray = placed - placed.mean() + middle
    return moved


def _draw_node(axes: Axes, place: tuple[float, float], made: str, is_lit: bool, is_reverse: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = place, _BOX
    edge = (_REVERSE if is_reverse else _FORWARD) if is_lit else "0.45"
    box = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.1",
        facecolor="0.96" if is_lit else "white",
        edgecolor=edge,
        linewidth=2.4 if is_lit else 1.0,
        zorder=3,
    )
    axes.add_patch(box)
    axes.text(x, y + 0.16, made, fontsize=12.5, ha="center", va="center", zorder=4)


def _number(axes: Axes, place: tuple[float, float], side: int, text: str, color: str) -> None:
    """Write a tangent on the left, or an adjoint on the right, of a node's lower line."""
    x, y = place
    axes.text(x + side * 0.6, y - 0.19, text, fontsize=11.5, ha="center", va="center", color=color, zorder=4)


def _draw_arrow(
    axes: Axes,
    low: tuple[float, float],
    high: tuple[float, float],
    partial: float,
    is_lit: bool,
    is_reverse: bool,
    is_known: bool,
) -> None:
    """Draw an arrow from an operand to its result, with the partial derivative; downwards in a reverse sweep."""
    half = _BOX[1] / 2
    begin, end = np.array([low[0], low[1] + half]), np.array([high[0], high[1] - half])
    begin[0] += np.clip(end[0] - begin[0], -0.8, 0.8) * 0.6
    end[0] -= np.clip(end[0] - begin[0], -0.8, 0.8) * 0.6
    color = (_REVERSE if is_reverse else _FORWARD) if is_lit else "0.55"
    axes.plot(*zip(begin, end, strict=True), color=color, linewidth=0.1, zorder=1)
    head, tail = (begin, end) if is_reverse else (end, begin)
    look = {"arrowstyle": "-|>", "color": color, "linewidth": 2.4 if is_lit else 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tuple(head), xytext=tuple(tail), arrowprops=look, zorder=2)
    if is_known:
        x, y = (begin + end) / 2
        at_right = end[0] >= begin[0]
        axes.text(
            x + (0.1 if at_right else -0.1),
            y - 0.02,
            shown(partial),
            fontsize=10.5,
            color=color if is_lit else "0.3",
            ha="left" if at_right else "right",
            va="top" if abs(end[0] - begin[0]) > 0.2 else "center",
        )


def _draw_ways(axes: Axes, is_forward: bool, is_reverse: bool) -> None:
    """Draw the direction of each sweep beside the graph."""
    ways = ((is_forward, 0.5, r"values and tangents $\dot w$", _FORWARD), (is_reverse, WIDTH - 0.5, "", _REVERSE))
    for is_shown, x, text, color in ways:
        if is_shown:
            ends = ((x, _LOWEST - 0.2), (x, _HIGHEST + 0.2))
            begin, end = ends if color == _FORWARD else ends[::-1]
            look = {"arrowstyle": "-|>", "color": color, "linewidth": 2.0}
            axes.annotate("", xy=end, xytext=begin, arrowprops=look)
            side = -0.22 if color == _FORWARD else 0.22
            label = text or r"adjoints $\bar w$"
            middle = (_LOWEST + _HIGHEST) / 2
            axes.text(x + side, middle, label, color=color, rotation=90, ha="center", va="center", fontsize=11)


def _partial(number: int, by: int) -> str:
    return rf"\frac{{\partial {variable(number + 1)}}}{{\partial {variable(by + 1)}}}"


def _times(a: float, b: float) -> str:
    """Format a product of two numbers, with negative factors in parentheses."""
    return r" \cdot ".join(f"({shown(each)})" if each < 0 else shown(each) for each in (a, b))
