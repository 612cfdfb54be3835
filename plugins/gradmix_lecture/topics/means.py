"""The lecture's example in one dimension: two Gaussians of known width and weight, but unknown means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import gradmix
from gradmix import ConfigError, Dataset, Differentiator, Meaning, PositiveFloat, PositiveInt, group_color, part
from gradmix_lecture.gallery.drawing import new_figure, with_minus
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.mixtures import gaussians, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix.arrays import Array

_WAYS = {"em": ("EM", "-o", 1), "ascent": ("gradient ascent", "--s", 0)}
"""Method → its name, the style of its path, and the number of its colour."""

_LEAST = 1e-6
"""Smallest distance below the best, in nats, that is drawn, as a logarithmic axis has no 0."""

_AT_THE_END = (("mu.1", "", "μ₁"), ("mu.2", "", "μ₂"), ("log_likelihood", "nats", "log-likelihood"))

_HALF = np.array([0.5, 0.5])


def log_likelihood(mu: Any, x: Array) -> Any:
    """Return the log-likelihood of two Gaussians of weight ½ and variance 1; the means may be traced."""
    log_joint = np.logaddexp(-0.5 * (x - mu[0]) ** 2, -0.5 * (x - mu[1]) ** 2)
    return np.sum(log_joint) - len(x) * np.log(2 * np.sqrt(2 * np.pi))


def one_m_step(mu: Any, x: Array) -> Array:
    """Return the means after one iteration of `gmm`."""
    gmm = gradmix.clusterer("gmm", update="means", means_init=np.reshape(mu, (2, 1)), max_iter=1, tol=0.0)
    means: Array = next(iter(gmm.iterations(x[:, None]))).estimate.means[:, 0]
    return means


@dataclass
class MeansOnly(Topic):
    """EM climbs the likelihood without a step size, and faster than gradient ascent with a fixed one.

    Two Gaussians with σ = 1 and equal weights have only two unknowns, so the log-likelihood is a landscape. It has two
    equal peaks, as the two means may be exchanged. EM goes uphill, too: each of its steps is the gradient, divided by
    the number of points for which the component is responsible.

    Parameters
    ----------
    dataset
        Data set with one column.
    start
        Start of both methods: μ₁ and μ₂. If they are equal, neither method can separate them.
    iterations
        Number of iterations.
    rate
        Step size of gradient ascent on the mean log-likelihood per row.
    differentiator
        Differentiator for the gradient.
    """

    formula: ClassVar[str] = r"""
        \mu_k = \dfrac{\sum_{j=1}^m P(Y_j = k \,|\, x_j)\, x_j}{\sum_{j=1}^m P(Y_j = k \,|\, x_j)}
    """
    counted: ClassVar[str] = "iteration"

    dataset: Dataset = part("mixture")
    start: tuple[float, float] = (-3.5, -3.0)
    iterations: PositiveInt = 12
    rate: PositiveFloat = 1.0
    differentiator: Differentiator = part("tape")

    def check(self) -> None:
        """Check that the means differ at the start."""
        super().check()
        if self.start[0] == self.start[1]:
            raise ConfigError(f"topic.start must be two different means; both are {self.start[0]:g}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the means and their log-likelihood, by iteration and method."""
        x = rows_of(self.dataset, 1).X[:, 0]
        means = dict.fromkeys(_WAYS, np.array(self.start))
        for iteration in range(self.iterations + 1):
            row = {"iteration": float(iteration)}
            for way, mu in means.items():
                row |= {f"{way}.mu.1": float(mu[0]), f"{way}.mu.2": float(mu[1])}
                row[f"{way}.log_likelihood"] = float(log_likelihood(mu, x))
            yield row
            ascent = means["ascent"]
            gradient = self.differentiator.gradient(lambda mu: log_likelihood(mu, x) / len(x), ascent)
            means = {"em": one_m_step(means["em"], x), "ascent": ascent + self.rate * gradient}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of each method's result."""
        return [
            Meaning(f"{way}.{number}", None, unit, f"{name}, last iteration: {meaning}")
            for way, (name, _, _) in _WAYS.items()
            for number, unit, meaning in _AT_THE_END
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the means and the log-likelihood of the last iteration."""
        return {meaning.name: float(table[meaning.name][-1]) for meaning in self.metrics()}

    def plot(self, table: Table) -> Figure:
        """Draw the landscape with both paths, the data with the final mixture, and the log-likelihoods."""
        return self._draw(table, len(table) - 1)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield the same picture up to each iteration."""
        for last, row in enumerate(table.rows):
            values = f"EM {row['em.log_likelihood']:.2f}, ascent {row['ascent.log_likelihood']:.2f}"
            yield with_minus(f"iteration {last}: {values} nats"), self._draw(table, last)

    def _draw(self, table: Table, last: int) -> Figure:
        x = rows_of(self.dataset, 1).X[:, 0]
        figure = new_figure()
        parts = figure.add_gridspec(2, 2, width_ratios=(5, 4))
        self._draw_landscape(figure.add_subplot(parts[:, 0]), table, x, last)
        self._draw_data(figure.add_subplot(parts[0, 1]), table.rows[last], x)
        climb = figure.add_subplot(parts[1, 1])
        best = max(table[f"{way}.log_likelihood"].max() for way in _WAYS)
        for way, (name, style, color) in _WAYS.items():
            gap = np.maximum(best - table[f"{way}.log_likelihood"], _LEAST)
            climb.plot(table["iteration"], gap, color="0.85")
            climb.plot(table["iteration"][: last + 1], gap[: last + 1], style, color=group_color(color), label=name)
        climb.set(xlabel="iteration", title="log-likelihood below the best [nats]", yscale="log")
        climb.legend(loc="upper right")
        return figure

    def _draw_landscape(self, axes: Axes, table: Table, x: Array, last: int) -> None:
        reach = np.abs([x.min(), x.max(), *self.start]).max() + 0.3
        at = np.linspace(-reach, reach, 45)
        heights = np.array([[log_likelihood((a, b), x) for a in at] for b in at])
        top = heights.max()
        levels = [*(top - np.geomspace(top - heights.min(), 2.0, 12)), top + 1e-9]
        greys = [str(grey) for grey in np.linspace(0.66, 0.99, len(levels) - 1)]
        axes.contourf(at, at, heights, levels=levels, colors=greys)
        axes.contour(at, at, heights, levels=levels[:-1], colors="0.6", linewidths=0.4, linestyles="solid")
        axes.plot(at, at, ":", color="0.3", linewidth=0.9)
        axes.text(reach * 0.97, reach * 0.86, r"$\mu_1 = \mu_2$", ha="right", va="top", fontsize=9)
        for way, (_, style, color) in _WAYS.items():
            path = [table[f"{way}.mu.{k}"][: last + 1] for k in (1, 2)]
            axes.plot(*path, style, color=group_color(color), markeredgecolor="white", markersize=6)
        axes.set(xlabel=r"$\mu_1$", ylabel=r"$\mu_2$", title="log-likelihood (lighter is higher)", aspect="equal")
        axes.grid(visible=False)

    def _draw_data(self, axes: Axes, row: Mapping[str, float], x: Array) -> None:
        mixture = gaussians(_HALF, [[row["em.mu.1"]], [row["em.mu.2"]]], np.ones((2, 1, 1)))
        at = np.linspace(x.min() - 1, x.max() + 1, 121)
        parts = np.exp(mixture.log_joint(mixture.center(at[:, None])))
        axes.hist(x, bins=24, density=True, color="0.85")
        for k, values in enumerate(parts):
            axes.plot(at, values, color=group_color(k + 2), linewidth=1.2)
        axes.plot(at, parts.sum(axis=0), color="black")
        axes.set(title="data, and EM's mixture", xlabel="x", yticks=[])


@dataclass
class LowerBound(Topic):
    """EM maximises a bound that touches the log-likelihood at the current estimate, so no step leads down.

    The E-step constructs a parabola that is nowhere above the log-likelihood and equal to it at the current estimate
    θₜ. The M-step moves to the top of the parabola, where the log-likelihood is at least as high. Only one mean is
    unknown here, so that all of this can be drawn; the other one is known.

    Parameters
    ----------
    dataset
        Data set with one column.
    start
        The first estimate θ₀.
    known
        The other mean.
    iterations
        Number of iterations.
    """

    formula: ClassVar[str] = r"""
        \sum_j \lg \sum_k P(Y_j = k, x_j \,|\, \theta) \;\geq\; \sum_j \sum_k Q_{jk} \,\lg \dfrac{P(Y_j = k, x_j \,|\, \theta)}{Q_{jk}}
        Q_{jk} = P(Y_j = k \,|\, x_j, \theta_t)
    """  # noqa: E501
    counted: ClassVar[str] = "iteration"

    dataset: Dataset = part("mixture")
    start: float = 1.0
    known: float = 2.0
    iterations: PositiveInt = 6

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the estimates; then, over the range of θ, the log-likelihood and each bound."""
        x = rows_of(self.dataset, 1).X[:, 0]
        estimates = [self.start]
        for iteration in range(self.iterations + 1):
            theta = estimates[-1]
            estimates.append(float(one_m_step((theta, self.known), x)[0]))
            value = float(log_likelihood((theta, self.known), x))
            yield {"iteration": float(iteration), "estimate": theta, "next": estimates[-1], "value": value}
        low, high = min(*estimates, x.min()) - 0.5, max(*estimates, x.max()) + 0.5
        for theta in np.linspace(low, high, 61):
            bounds = {f"bound.{t}": self._bound(float(theta), each, x) for t, each in enumerate(estimates[:-1])}
            yield {"theta": float(theta), "log_likelihood": float(log_likelihood((theta, self.known), x)), **bounds}

    def _bound(self, theta: float, estimate: float, x: Array) -> float:
        """Return the bound of the log-likelihood at θ, by the responsibilities at an estimate."""
        here, there = (gaussians(_HALF, [[mean], [self.known]], np.ones((2, 1, 1))) for mean in (theta, estimate))
        Q, joint = there.predict_proba(x[:, None]).T, here.log_joint(here.center(x[:, None]))
        log_Q = np.log(Q, where=Q > 0, out=np.zeros_like(Q))  # 0 · log 0 is 0
        return float(np.sum(Q * (joint - log_Q)))

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the first and last estimate and of the gain."""
        return (
            Meaning("estimate.first", None, "", "θ₀, the start"),
            Meaning("estimate.last", None, "", "the last estimate"),
            Meaning("gain", "higher", "nats", "increase of the log-likelihood"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the first and last estimate, and the gain."""
        estimates, values = table["estimate"], table["value"]
        return {
            "estimate.first": float(estimates[0]),
            "estimate.last": float(estimates[-1]),
            "gain": float(values[-1] - values[0]),
        }

    def plot(self, table: Table) -> Figure:
        """Draw the log-likelihood, the first bounds, and the step from each bound to the next."""
        figure = new_figure()
        axes = figure.subplots()
        self._draw_curve(axes, table)
        labelled: list[float] = []
        for row in table.having("estimate").rows[:4]:
            self._draw_bound(axes, table, row)
            if all(abs(row["estimate"] - other) > 0.06 * np.ptp(table["theta"]) for other in labelled):
                _label(axes, row["estimate"], row["value"], f"$\\theta_{row['iteration']:.0f}$")
                labelled.append(row["estimate"])
        return figure

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield each bound, the estimate at which it touches, and the next estimate."""
        for row in table.having("estimate").rows:
            figure = new_figure()
            axes = figure.subplots()
            self._draw_curve(axes, table)
            self._draw_bound(axes, table, row)
            step = with_minus(f"θ = {row['estimate']:.3f} → {row['next']:.3f}")
            yield f"iteration {row['iteration']:.0f}: {step}", figure

    def _draw_curve(self, axes: Axes, table: Table) -> None:
        values = table["log_likelihood"]
        axes.plot(table["theta"], values, color="black", linewidth=2.4)
        low, high = min(values.min(), table["value"].min()), values.max()
        axes.set_ylim(low - 0.12 * (high - low), high + 0.14 * (high - low))
        axes.set_xlabel(r"$\theta$, the unknown mean")
        axes.set_title("black: log-likelihood [nats]; coloured: the bound that touches it at each estimate")

    def _draw_bound(self, axes: Axes, table: Table, row: Mapping[str, float]) -> None:
        number = int(row["iteration"])
        color = group_color(number)
        curve = table.having("theta")
        bound = curve[f"bound.{number}"]
        axes.plot(curve["theta"], bound, color=color, linewidth=1.3)
        axes.plot(row["estimate"], row["value"], "o", color=color, markersize=8, markeredgecolor="white")
        reached = float(np.interp(row["next"], curve["theta"], curve["log_likelihood"]))
        axes.vlines(row["next"], axes.get_ylim()[0], reached, color=color, linestyle=":", linewidth=1.2)


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(text, (x, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=12)
