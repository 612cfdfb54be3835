"""Symbolic differentiation: formulas grow where programs do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import gradmix
from gradmix import Bounds, Meaning, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.timing import processor_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COUNTS = re.compile(r"Operations of the (formula|derivatives): (\d+) written out, (\d+) with each")


@dataclass
class Symbolic(Topic):
    """A formula for the derivative grows exponentially where the program and its derivative grow by a few lines.

    Each step of the logistic map uses its argument twice, so a written-out formula doubles with each step, and its
    derivative grows even faster. Automatic differentiation works on the program, in which each value is computed once
    and then has a name: it needs a few operations for each step. A formula whose common parts have names is such a
    program again.

    Parameters
    ----------
    steps
        Maximum number of steps of the map.
    x
        Where to differentiate.
    repeats
        Number of measurements of the tape's time; the median is used.
    """

    formula: ClassVar[str] = r"l_1 = x \qquad l_{n+1} = 4\,l_n\,(1 - l_n)"
    requires = ("sympy",)

    steps: Annotated[int, Bounds(ge=2, le=14)] = 8
    x: Annotated[float, Bounds(gt=0.0, lt=1.0)] = 0.3
    repeats: Annotated[int, Bounds(ge=1, le=99)] = 3

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield, for each number of steps, operations of formulas and program, derivatives and times."""
        symbolic, tape = gradmix.differentiator("sympy"), gradmix.differentiator("tape")
        graph_of: Any = tape
        for steps in range(1, self.steps + 1):
            f = partial(_logistic, steps)
            counts = {what: (float(out), float(once)) for what, out, once in _COUNTS.findall(symbolic.code(f, self.x))}
            nodes = [node for node in graph_of.graph(f, self.x).nodes if node.operation]
            yield {
                "steps": float(steps),
                "operations.formula": counts["formula"][0],
                "operations.derivative": counts["derivatives"][0],
                "operations.derivative_once": counts["derivatives"][1],
                # The reverse sweep multiplies and adds once for each operand of a value.
                "operations.tape": float(len(nodes) + sum(len(node.parents) for node in nodes)),
                "derivative.symbolic": float(symbolic.derivative(f, self.x)),
                "derivative.tape": float(tape.derivative(f, self.x)),
                "seconds.symbolic": processor_seconds(partial(symbolic.derivative, f, self.x), 1),
                "seconds.tape": processor_seconds(partial(tape.derivative, f, self.x), self.repeats),
            }

    def texts(self) -> Mapping[str, str]:
        """Return SymPy's formula of the derivative of two steps."""
        return {"two_steps.py": gradmix.differentiator("sympy").code(partial(_logistic, 2), self.x)}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the numbers for the last step."""
        return (
            Meaning("operations.derivative", "lower", "operations", "formula of the derivative, written out"),
            Meaning("operations.derivative_once", "lower", "operations", "the same, each part computed once"),
            Meaning("operations.tape", "lower", "operations", "function and derivative by the tape"),
            Meaning("growth", "lower", "×", "formula written out: size at the last step / size one step before"),
            Meaning("time_ratio", "lower", "×", "time of the symbolic derivative / time by the tape", is_timing=True),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the numbers of the last step."""
        before, last = table.rows[-2], table.rows[-1]
        counts = {name: last[name] for name in table.names() if name.startswith("operations.d") or "tape" in name}
        del counts["derivative.tape"], counts["seconds.tape"]
        return {
            **counts,
            "growth": last["operations.derivative"] / before["operations.derivative"],
            "time_ratio": last["seconds.symbolic"] / last["seconds.tape"],
        }

    def plot(self, table: Table) -> Figure:
        """Draw operations and times by the number of steps."""
        figure = new_figure()
        left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
        lines = {
            "derivative": ("formula of f', written out", "s-", group_color(1)),
            "formula": ("formula of f, written out", "o-", "0.45"),
            "derivative_once": ("formula of f', each part computed once", "v--", group_color(1)),
            "tape": ("f and f' by the tape", "^-", group_color(0)),
        }
        for name, (label, style, color) in lines.items():
            left.semilogy(table["steps"], table[f"operations.{name}"], style, color=color, label=label)
        left.set_title("operations")
        times = {"symbolic": ("symbolic: derive, then evaluate", "s-", group_color(1)), "tape": lines["tape"]}
        for name, (label, style, color) in times.items():
            right.semilogy(table["steps"], 1e3 * table[f"seconds.{name}"], style, color=color, label=label)
        right.set_title("processor time of a derivative [ms]")
        for axes in (left, right):
            axes.set_xlabel("steps of the logistic map")
            axes.set_xticks(table["steps"])
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * 12)
            axes.legend(loc="upper left")
        return figure


def _logistic(steps: int, x: Any) -> Any:
    for _ in range(steps):
        x = 4.0 * x * (1.0 - x)
    return x
