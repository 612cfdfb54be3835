"""Operator overloading and source transformation: the code and the time that each needs for one function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Meaning, PositiveInt, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics import programs
from gradmix_lecture.topics.timing import processor_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WAYS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "dual": ("overloading, forward: dual", "dual", {"compiled": False}),
    "tape": ("overloading, reverse: tape", "tape", {"compiled": False}),
    "source_forward": ("source, forward", "source", {"mode": "forward"}),
    "source_reverse": ("source, reverse", "source", {"mode": "reverse"}),
    "source_compiled": ("source, reverse, compiled", "source", {"mode": "reverse", "compiled": True}),
}
"""Method → its label, and the differentiator with its options."""


@dataclass
class OperatorOverloading(Topic):
    """Overloaded operators need no new code but interpret every operation; transformed source is longer and faster.

    The function repeats the lecture's product and sine n times. Dual numbers and the tape follow it through overloaded
    operators: no code is written, but each operation costs a call. Source transformation writes a function that runs
    like any other, and that a compiler can make faster than the original.

    Parameters
    ----------
    lengths
        Numbers of repetitions of the two operations, in rising order.
    repeats
        Number of measurements of each time; the median is used.
    x
        Where to differentiate.
    """

    formula: ClassVar[str] = r"y_0 = x, \qquad y_{i+1} = \sin(x\,y_i), \qquad f(x) = y_n"

    lengths: tuple[PositiveInt, ...] = (1, 10, 100, 1000, 10000)
    repeats: Annotated[int, Bounds(ge=1, le=99)] = 5
    x: float = 1.3

    def check(self) -> None:
        """Check that the lengths are enough for a curve."""
        super().check()
        if len(self.lengths) < 2 or list(self.lengths) != sorted(set(self.lengths)) or self.lengths[-1] > 10**5:
            raise ConfigError(
                f"topic.lengths must be two or more increasing numbers up to 100000; given: {list(self.lengths)}."
            )

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the times and derivatives for each length; then the lines of code of each method."""
        made = {way: gradmix.differentiator(name, **options) for way, (_, name, options) in _WAYS.items()}
        f, x = programs.repeated, self.x
        for n in self.lengths:
            row = {"n": float(n), "seconds.function": processor_seconds(partial(f, x, n), self.repeats)}
            for way, each in made.items():
                row[f"derivative.{way}"] = float(each.gradient(f, x, n))  # compiles, where needed, before the timing
                row[f"seconds.{way}"] = processor_seconds(partial(each.gradient, f, x, n), self.repeats)
            yield row
        yield {f"lines.{way}": self._lines(way, made[way]) for way in _WAYS}

    def _lines(self, way: str, made: gradmix.Differentiator) -> float:
        """Count the lines of new code without comments; 0 for overloading."""
        if not way.startswith("source"):
            return 0.0
        code = made.code(programs.repeated, self.x, self.lengths[0]).splitlines()
        return float(sum(line.startswith(("def ", "    ")) and not line.strip().startswith("#") for line in code))

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: times for the longest function, relative to the function's, and lines of code."""
        times = [
            Meaning(f"ratio.{way}", "lower", "× the function", label, is_timing=True, by_ratio=True)
            for way, (label, *_) in _WAYS.items()
        ]
        lines = [
            Meaning(f"lines.{way}", "lower", "lines", f"{_WAYS[way][0]}: emitted code")
            for way in ("source_forward", "source_reverse")
        ]
        spread = Meaning("disagreement", "lower", "", "largest relative difference between the derivatives")
        return (*times, *lines, spread)

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the numbers of the last length."""
        last, lines = table.having("n").rows[-1], table.rows[-1]
        ratios = {f"ratio.{way}": last[f"seconds.{way}"] / last["seconds.function"] for way in _WAYS}
        derivatives = np.array([[row[f"derivative.{way}"] for way in _WAYS] for row in table.having("n").rows])
        spread = np.ptp(derivatives, axis=1) / np.abs(derivatives).max(axis=1)
        counts = {f"lines.{way}": lines[f"lines.{way}"] for way in ("source_forward", "source_reverse")}
        return {**ratios, **counts, "disagreement": float(spread.max())}

    def plot(self, table: Table) -> Figure:
        """Draw time against length, and the ratios with the code."""
        figure = new_figure()
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        times = table.having("n")
        left.loglog(times["n"], 1e6 * times["seconds.function"], "--", color="black", label="_function")
        place = (times["n"][0], 1e6 * times["seconds.function"][0])
        left.annotate("the function itself", place, (14, 0), textcoords="offset points", va="center")
        for number, way in enumerate(_WAYS):
            left.loglog(times["n"], 1e6 * times[f"seconds.{way}"], "o-", color=group_color(number), label=f"_{way}")
        left.set(xlabel="n, number of products and sines", ylabel="processor time of a derivative [µs]")
        left.set_title("time by length of the program")
        self._draw_ratios(right, table)
        return figure

    def _draw_ratios(self, axes: Axes, table: Table) -> None:
        found, lines = self.summary(table), table.rows[-1]
        ratios = [found[f"ratio.{way}"] for way in _WAYS]
        low, high = min(0.5, *ratios) / 2, max(ratios) * 2
        for number, (way, (label, *_)) in enumerate(_WAYS.items()):
            ratio, y = found[f"ratio.{way}"], len(_WAYS) - number
            axes.barh(y, ratio - 1, left=1, height=0.3, color=group_color(number))
            count = lines[f"lines.{way}"]
            code = f"{count:.0f} lines of code" if count else "no new code"
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            text = f"{label}: {ratio:.2g} ×, {code}"
            axes.text(1.05 * low, y + 0.34, text, va="center", fontsize=10, bbox=ground)
        axes.plot([1, 1], [0.7, len(_WAYS) + 0.2], color="black", linestyle="--", linewidth=1)
        axes.set(xscale="log", xlim=(low, high), ylim=(0.6, len(_WAYS) + 0.7), yticks=[])
        axes.xaxis.set_minor_formatter("")
        axes.set_xlabel(f"time / time of the function, n = {self.lengths[-1]}")
        axes.set_title("time and code of a derivative")
