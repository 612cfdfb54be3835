"""The original program and its dual program, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gradmix import Meaning, group_color
from gradmix_lecture.gallery.drawing import WIDTH, new_board
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.graph import check_point
from gradmix_lecture.topics.trace import FUNCTIONS, FunctionName, dual, graph_of, original, shown, variable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SEEDS = ((1.0, 0.0), (0.0, 1.0))
_COLUMNS = (0.45, 2.35, 3.45, 6.45, 8.05)
"""Left edges of the columns, in inches: program, value, dual program, and the tangents for each seed."""


@dataclass
class ProgramAndDualProgram(Topic):
    """Each line of a program gets a second line, which computes its derivative from the line's operands.

    A computer evaluates a formula in steps, each of which is an operation whose derivative is known. The dual program
    follows the same steps with tangents, by the chain rule. The seed, which is chosen at the beginning, determines the
    derivative at the end: (1, 0) gives the one by the first argument, (0, 1) the one by the second.

    Parameters
    ----------
    function
        Name of the function of two numbers.
    x
        Where it is evaluated.
    """

    formula: ClassVar[str] = r"""
        \dfrac{\partial f}{\partial x_2} = \dfrac{\partial f}{\partial w_5} \dfrac{\partial w_5}{\partial w_3} \dfrac{\partial w_3}{\partial w_2} \dfrac{\partial w_2}{\partial x_2}
    """  # noqa: E501 -- one line of a formula
    counted: ClassVar[str] = "line"

    function: FunctionName = "lecture"
    x: tuple[float, float] = (2.0, 3.0)

    def check(self) -> None:
        """Check that the derivative exists."""
        super().check()
        check_point(self.function, self.x)

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield each line's value, and its tangent for each seed."""
        first, second = (graph_of(self.function, self.x, seed) for seed in _SEEDS)
        for number, (one, other) in enumerate(zip(first.nodes, second.nodes, strict=True), start=1):
            yield {
                "line": float(number),
                "value": float(one.value),
                "tangent.seed_1": float(one.tangent),
                "tangent.seed_2": float(other.tangent),
            }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the last line's numbers."""
        return (
            Meaning("value", None, "", "the last value: f(x₁, x₂)"),
            Meaning("derivative.x1", None, "", "the last tangent for the seed (1, 0): ∂f/∂x₁"),
            Meaning("derivative.x2", None, "", "the last tangent for the seed (0, 1): ∂f/∂x₂"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the last line's numbers."""
        last = table.rows[-1]
        return {
            "value": last["value"],
            "derivative.x1": last["tangent.seed_1"],
            "derivative.x2": last["tangent.seed_2"],
        }

    def plot(self, table: Table) -> Figure:
        """Draw all lines of both programs."""
        return self._picture(table, len(table))

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield the lines in the order in which a computer executes them."""
        for upto in range(1, len(table) + 1):
            yield f"line {upto} of {len(table)}", self._picture(table, upto)

    def _picture(self, table: Table, upto: int) -> Figure:
        figure, axes = new_board()
        written, (x1, x2) = FUNCTIONS[self.function].written, (shown(each) for each in self.x)
        axes.text(0.45, 4.95, rf"$f(x_1, x_2) = {written}$ at $({x1},\ {x2})$", fontsize=15, va="center")
        self._draw_head(axes)
        operations = [node.operation for node in graph_of(self.function, self.x, _SEEDS[0]).nodes]
        space = min(0.68, 3.3 / len(table))
        for number, row in enumerate(table.rows, start=1):
            y = 3.35 - space * (number - 1)
            if number == upto < len(table):
                axes.axhspan(y - space / 2, y + space / 2, 0.02, 0.98, color="0.94", linewidth=0)
            _draw_line(axes, y, number, operations[number - 1], row, number <= upto)
        if upto == len(table):
            y = 3.35 - space * (len(table) - 1)
            for column, color in ((3, group_color(1)), (4, group_color(0))):
                axes.text(
                    _COLUMNS[column], y - 0.42, rf"$= \partial f/\partial x_{column - 2}$", fontsize=12.5, color=color
                )
        return figure

    def _draw_head(self, axes: Axes) -> None:
        heads = ("original program", "value", "dual program", r"seed $(1, 0)$", r"seed $(0, 1)$")
        colors = ("black", "black", "black", group_color(1), group_color(0))
        for x, head, color in zip(_COLUMNS, heads, colors, strict=True):
            axes.text(x, 4.2, head, fontsize=12.5, color=color, va="center", weight="bold")
        axes.plot([0.45, WIDTH - 0.3], [3.9, 3.9], color="0.3", linewidth=1)
        axes.plot([_COLUMNS[2] - 0.3] * 2, [0.4, 4.4], color="0.8", linewidth=1)


def _draw_line(axes: Axes, y: float, number: int, operation: str, row: Mapping[str, float], is_done: bool) -> None:
    """Draw a line of both programs, with its numbers if it has been executed."""
    name = variable(number)
    cells = [
        (0, f"${name} = {original(operation, number)}$", "black", True),
        (1, f"${shown(row['value'])}$", "black", is_done),
        (2, rf"$\dot {name} = {dual(operation, number)}$", "black", True),
        (3, f"${shown(row['tangent.seed_1'])}$", group_color(1), is_done),
        (4, f"${shown(row['tangent.seed_2'])}$", group_color(0), is_done),
    ]
    for column, text, color, is_shown in cells:
        if is_shown:
            axes.text(_COLUMNS[column], y, text, fontsize=15, color=color if is_done else "0.6", va="center")
