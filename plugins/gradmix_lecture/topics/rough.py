"""Rough functions, for which divided differences are as good as automatic differentiation, or better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Meaning, PositiveFloat, PositiveInt, Problem, group_color, part
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.trace import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WAYS = {"forward": "forward difference", "central": "central difference"}
_EXACT = 1e-9
"""Smallest error that is drawn."""


@dataclass
class Rough(Topic):
    """Base of both topics: errors against h, and the function and its curve near the point.

    Parameters
    ----------
    problem
        The problem; its exact derivative is the curve's.
    smallest, largest
        The range of h.
    steps_per_decade
        Number of values of h in each power of ten.
    window
        Distance from the point to both sides of the function's picture.
    """

    counted: ClassVar[str] = "h"

    problem: Problem = part("noisy")
    smallest: PositiveFloat = 1e-5
    largest: PositiveFloat = 2.0
    steps_per_decade: PositiveInt = 12
    window: Annotated[float, Bounds(gt=0.0, le=10.0)] = 0.6

    def check(self) -> None:
        """Check that the exact derivative is known, and that the range is not empty."""
        super().check()
        if self.problem.operator != "derivative" or self.problem.exact() is None:
            raise ConfigError("topic.problem must be a function of one number with a known derivative.")
        if self.smallest >= self.largest:
            raise ConfigError(
                f"topic.smallest must be below topic.largest; given: {self.smallest:g} and {self.largest:g}."
            )

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the error of each difference for each h, with those of dual numbers and the tape, without h."""
        f, x, exact = self.problem.function, float(self.problem.point()), float(self.problem.exact())
        found = {way: float(gradmix.differentiator(way).derivative(f, x)) for way in ("dual", "tape")}
        fixed = {f"error.{way}": abs(each - exact) for way, each in found.items()}
        decades = np.log10(self.largest / self.smallest)
        for h in np.geomspace(self.largest, self.smallest, round(decades * self.steps_per_decade) + 1):
            row = {"h": float(h)}
            for way in _WAYS:
                made = gradmix.differentiator("finite_difference", method=way, step=float(h) / (abs(x) or 1.0))
                with np.errstate(all="ignore"), gradmix.assessments():  # warnings about poor steps are expected
                    row[f"slope.{way}"] = float(made.derivative(f, x))
                row[f"error.{way}"] = abs(row[f"slope.{way}"] - exact)
            yield row | fixed

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: the least errors."""
        best = [
            Meaning(f"best_error.{way}", "lower", "", f"{label}: typical error at the best h")
            for way, label in _WAYS.items()
        ]
        steps = [Meaning(f"best_h.{way}", None, "", f"{label}: best h") for way, label in _WAYS.items()]
        return (*best, *steps, Meaning("error.dual", "lower", "", "error of automatic differentiation"))

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the least errors, after smoothing, as a difference can be right by chance."""
        found: dict[str, float] = {}
        for way in _WAYS:
            errors = table[f"error.{way}"]
            smooth = [np.median(errors[max(i - 3, 0) : i + 4]) for i in range(len(errors))]
            best = int(np.argmin(smooth))
            found |= {f"best_error.{way}": float(smooth[best]), f"best_h.{way}": float(table["h"][best])}
        return {**found, "error.dual": float(table["error.dual"][0])}

    def plot(self, table: Table) -> Figure:
        """Draw the function near the point, and the errors."""
        return self._picture(table, None)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield the secant of a central difference, as h becomes smaller."""
        for at in range(0, len(table), max(1, len(table) // 9)):
            row = table.rows[at]
            yield f"h = {row['h']:.1e}, central error {row['error.central']:.1e}", self._picture(table, at)

    def _picture(self, table: Table, at: int | None) -> Figure:
        figure = new_figure()
        left, right = figure.subplots(1, 2)
        self._draw_function(left, table, at)
        self._draw_errors(right, table, at)
        return figure

    def _draw_function(self, axes: Axes, table: Table, at: int | None) -> None:
        f, x, exact = self.problem.function, float(self.problem.point()), float(self.problem.exact())
        xs = np.linspace(x - self.window, x + self.window, 1500)
        axes.plot(xs, f(xs), color="0.55", linewidth=0.9, label="the program")
        dual = float(gradmix.differentiator("dual").derivative(f, x))
        short = np.array([-0.3, 0.3]) * self.window
        axes.plot(xs, f(x) + exact * (xs - x), "--", color="black", label=f"slope of the curve, {shown(exact, 3)}")
        axes.plot(x + short, f(x) + dual * short, color=group_color(1), linewidth=3, label=f"dual, {shown(dual, 3)}")
        if at is not None:
            row = table.rows[at]
            h, slope = row["h"], row["slope.central"]
            ends = np.array([x - h, x + h])
            label = f"central difference, {shown(slope, 3)}"
            axes.plot(xs, f(ends).mean() + slope * (xs - x), color=group_color(0), label=label)
            axes.plot(ends, f(ends), "o", color=group_color(0), label="_ends")
        low, high = float(np.min(f(xs))), float(np.max(f(xs)))
        axes.set(xlim=(xs[0], xs[-1]), ylim=(low - 0.1 * (high - low), high + 0.75 * (high - low)), xlabel="x")
        axes.set_title(f"the function near x = {x:g}")
        axes.legend(loc="upper left")

    def _draw_errors(self, axes: Axes, table: Table, at: int | None) -> None:
        for number, (way, label) in enumerate(_WAYS.items()):
            errors = np.maximum(table[f"error.{way}"], _EXACT)
            axes.loglog(table["h"], errors, color=group_color(2 - 2 * number), label=label)
            if at is not None:
                axes.plot(table["h"][at], errors[at], "o", color=group_color(2 - 2 * number), markersize=7, label="_at")
        axes.loglog(table["h"], table["error.dual"], color=group_color(1), linewidth=2.6, label="dual")
        axes.loglog(table["h"], table["error.tape"], ":", color="black", linewidth=1.6, label="tape")
        axes.set(xlabel="h", ylabel="|derivative − slope of the curve|")
        axes.set_title("error by h")
        axes.set_ylim(None, 30 * max(float(table[f"error.{way}"].max()) for way in (*_WAYS, "dual")))
        axes.legend(loc="upper right", ncols=2)


@dataclass
class NoisyFunction(Rough):
    """Automatic differentiation differentiates the noise as well; a divided difference can average over it.

    The program computes a smooth curve with a fine ripple, like a simulation with an inner tolerance. Dual numbers
    give the exact slope of the program, ripple included, which says little about the curve. A divided difference with a
    step far above the width of the ripple averages over it, and there its error has a minimum.
    """

    formula: ClassVar[str] = r"""
        f(x) = \sin x + \epsilon \sin(x/\delta) \qquad f'(x) = \cos x + \dfrac{\epsilon}{\delta}\cos(x/\delta)
    """


@dataclass
class DiscreteFunction(Rough):
    """The derivative of a step function is zero; a divided difference across many steps is not.

    A sensor with few digits, or a count, turns a curve into steps. Automatic differentiation is exact here, too, and
    finds that the program is constant nearly everywhere. A divided difference follows the curve as soon as h spans many
    steps. Its error has two parts: the height of a step divided by h, and the truncation error for the curve.
    """

    formula: ClassVar[str] = r"""
        f(x) = q\ \mathrm{round}\!\left(\dfrac{\sin x}{q}\right) \qquad \mathrm{error} \approx \dfrac{q}{h} + h^2
    """

    problem: Problem = part("quantised")
