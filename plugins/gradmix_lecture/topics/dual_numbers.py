"""Functions of dual numbers, with one dual component and with two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Counted, Meaning, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.trace import FUNCTIONS, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VALUE, _DERIVATIVE = "black", group_color(1)


@dataclass(frozen=True)
class _Function:
    """A function of one number, its derivative in the lecture's form, and the formulas of both."""

    written: str
    derived: str
    of_dual: str
    f: Callable[[Any], Any]
    derivative: Callable[[Any], Any]


_FUNCTIONS: Mapping[str, _Function] = {
    "sin": _Function(r"\sin x", r"\cos x", r"\sin(x + d)", np.sin, np.cos),
    "cos": _Function(r"\cos x", r"-\sin x", r"\cos(x + d)", np.cos, lambda x: -np.sin(x)),
    "exp": _Function("e^x", "e^x", "e^{x + d}", np.exp, np.exp),
    "log": _Function(r"\log x", "1/x", r"\log(x + d)", np.log, lambda x: 1 / x),
    "sqrt": _Function(r"\sqrt{x}", r"1/(2\sqrt{x})", r"\sqrt{x + d}", np.sqrt, lambda x: 1 / (2 * np.sqrt(x))),
}


@dataclass
class DualNumbers(Topic):
    """A function of a dual number has its derivative in the second component.

    Each panel evaluates a function at x + d, where d² = 0. The coefficient of d is the derivative, and it is correct to
    about the last digit that a computer keeps. The strip below each panel shows the error of the derivative in ulp: one
    ulp is the distance from a number to the next one that can be represented.

    Parameters
    ----------
    coefficients
        p₀, p₁, … of the polynomial.
    begin, end
        The interval, of positive numbers.
    n
        Number of points.
    """

    formula: ClassVar[str] = r"P(x + \dot{x}\mathbf{d}) = P(x) + P'(x)\,\dot{x}\mathbf{d} \qquad \mathbf{d}^2 = 0"
    counted: ClassVar[str] = "x"

    coefficients: tuple[float, ...] = (1.0, -2.0, 0.0, 0.25)
    begin: float = 0.1
    end: float = 5.0
    n: Annotated[int, Bounds(ge=5, le=500)] = 99

    def check(self) -> None:
        """Check that every function has a derivative in the whole interval."""
        super().check()
        if not 0 < self.begin < self.end < 100:
            raise ConfigError(
                "topic.begin must be above 0, where log has a derivative, and below topic.end, which must be below "
                f"100; given: {self.begin:g} and {self.end:g}."
            )
        if len(self.coefficients) < 2:
            raise ConfigError("topic.coefficients must be at least two numbers: the derivative of a constant is zero.")

    def _functions(self) -> Mapping[str, _Function]:
        """Return all functions, the polynomial first."""
        p = self.coefficients
        derived = [k * each for k, each in enumerate(p)][1:]
        polynomial = _Function(
            _polynomial(p), _polynomial(derived), "P(x + d)", lambda x: _horner(p, x), lambda x: _horner(derived, x)
        )
        return {"polynomial": polynomial, **_FUNCTIONS}

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the values and derivatives for each x, with the errors of the derivatives."""
        dual = gradmix.differentiator("dual")
        for x in np.linspace(self.begin, self.end, self.n):
            row = {"x": float(x)}
            for name, function in self._functions().items():
                derivative = float(dual.derivative(function.f, x))
                exact = function.derivative(np.longdouble(x))
                error = abs(np.longdouble(derivative) - exact) / np.spacing(abs(float(exact)))
                row |= {
                    f"f.{name}": float(function.f(x)),
                    f"derivative.{name}": derivative,
                    f"ulp.{name}": float(error),
                }
            yield row

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the largest errors."""
        return [
            Meaning(f"ulp.{name}", "lower", "ulp", f"largest error of the derivative: {name}")
            for name in self._functions()
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the largest errors."""
        return {meaning.name: float(table[meaning.name].max()) for meaning in self.metrics()}

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each function: value, derivative and error."""
        return self._picture(table, None)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield a moving dual number, with the tangents that it represents."""
        for at in np.unique(np.linspace(0, len(table) - 1, 7).round().astype(int)[1:-1]):
            yield f"x = {table.rows[at]['x']:.2f}", self._picture(table, int(at))

    def _picture(self, table: Table, at: int | None) -> Figure:
        figure = new_figure()
        panels = figure.subplots(4, 3, sharex=True, height_ratios=[3.4, 1, 3.4, 1])
        for number, (name, function) in enumerate(self._functions().items()):
            row, column = 2 * (number // 3), number % 3
            self._draw_curves(panels[row, column], table, name, function, at)
            _draw_errors(panels[row + 1, column], table, name)
            if column == 0:
                panels[row + 1, column].set_ylabel("ulp")
            if row == 2:
                panels[row + 1, column].set_xlabel("x")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
        return figure

    def _draw_curves(self, axes: Axes, table: Table, name: str, function: _Function, at: int | None) -> None:
        x, f, derivative = table["x"], table[f"f.{name}"], table[f"derivative.{name}"]
        axes.plot(x, f, color=_VALUE, label="$f(x)$: first component")
        axes.plot(x, derivative, "--", color=_DERIVATIVE, label="$f'(x)$: second component")
        low, high = min(f.min(), derivative.min()), max(f.max(), derivative.max())
        margin = 0.08 * (high - low)
        axes.set_ylim(low - margin, high + margin)
        axes.set_title(f"$f = {function.written}$,  $f' = {function.derived}$", fontsize=10)
        if at is not None:
            slope, reach = derivative[at], 0.18 * (x[-1] - x[0])
            ends = np.array([x[at] - reach, x[at] + reach])
            axes.plot(
                ends, f[at] + slope * (ends - x[at]), color=group_color(0), linewidth=3, alpha=0.6, label="tangent"
            )
            axes.plot(x[at], f[at], "o", color=_VALUE, markersize=6)
            axes.plot(x[at], slope, "o", color=_DERIVATIVE, markersize=6)
            sign = "+" if slope >= 0 else "\N{MINUS SIGN}"
            axes.set_title(rf"${function.of_dual} = {shown(f[at], 3)} {sign} {shown(abs(slope), 3)}\,d$", fontsize=10)


def _draw_errors(axes: Axes, table: Table, name: str) -> None:
    ulp = table[f"ulp.{name}"]
    axes.plot(table["x"], ulp, ".", color=_DERIVATIVE, markersize=2.5, label="_errors")
    axes.set_ylim(0, 1.15 * max(1.0, float(ulp.max())))


def _horner(coefficients: Sequence[float], x: Any) -> Any:
    value: Any = 0.0
    for each in reversed(coefficients):
        value = value * x + each
    return value


def _polynomial(coefficients: Sequence[float]) -> str:
    """Return the formula of a polynomial."""
    terms = []
    for power, each in enumerate(coefficients):
        if each:
            factor = "" if abs(each) == 1 and power else f"{abs(each):g}"
            terms.append(
                ("-" if each < 0 else "+", factor + ("" if not power else "x" if power == 1 else f"x^{power}"))
            )
    text = " ".join(f"{sign} {term}" for sign, term in terms) or "0"
    return text.removeprefix("+ ").replace("- ", "-", 1) if text.startswith(("+ ", "- ")) else text


@dataclass
class TwoComponents(Topic):
    """Several dual components carry several partial derivatives through one evaluation.

    With a component for each variable, and all products of two components zero, one evaluation of a function gives its
    value and its whole gradient. The arrows in the picture are the gradient: their extent to the right is the first
    component, their extent upwards the second one. They cross the level lines at right angles, as a gradient must.

    Parameters
    ----------
    x
        The point for which the picture shows the whole computation.
    half_width
        Distance from the point to the edges of the picture.
    n
        Number of arrows in each direction.
    """

    formula: ClassVar[str] = r"""
        f(x_1 + \dot{x}_1\mathbf{d}_1,\ x_2 + \dot{x}_2\mathbf{d}_2) = x_1 x_2 + \sin x_1 + (x_2 + \cos x_1)\,\dot{x}_1\mathbf{d}_1 + x_1\,\dot{x}_2\mathbf{d}_2
        \mathbf{d}_i\,\mathbf{d}_j = 0
    """  # noqa: E501 -- one line of a formula

    x: tuple[float, float] = (2.0, 3.0)
    half_width: Annotated[float, Bounds(gt=0.0)] = 3.0
    n: Annotated[int, Bounds(ge=2, le=30)] = 9

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield value, both components and number of evaluations at the point, then on the grid."""
        (x1, x2), reach = self.x, self.half_width
        yield self._row(x1, x2)
        for a in np.linspace(x1 - reach, x1 + reach, self.n):
            for b in np.linspace(x2 - reach, x2 + reach, self.n):
                yield self._row(float(a), float(b))

    def _row(self, x1: float, x2: float) -> Mapping[str, float]:
        one = self._evaluated(x1, x2, components=1)
        both = self._evaluated(x1, x2, components=2)
        return {
            **both,
            "evaluations.one_component": one["evaluations"],
            "evaluations.two_components": both["evaluations"],
        }

    def _evaluated(self, x1: float, x2: float, components: int) -> dict[str, float]:
        f = Counted(lambda x: FUNCTIONS["lecture"].f(x[0], x[1]))
        dual = gradmix.differentiator("dual", components=components)
        value, gradient = dual.value_and_gradient(f, np.array([x1, x2]))
        found = {"x1": x1, "x2": x2, "value": float(value), "d1": float(gradient[0]), "d2": float(gradient[1])}
        return {**found, "evaluations": float(f.calls)}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the point's derivatives and of the cost."""
        return (
            Meaning("value", None, "", "f at the point"),
            Meaning("d1", None, "", "the first dual component: ∂f/∂x₁"),
            Meaning("d2", None, "", "the second dual component: ∂f/∂x₂"),
            Meaning(
                "evaluations.one_component", "lower", "calls", "evaluations for the gradient, one component at once"
            ),
            Meaning(
                "evaluations.two_components", "lower", "calls", "evaluations for the gradient, two components at once"
            ),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the numbers of the first row."""
        return {meaning.name: table.rows[0][meaning.name] for meaning in self.metrics()}

    def plot(self, table: Table) -> Figure:
        """Draw level lines with the gradient, and the computation at the point."""
        figure = new_figure()
        left, right = figure.subplots(1, 2, width_ratios=[1.05, 1])
        self._draw_field(left, table)
        _draw_computation(right, table.rows[0])
        return figure

    def _draw_field(self, axes: Axes, table: Table) -> None:
        x1, x2, d1, d2 = (table[name][1:] for name in ("x1", "x2", "d1", "d2"))
        reach = 1.16 * self.half_width
        a, b = (np.linspace(each - reach, each + reach, 80) for each in self.x)
        values = FUNCTIONS["lecture"].f(a, b[:, None])
        axes.contour(a, b, values, levels=14, colors="0.72", linewidths=0.9, linestyles="solid")
        axes.quiver(x1, x2, d1, d2, color=group_color(0), angles="xy", width=0.0045)
        first = table.rows[0]
        axes.plot(first["x1"], first["x2"], "o", color=group_color(1), markersize=8)
        axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        axes.set_title(r"level lines of $f = x_1 x_2 + \sin x_1$, and $(d_1, d_2)$")


def _draw_computation(axes: Axes, row: Mapping[str, float]) -> None:
    """Draw the lecture's computation, with the numbers of the point."""
    x1, x2 = row["x1"], row["x2"]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    axes.plot([0.0, 0.0], [0.08, 0.92], color="0.8", linewidth=1)
    sine, slope = np.sin(x1), np.cos(x1)
    lines = (
        ("$x_1 + d_1$", f"${shown(x1)} + d_1$", "black"),
        ("$x_2 + d_2$", f"${shown(x2)} + d_2$", "black"),
        ("product", f"${_dual(x1 * x2, x2, x1)}$", "black"),
        ("sine", f"${_dual(sine, slope, 0.0)}$", "black"),
        ("sum", f"${_dual(row['value'], row['d1'], row['d2'])}$", group_color(1)),
    )
    for number, (name, text, color) in enumerate(lines):
        y = 0.86 - 0.15 * number
        axes.text(0.06, y, name, fontsize=12, va="center", color="0.3")
        axes.text(0.34, y, text, fontsize=13.5, va="center", color=color)
    legend = r"$d_1$: $\partial f/\partial x_1$      $d_2$: $\partial f/\partial x_2$"
    axes.text(0.34, 0.14, legend, fontsize=12, va="center", color=group_color(1))


def _dual(value: float, d1: float, d2: float) -> str:
    """Format a number with two dual components, without those that are zero."""
    text = shown(value)
    for name, each in (("d_1", d1), ("d_2", d2)):
        if each:
            text += f" {'-' if each < 0 else '+'} {shown(abs(each))}\\,{name}"
    return text
