"""Applications of derivatives: five from the lecture, each solved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import (
    Bounds,
    ConfigError,
    Equations,
    InitialValue,
    LeastSquares,
    Meaning,
    Minimum,
    Problem,
    Question,
    group_color,
    part,
)
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix.arrays import Array

_LEAST = 1e-30
"""Value at which an objective of 0 is drawn."""
_OPTIMISERS: Mapping[str, tuple[str, str]] = {
    "gradient_descent": ("gradient descent", "gradients"),
    "scipy_optimize": ("BFGS", "gradients"),
    "newton": ("Newton", "gradients and Hessians"),
}
_STATES = ("y_1", r"10^4\,y_2", "y_3")


@dataclass
class Applications(Topic):
    """Equations, minima, inverse problems, networks and stiff equations are solved by the same derivatives.

    Each panel is a problem that the lecture names, solved with derivatives by dual numbers or the tape. None of the
    programs has a derivative written by hand. The last panel shows how many gradients, Jacobians and Hessians each
    solution took.

    Parameters
    ----------
    equations
        Problem whose question is a root.
    minimum
        Problem whose question is a minimum.
    inverse
        Problem whose question is a least-squares fit.
    stiff
        Problem whose question is an initial value problem with three unknowns.
    hidden
        Number of hidden units of the network.
    training
        Maximum number of iterations of the network's training.
    data_seed
        Seed of the network's data and start.
    """

    formula: ClassVar[str] = r"x \leftarrow x - J^{-1}F(x) \qquad \min_x f(x) \qquad y' = f(t, y)"

    hidden: Annotated[int, Bounds(ge=1, le=100)] = 8
    training: Annotated[int, Bounds(ge=1, le=2000)] = 300
    data_seed: Annotated[int, Bounds(ge=0)] = 0
    equations: Problem = part("kepler")
    minimum: Problem = part("rosenbrock")
    inverse: Problem = part("diffusion")
    stiff: Problem = part("robertson")

    def check(self) -> None:
        """Check that each problem has the question that its panel shows."""
        super().check()
        wanted: Mapping[str, type[Question]] = {
            "equations": Equations,
            "minimum": Minimum,
            "inverse": LeastSquares,
            "stiff": InitialValue,
        }
        for name, kind in wanted.items():
            question = getattr(self, name).question()
            if not isinstance(question, kind):
                actual = "nothing" if question is None else question.asks_for
                raise ConfigError(f"topic.{name} must ask for {kind.asks_for}; the chosen problem asks for {actual}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the iterations of each application, the network's curves, and the equation's solution."""
        yield from self._iterations("newton", "newton", self.equations, "error")
        for name in _OPTIMISERS:
            yield from self._iterations(f"minimum.{name}", name, self.minimum, "objective", max_iter=100)
        yield from self._iterations("inverse", "levenberg_marquardt", self.inverse, "objective")
        yield from self._network()
        yield from self._course()

    def _iterations(
        self, name: str, solver: str, problem: Problem, metric: str, **options: Any
    ) -> Iterator[Mapping[str, float]]:
        for each in gradmix.solver(solver, **options).iterations(_question_of(problem)):
            derivatives = each.metrics["derivative_evaluations"]
            yield {"iteration": float(each.step), name: float(each.metrics[metric]), f"derivatives.{name}": derivatives}

    def _network(self) -> Iterator[Mapping[str, float]]:
        x, y, start = self._data
        question = Minimum(lambda w: np.mean((self._output(w, x) - y) ** 2), start)
        weights, steps = start, 0.0
        for each in gradmix.solver("scipy_optimize", max_iter=self.training, tol=1e-6).iterations(question):
            weights, steps = each.estimate, each.metrics["derivative_evaluations"]
        loss = float(np.mean((self._output(weights, x) - y) ** 2))
        yield {"network": loss, "derivatives.network": steps}
        for at in np.linspace(-1.0, 1.0, 81):
            before, after = (float(self._output(w, np.array([at]))[0]) for w in (start, weights))
            yield {"x": float(at), "network.before": before, "network.after": after}

    @cached_property
    def _data(self) -> tuple[Array, Array, Array]:
        """Draw inputs, noisy values of a sine, and the initial weights."""
        rng = np.random.default_rng(self.data_seed)
        x = np.sort(rng.uniform(-1.0, 1.0, 40))
        y = np.sin(3.0 * x) + 0.1 * rng.standard_normal(40)
        return x, y, 0.5 * rng.standard_normal(3 * self.hidden + 1)

    def _output(self, weights: Any, x: Array) -> Any:
        """Return the output of a network with one hidden layer of tanh."""
        k = self.hidden
        hidden = np.tanh(x[:, None] * weights[:k] + weights[k : 2 * k])
        return np.matmul(hidden, weights[2 * k : 3 * k]) + weights[3 * k]

    def _course(self) -> Iterator[Mapping[str, float]]:
        for each in gradmix.solver("scipy_ode", method="Radau").iterations(_question_of(self.stiff)):
            states = {f"stiff.{i}": float(value) for i, value in enumerate(each.estimate, start=1)}
            yield {"time": each.metrics["t"], **states, "derivatives.stiff": each.metrics["derivative_evaluations"]}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: what each application reached, and how many derivatives it took."""
        return (
            Meaning("newton", "lower", "", "Newton's method: error of the root"),
            Meaning("minimum.newton", "lower", "", "minimum: objective at the end of Newton's method"),
            Meaning("inverse", "lower", "", "inverse problem: misfit at the end"),
            Meaning("network", "lower", "", "network: mean squared error of the fit"),
            *(
                Meaning(f"derivatives.{name}", "lower", "calls", f"{label}: derivatives")
                for name, label in _COUNTED.items()
            ),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the last number of each."""
        return {meaning.name: float(table[meaning.name][-1]) for meaning in self.metrics()}

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each application, and one for the numbers of derivatives."""
        figure = new_figure()
        panels = figure.subplots(2, 3)
        _draw_newton(panels[0, 0], table.having("newton"))
        _draw_minimum(panels[0, 1], table)
        _draw_inverse(panels[0, 2], table.having("inverse"))
        self._draw_network(panels[1, 0], table.having("x"))
        _draw_stiff(panels[1, 1], table.having("time"))
        _draw_counts(panels[1, 2], self.summary(table))
        return figure

    def _draw_network(self, axes: Axes, its: Table) -> None:
        x, y, _ = self._data
        axes.plot(x, y, "o", color="0.6", markersize=3.5, label="data")
        axes.plot(its["x"], its["network.before"], ":", color="black", linewidth=1.2, label="before")
        axes.plot(its["x"], its["network.after"], color=group_color(1), label="trained")
        axes.set(xlabel="x", ylim=(y.min() - 0.3, y.max() + 1.6), title="a small neural network")
        axes.legend(loc="upper center", ncols=3, fontsize=8, handlelength=1.2, columnspacing=0.8)


_COUNTED = {
    "newton": "Newton",
    "minimum.gradient_descent": "gradient descent",
    "minimum.scipy_optimize": "BFGS",
    "minimum.newton": "Newton, minimum",
    "inverse": "inverse problem",
    "network": "network",
    "stiff": "stiff equation",
}


def _question_of(problem: Problem) -> Question:
    """Return the question of a problem, which has been checked to have one."""
    question = problem.question()
    if question is None:
        raise ConfigError(f"the problem {type(problem).__name__} poses no question to a solver; choose one that does.")
    return question


def _draw_newton(axes: Axes, its: Table) -> None:
    errors = np.maximum(its["newton"], 1e-17)
    axes.semilogy(its["iteration"], errors, "o-", color=group_color(0))
    axes.set(xlabel="iteration", ylabel="error", title="a nonlinear equation", xticks=its["iteration"])


def _draw_minimum(axes: Axes, table: Table) -> None:
    for number, (name, (label, _)) in enumerate(_OPTIMISERS.items()):
        its = table.having(f"minimum.{name}")
        values = np.maximum(its[f"minimum.{name}"], _LEAST)
        axes.semilogy(its["iteration"], values, ("-", "--", ":")[number], color=group_color(number), label=label)
    low, high = axes.get_ylim()
    axes.set(xlabel="iteration", ylabel="objective", title="a minimum", ylim=(low, high * 1e14))
    axes.legend(loc="upper right", fontsize=8)


def _draw_inverse(axes: Axes, its: Table) -> None:
    axes.semilogy(its["iteration"], np.maximum(its["inverse"], _LEAST), "o-", color=group_color(2))
    axes.set(xlabel="iteration", ylabel="misfit", title="an inverse problem")


def _draw_stiff(axes: Axes, its: Table) -> None:
    for number, (state, style) in enumerate(zip(_STATES, ("-", "--", ":"), strict=True)):
        factor = 1e4 if number == 1 else 1.0
        values = factor * its[f"stiff.{number + 1}"]
        axes.semilogx(its["time"], values, style, color=group_color(number), label=f"${state}$")
    axes.set(xlabel="time t", ylim=(-0.05, 1.5), title="a stiff equation")
    axes.legend(loc="upper center", ncols=3, fontsize=8, handlelength=1.4, columnspacing=0.8)


def _draw_counts(axes: Axes, found: Mapping[str, float]) -> None:
    names = list(_COUNTED)
    counts = [found[f"derivatives.{name}"] for name in names]
    axes.barh(range(len(names)), counts, color="0.75", height=0.6)
    for y, count in enumerate(counts):
        axes.text(count, y, f" {count:.0f}", va="center", fontsize=8.5)
    axes.set_yticks(range(len(names)), [_COUNTED[name] for name in names], fontsize=8.5)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.22 * max(counts)), xlabel="calls", title="derivatives computed")
    axes.grid(visible=False, axis="y")
