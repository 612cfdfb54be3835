"""Newton's method with several kinds of derivatives, and derivatives of an iteration."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Equations, Meaning, PositiveFloat, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EXACT = 2e-17
"""Value at which an error of 0 is drawn, as a logarithmic axis has no 0."""


@dataclass(frozen=True)
class _Equation:
    """The equation f(x) = 0, its root, correct to all digits, and the formula of f."""

    written: str
    f: Callable[[Any], Any]
    root: float


_EQUATIONS: Mapping[str, _Equation] = {
    "square_root": _Equation("x^2 - 2", lambda x: x * x - 2.0, 1.4142135623730951),
    "cosine": _Equation(r"\cos x - x", lambda x: np.cos(x) - x, 0.7390851332151607),
    "kepler": _Equation(r"x - 0.8 \sin x - 1", lambda x: x - 0.8 * np.sin(x) - 1.0, 1.7821913289379008),
}
"""Name → equation. Kepler's equation has the eccentricity 0.8 and the mean anomaly 1."""

_WAYS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "dual": ("dual", "dual", {}),
    "tape": ("tape", "tape", {}),
    "source": ("source", "source", {"mode": "forward"}),
    "complex_step": ("complex step", "finite_difference", {"method": "complex_step"}),
    "difference": ("difference, h by search", "finite_difference", {}),
}
"""Method → its label, and the differentiator with its options."""

_LOOKS = (("o-", "black", 9.0), ("s:", "black", 8.0), ("^:", "0.45", 7.0), ("v:", "0.45", 6.0), ("x:", "0.45", 4.5))
"""Line, colour and size of the marks of each method, so that all are visible although they coincide."""


@dataclass
class Newton(Topic):
    """Newton's method doubles the digits with each step if the derivative is right, and is slow if it is not.

    All exact derivatives give the same iterates: the number of correct digits doubles with each step. A divided
    difference with a carefully chosen step does as well. If h is too large, the error of the derivative does not become
    smaller, and each step gains only the same few digits; if h is too small, rounding errors spoil the derivative.

    Parameters
    ----------
    equation
        Name of the equation.
    start
        Where to start.
    too_large, too_small
        Steps h of the poor divided differences, relative to x.
    iterations
        Maximum number of iterations.
    """

    formula: ClassVar[str] = r"x_{n+1} = x_n - \dfrac{f(x_n)}{f'(x_n)}"

    equation: Literal["square_root", "cosine", "kepler"] = "square_root"
    start: float = 3.0
    too_large: tuple[PositiveFloat, ...] = (0.5, 0.05)
    too_small: tuple[PositiveFloat, ...] = (3e-16,)
    iterations: Annotated[int, Bounds(ge=3, le=100)] = 12

    def check(self) -> None:
        """Check that the poor differences differ from each other, and that Newton's method can start."""
        super().check()
        steps = (*self.too_large, *self.too_small)
        if not 1 <= len(set(steps)) == len(steps) <= 3:
            raise ConfigError(f"topic.too_large and topic.too_small must be 1 to 3 different steps; given: {steps}.")
        if self.equation == "square_root" and self.start <= 0:
            raise ConfigError(f"topic.start must be above 0 for the root of 2; given: {self.start:g}.")

    def _ways(self) -> Mapping[str, tuple[str, gradmix.Differentiator]]:
        made = {way: (label, gradmix.differentiator(name, **options)) for way, (label, name, options) in _WAYS.items()}
        for h in (*self.too_large, *self.too_small):
            poor = gradmix.differentiator("finite_difference", method="forward", step=h)
            made[f"h_{h:g}"] = (f"difference, h = {h:g} x", poor)
        return made

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the errors of all methods at each iteration; methods that have ended are left out."""
        equation = _EQUATIONS[self.equation]
        errors = {way: self._errors(equation, made) for way, (_, made) in self._ways().items()}
        for iteration in range(self.iterations + 1):
            row = {f"error.{way}": its[iteration] for way, its in errors.items() if iteration < len(its)}
            yield {"iteration": float(iteration), **row}

    def _errors(self, equation: _Equation, made: gradmix.Differentiator) -> list[float]:
        solver = gradmix.solver("newton", differentiator=made, line_search=False, max_iter=self.iterations, tol=1e-300)
        question = Equations(equation.f, self.start, equation.root)
        errors = [abs(self.start - equation.root)]
        with np.errstate(all="ignore"), gradmix.assessments(), warnings.catch_warnings():
            warnings.simplefilter("ignore", gradmix.UnreliableDerivativeWarning)  # poor steps are intended
            with suppress(gradmix.NumericalError):  # a derivative of 0 gives no step: the method ends here
                errors.extend(each.metrics["error"] for each in solver.iterations(question))
        return errors

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: how many iterations each method needs."""
        return [
            Meaning(f"iterations.{way}", "lower", "iterations", f"{label}: first iteration with an error below 10⁻¹²")
            for way, (label, _) in self._ways().items()
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the first iteration with an error below 1e-12; one beyond the last if there is none."""
        found = {}
        for way in table.names("error."):
            below = [row["iteration"] for row in table.having(f"error.{way}").rows if row[f"error.{way}"] < 1e-12]
            found[f"iterations.{way}"] = min(below, default=float(self.iterations + 1))
        return found

    def plot(self, table: Table) -> Figure:
        """Draw the error of each method against the iterations."""
        figure = new_figure()
        axes = figure.subplots()
        for number, (way, (label, _)) in enumerate(self._ways().items()):
            its = table.having(f"error.{way}")
            errors = np.maximum(its[f"error.{way}"], _EXACT)
            if way in _WAYS:
                style, color, size = _LOOKS[number]
                look: dict[str, Any] = {"color": color, "markersize": size, "markerfacecolor": "none"}
            else:
                style, look = "o-", {"color": group_color(number - len(_WAYS) + 1)}
            axes.semilogy(its["iteration"], errors, style, label=label, **look)
        axes.set(xlabel="iteration", ylabel=r"error $|x_n - x^*|$", ylim=(_EXACT / 4, None))
        axes.set_title(f"Newton's method for ${_EQUATIONS[self.equation].written} = 0$ from $x_0 = {self.start:g}$")
        axes.set_xticks(range(0, self.iterations + 1, max(1, self.iterations // 12)))
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
        axes.annotate(
            "0 to the last digit",
            (0, _EXACT),
            (4, 0),
            textcoords="offset points",
            fontsize=9,
            color="0.35",
            va="center",
        )
        return figure


@dataclass
class IterativeSolver(Topic):
    """An iteration can be differentiated step by step, or by the equation that its result solves.

    Dual numbers follow every step of an iteration, so its derivative converges with its result. In Heron's iteration
    for a square root both converge quadratically; in a slower one the derivative needs more steps than the value. The
    implicit function theorem needs only the result, and is as accurate as the result, whichever iteration computed it.

    Parameters
    ----------
    x
        The number whose root is taken.
    iterations
        Number of iterations of Heron's method, and of the slow one.
    """

    formula: ClassVar[str] = r"""
        y_{k+1} = \dfrac{1}{2}\left(y_k + \dfrac{x}{y_k}\right) \qquad y^2 = x \;\Rightarrow\; \dfrac{dy}{dx} = \dfrac{1}{2y}
    """  # noqa: E501 -- one line of a formula

    x: Annotated[float, Bounds(gt=0.0, le=8.0)] = 2.0
    iterations: tuple[Annotated[int, Bounds(ge=2, le=100)], Annotated[int, Bounds(ge=2, le=100)]] = (8, 30)

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the errors of the value and of both derivatives for each iteration."""
        root = float(np.sqrt(self.x))
        dual = gradmix.differentiator("dual")
        for (name, (_, step)), count in zip(_STEPS.items(), self.iterations, strict=True):
            for k in range(1, count + 1):

                def after(x: Any, k: int = k, step: Callable[[Any, Any], Any] = step) -> Any:
                    y = 1.0
                    for _ in range(k):
                        y = step(y, x)
                    return y

                implicit = gradmix.implicit_root(lambda y, x: y * y - x, after)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the equation is intentionally not solved yet
                    by_theorem = float(dual.derivative(implicit, self.x))
                followed = float(dual.derivative(after, self.x))
                yield {
                    "iteration": float(k),
                    f"{name}.value": abs(float(after(self.x)) - root) / root,
                    f"{name}.followed": abs(followed * 2 * root - 1),
                    f"{name}.theorem": abs(by_theorem * 2 * root - 1),
                }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: when each is correct to twelve digits."""
        words = {
            "value": "the value",
            "followed": "the derivative through the iterations",
            "theorem": "the derivative by the implicit function theorem",
        }
        return [
            Meaning(
                f"{name}.{what}",
                "lower",
                "iterations",
                f"{label}: first iteration with twelve digits of {meaning}",
            )
            for name, (label, _) in _STEPS.items()
            for what, meaning in words.items()
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the first iteration with a relative error below 1e-12; one beyond the last if there is none."""
        found = {}
        for meaning in self.metrics():
            its = table.having(meaning.name)
            below = [row["iteration"] for row in its.rows if row[meaning.name] < 1e-12]
            found[meaning.name] = min(below, default=float(its["iteration"].max() + 1))
        return found

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each of the two iterations, with three errors."""
        figure = new_figure()
        panels = figure.subplots(1, 2, sharey=True)
        looks = {
            "value": ("value $y_k$", "o-", "black"),
            "followed": ("derivative through the iterations", "s-", group_color(1)),
            "theorem": ("derivative by the implicit function theorem", "^--", group_color(0)),
        }
        for axes, (name, (label, _)) in zip(panels, _STEPS.items(), strict=True):
            its = table.having(f"{name}.value")
            for what, (text, style, color) in looks.items():
                errors = np.maximum(its[f"{name}.{what}"], _EXACT)
                axes.semilogy(its["iteration"], errors, style, color=color, label=text)
            axes.set_title(f"{label}: {_WRITTEN[name]}")
            axes.set_xlabel("iterations k")
        panels[0].set_ylabel("relative error")
        lines, labels = panels[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=3)
        return figure


_STEPS: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "heron": ("Heron's iteration", lambda y, x: 0.5 * (y + x / y)),
    "slow": ("a slow iteration", lambda y, x: y + (x - y * y) / 4.0),
}
"""Iteration → its label and its step, which computes the next y from y and x."""
_WRITTEN = {"heron": r"$y \leftarrow (y + x/y)/2$", "slow": r"$y \leftarrow y + (x - y^2)/4$"}
