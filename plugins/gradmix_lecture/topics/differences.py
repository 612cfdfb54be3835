"""Divided differences compared with automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

import gradmix
from gradmix import ConfigError, Meaning, PositiveFloat, PositiveInt, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_EXACT = 3e-17
"""Value at which an error of 0 is drawn, as a logarithmic axis has no 0."""


@dataclass(frozen=True)
class _Function:
    """A function of one number, its derivative, and the formulas of both."""

    written: str
    f: Callable[[Any], Any]
    derivative: Callable[[float], float]


_FUNCTIONS: Mapping[str, _Function] = {
    "cubic": _Function("x^3", lambda x: x**3, lambda x: float(3 * Fraction(x) ** 2)),
    "sin": _Function(r"\sin x", np.sin, lambda x: float(np.cos(x))),
    "exp": _Function(r"e^x", np.exp, lambda x: float(np.exp(x))),
}

_SCHEMES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "forward": ("forward", {"method": "forward"}),
    "backward": ("backward", {"method": "backward"}),
    "central": ("central", {"method": "central"}),
    "central_4": ("central, order 4", {"method": "central", "order": 4}),
    "complex_step": ("complex step", {"method": "complex_step"}),
}
"""Scheme → its name in the legend, and the options of `finite_difference`."""

_EXACT_WAYS = ("dual", "tape")


@dataclass
class DividedDifferenceError(Topic):
    """Divided differences are accurate for one step size only; dual numbers need none.

    As h becomes smaller, the truncation error of a divided difference falls, until rounding errors of the function,
    divided by h, dominate: of sixteen digits a forward difference keeps at most eight, a central one eleven.
    Automatic differentiation has neither error, so dual numbers and the tape are flat lines at the bottom.

    Parameters
    ----------
    x
        Where to differentiate.
    functions
        Names of the functions, at most three.
    smallest, largest
        The range of h.
    steps_per_decade
        Number of values of h in each power of ten.
    """

    formula: ClassVar[str] = r"""
        f'(x) = \lim_{h \rightarrow 0} \dfrac{f(x+h) - f(x)}{h}
        \mathrm{error} = \left| \dfrac{f(x+h) - f(x)}{h} - 3x^2 \right|
    """
    counted: ClassVar[str] = "h"

    x: float = 1.0
    functions: tuple[Literal["cubic", "sin", "exp"], ...] = ("cubic", "sin", "exp")
    smallest: PositiveFloat = 1e-16
    largest: PositiveFloat = 1.0
    steps_per_decade: PositiveInt = 4

    def check(self) -> None:
        """Check that there is a range, and a panel for each function."""
        super().check()
        if self.smallest >= self.largest:
            raise ConfigError(
                f"topic.smallest must be below topic.largest; given: {self.smallest:g} and {self.largest:g}."
            )
        if not 1 <= len(set(self.functions)) == len(self.functions):
            raise ConfigError(f"topic.functions must all differ; given: {', '.join(self.functions) or 'none'}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the error of each scheme for each h, and that of automatic differentiation, which has no h."""
        decades = np.log10(self.largest / self.smallest)
        for h in np.geomspace(self.largest, self.smallest, round(decades * self.steps_per_decade) + 1):
            row = {"h": float(h)}
            for name in self.functions:
                for scheme, (_, options) in _SCHEMES.items():
                    way = gradmix.differentiator("finite_difference", step=float(h) / (abs(self.x) or 1.0), **options)
                    row[f"error.{name}.{scheme}"] = self._error(way, name)
                row |= {f"error.{name}.{each}": self._error(gradmix.differentiator(each), name) for each in _EXACT_WAYS}
            yield row

    def _error(self, way: gradmix.Differentiator, name: str) -> float:
        function = _FUNCTIONS[name]
        with np.errstate(all="ignore"), gradmix.assessments():  # warnings about poor steps are expected
            return abs(float(way.derivative(function.f, self.x)) - function.derivative(self.x))

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: the best that each scheme reaches on the first function."""
        errors = [
            Meaning(f"best_error.{scheme}", "lower", "", f"smallest error of the {label} scheme", by_ratio=True)
            for scheme, (label, _) in _SCHEMES.items()
        ]
        steps = [
            Meaning(f"best_h.{scheme}", None, "", f"h at which the {_SCHEMES[scheme][0]} scheme has its smallest error")
            for scheme in ("forward", "central")
        ]
        return (*errors[:3:2], *steps, Meaning("error.dual", "lower", "", "error of dual numbers", by_ratio=True))

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the least errors, and the h of each."""
        name, h = self.functions[0], table["h"]
        found: dict[str, float] = {}
        for scheme in ("forward", "central"):
            errors = table[f"error.{name}.{scheme}"]
            # A difference can be right by chance: a scheme is judged by the median of neighbours.
            smooth = [np.median(errors[max(i - 2, 0) : i + 3]) for i in range(len(errors))]
            best = int(np.argmin(smooth))
            found |= {f"best_error.{scheme}": float(smooth[best]), f"best_h.{scheme}": float(h[best])}
        return {**found, "error.dual": float(table[f"error.{name}.dual"][0])}

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each function: the error against h."""
        figure = new_figure()
        panels = figure.subplots(1, len(self.functions), sharey=True, squeeze=False)[0]
        best = self.summary(table)
        for axes, name in zip(panels, self.functions, strict=True):
            self._draw_errors(axes, table, name)
        self._mark(panels[0], best["best_h.forward"])
        panels[0].set_ylabel("|error|")
        lines, labels = panels[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=4)
        return figure

    def _draw_errors(self, axes: Axes, table: Table, name: str) -> None:
        h = table["h"]
        for number, (scheme, (label, _)) in enumerate(_SCHEMES.items()):
            errors = np.maximum(table[f"error.{name}.{scheme}"], _EXACT)
            style = "--" if scheme == "backward" else "-"
            axes.loglog(h, errors, style, color=group_color(number), label=label, linewidth=1.4)
        for way, style in zip(_EXACT_WAYS, ("-", ":"), strict=True):
            errors = np.maximum(table[f"error.{name}.{way}"], _EXACT)
            axes.loglog(h, errors, style, color="black", label=f"{way} (no h)", linewidth=2.2)
        axes.set_title(f"$f(x) = {_FUNCTIONS[name].written}$, $x = {self.x:g}$")
        axes.set_xlabel("h")
        axes.set_ylim(_EXACT / 3, 30)

    def _mark(self, axes: Axes, h: float) -> None:
        """Mark where rounding begins to dominate truncation, for the forward difference."""
        axes.axvline(h, color="0.5", linewidth=0.8, linestyle=":")
        high = 8.0
        axes.text(h / 2.5, high, "← rounding", ha="right", va="center", fontsize=9, color="0.25")
        axes.text(h * 2.5, high, "truncation →", ha="left", va="center", fontsize=9, color="0.25")

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield, for each power of ten, the secant of the first function and its error's place on the curve."""
        name = self.functions[0]
        for i in range(0, len(table), self.steps_per_decade):
            row = table.rows[i]
            figure = new_figure()
            left, right = figure.subplots(1, 2)
            self._draw_secant(left, name, row["h"])
            self._draw_errors(right, table, name)
            for number, scheme in enumerate(_SCHEMES):
                error = max(row[f"error.{name}.{scheme}"], _EXACT)
                right.plot(row["h"], error, "o", color=group_color(number), markersize=7)
            right.set_ylabel("|error|")
            lines, labels = right.get_legend_handles_labels()
            figure.legend(lines, labels, loc="outside lower center", ncols=4)
            yield f"h = {row['h']:.0e}, forward error {row[f'error.{name}.forward']:.1e}", figure

    def _draw_secant(self, axes: Axes, name: str, h: float) -> None:
        function, x = _FUNCTIONS[name], self.x
        xs = np.linspace(x - 1, x + 1.3, 200)
        f = function.f(x)
        with np.errstate(all="ignore"):
            quotient = (function.f(x + h) - f) / ((x + h) - x) if x + h != x else 0.0
        axes.plot(xs, function.f(xs), color="black", label="f")
        axes.plot(xs, f + function.derivative(x) * (xs - x), color=group_color(2), label="tangent")
        axes.plot(xs, f + quotient * (xs - x), "--", color=group_color(0), label="secant through x and x + h")
        axes.plot([x, x + h], [f, function.f(x + h)], "o", color=group_color(0), markersize=6)
        low, high = float(np.min(function.f(xs))), float(np.max(function.f(xs)))
        axes.set_ylim(low - 0.3 * (high - low), high + 0.1 * (high - low))
        axes.set_title(f"$f(x) = {function.written}$ with $h = 10^{{{np.log10(h):.0f}}}$")
        axes.set_xlabel("x")
        axes.legend(loc="upper left")
