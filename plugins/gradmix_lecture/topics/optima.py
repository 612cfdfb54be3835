"""The result of EM: which of many optima it reaches, and how fast compared with gradient ascent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import ConfigError, Dataset, Meaning, NameOf, PositiveInt, Seed, group_color, part
from gradmix_lecture.gallery.drawing import new_figure, with_minus
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.mixtures import mixture_of, ordered, row_of, rows_of
from gradmix_lecture.topics.plane import blended, draw_gaussians, draw_rows, name_axes, scale_alike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SAME = 0.01
"""Starts whose log-likelihoods differ by less than this, in nats, have reached the same optimum."""
_SHOWN = 4
"""Number of optima that have a panel; the best ones are shown."""
_LEAST_GAP = 1e-7
"""Smallest distance below the best, in nats, that is drawn, as a logarithmic axis has no 0."""


@dataclass
class LocalOptima(Topic):
    """EM ends at the optimum to which its start leads, so it is started often and the best result is kept.

    The likelihood of a mixture has many local optima. EM from random points ends at one of them, and nothing in its
    result shows whether a better one exists. From some starts, several components share a group, or one component
    covers two groups.

    Parameters
    ----------
    dataset
        Data set with two columns.
    n_components
        Number of Gaussians.
    n_init
        Number of starts.
    random_state
        Seed of the starts.
    """

    formula: ClassVar[str] = r"\arg\max_\theta \prod_j P(x_j) = \arg\max_\theta \prod_j \sum_{k=1}^{K} P(Y_j = k, x_j)"

    dataset: Dataset = part("old_faithful")
    n_components: PositiveInt = 3
    n_init: PositiveInt = 60
    random_state: Seed = None

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the result of each start."""
        X = rows_of(self.dataset, 2).X
        gmm = gradmix.clusterer(
            "gmm",
            n_components=self.n_components,
            n_init=self.n_init,
            init_params="random_from_data",
            tol=1e-10,
            max_iter=5000,
            random_state=self.random_state,
        )
        ends: dict[int, Any] = {}
        for each in gmm.iterations(X):
            ends[each.start] = each
        for start, last in ends.items():
            yield {
                "start": float(start),
                "iterations": float(last.step),
                "log_likelihood": last.metrics["log_likelihood"],
                "collapsed": float(last.collapsed),
                **row_of(ordered(last.estimate)),
            }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the numbers about optima."""
        return (
            Meaning("n_optima", None, "", "different optima reached"),
            Meaning("n_best", None, "", "starts that reached the best optimum"),
            Meaning("log_likelihood.best", "higher", "nats", "log-likelihood of the best optimum"),
            Meaning("log_likelihood.worst", None, "nats", "log-likelihood of the worst optimum"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return how many optima there are, and how often the best was reached."""
        values, (best, *others) = table["log_likelihood"], optima(table)
        return {
            "n_optima": 1.0 + len(others),
            "n_best": float(len(best)),
            "log_likelihood.best": float(values[best[0]]),
            "log_likelihood.worst": float(values[[best, *others][-1][-1]]),
        }

    def plot(self, table: Table) -> Figure:
        """Draw where each start ended, and the mixtures of the best optima."""
        figure, X, found = new_figure(), self.dataset.load().X, optima(table)
        shown = found[:_SHOWN]
        parts = figure.add_gridspec(2, 4)
        n_columns = 2 if len(shown) > 1 else 1
        self._draw_ends(figure.add_subplot(parts[:, :2]), table, found)
        for number, starts in enumerate(shown):
            row, column = divmod(number, n_columns)
            axes = figure.add_subplot(parts[row, 2 + column])
            mixture = mixture_of(table.rows[starts[0]])
            draw_rows(axes, X, blended(mixture.predict_proba(X)), 2.4)
            draw_gaussians(axes, mixture)
            scale_alike(axes, X)
            name_axes(axes, self.dataset.load())
            axes.label_outer()
            times = "1 start" if len(starts) == 1 else f"{len(starts)} starts"
            axes.set_title(with_minus(f"{'ABCD'[number]}: {times}"))
        return figure

    def _draw_ends(self, axes: Axes, table: Table, found: Sequence[Sequence[int]]) -> None:
        values, place = table["log_likelihood"], 0
        named: list[tuple[float, float]] = []
        reach = max(float(np.ptp(values)), 1e-9)
        for number, starts in enumerate(found):
            at = np.arange(place, place + len(starts)) + 1
            color = group_color(number) if number < _SHOWN else "0.5"
            axes.plot(at, values[list(starts)], "o", color=color, markersize=6)
            here = float(at.mean()), float(values[starts[0]])
            is_free = all(abs(here[0] - x) > 0.08 * len(values) or here[1] < y - 0.08 * reach for x, y in named)
            if number < _SHOWN and is_free:
                named.append(here)
                axes.annotate(
                    "ABCD"[number],
                    here,
                    xytext=(0, 7),
                    textcoords="offset points",
                    ha="center",
                    color=color,
                )
            place += len(starts)
        axes.margins(y=0.09)
        axes.set(xlabel="starts, best first", title="log-likelihood at the end [nats]")


def optima(table: Table) -> Sequence[Sequence[int]]:
    """Group starts by their optimum, the best first; omit collapsed ones, unless all have collapsed."""
    values, collapsed = table["log_likelihood"], table["collapsed"] > 0
    usable = np.flatnonzero(~collapsed | collapsed.all())
    found: list[list[int]] = []
    for start in usable[np.argsort(-values[usable], kind="stable")].tolist():
        if found and values[found[-1][0]] - values[start] <= _SAME:
            found[-1].append(start)
        else:
            found.append([start])
    return found


@dataclass
class EMAndGradientAscent(Topic):
    """EM and gradient ascent reach the same optimum; an iteration of EM costs far less.

    Both begin at the same start. Gradient ascent is L-BFGS here, with gradients by automatic differentiation of the
    log-likelihood; it approximates curvature and needs a line search. EM needs neither. The picture shows the
    difference from the best log-likelihood, by iteration and by processor time.

    Parameters
    ----------
    dataset
        The rows.
    n_components
        Number of Gaussians.
    differentiators
        Differentiators for the gradients, at most three.
    random_state
        Seed of the start.
    """

    formula: ClassVar[str] = r"\log L(\theta) = \sum_j \log \sum_{k=1}^{K} P(Y_j = k, x_j \,|\, \theta)"

    dataset: Dataset = part("old_faithful")
    n_components: PositiveInt = 2
    differentiators: Annotated[tuple[str, ...], NameOf("differentiator")] = ("tape", "dual")
    random_state: Seed = None

    def check(self) -> None:
        """Check that there are differentiators, and that none is repeated."""
        super().check()
        if not 1 <= len(set(self.differentiators)) == len(self.differentiators) <= 3:
            given = ", ".join(self.differentiators) or "none"
            raise ConfigError(f"topic.differentiators must be 1 to 3 different differentiators; given: {given}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield log-likelihood and processor time after each iteration, one method after the other; 0 is EM."""
        X = self.dataset.load().X
        for way, make in enumerate(self._ways()):
            make(max_iter=2).exhaust(X)  # imports and compiles
            began = time.process_time()
            for each in make().iterations(X):
                seconds = time.process_time() - began
                yield {"way": float(way), "iteration": float(each.step), "seconds": seconds, **each.metrics}

    def _ways(self) -> Iterator[Any]:
        def made(name: str, **options: Any) -> Any:
            common = {"n_components": self.n_components, "init_params": "random_from_data", "tol": 1e-10}
            return lambda **more: gradmix.clusterer(
                name, random_state=self.random_state, **{**common, **options, **more}
            )

        yield made("gmm")
        for name in self.differentiators:
            yield made("gmm_gradient", differentiator=name)

    def _names(self) -> Sequence[str]:
        return ["EM", *(f"gradient ascent, {name}" for name in self.differentiators)]

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of each method's cost and result."""
        return [
            meaning
            for way, name in zip(("em", *self.differentiators), self._names(), strict=True)
            for meaning in (
                Meaning(f"log_likelihood.{way}", "higher", "nats", f"{name}: log-likelihood at the end"),
                Meaning(f"iterations.{way}", "lower", "", f"{name}: iterations"),
                Meaning(f"seconds.{way}", "lower", "s", f"{name}: processor time", is_timing=True),
            )
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return each method's cost and result."""
        ends = {name: table.where("way", way).rows[-1] for way, name in enumerate(("em", *self.differentiators))}
        return {
            f"{metric}.{name}": row[column]
            for name, row in ends.items()
            for metric, column in (
                ("log_likelihood", "log_likelihood"),
                ("iterations", "iteration"),
                ("seconds", "seconds"),
            )
        }

    def plot(self, table: Table) -> Figure:
        """Draw the difference from the best log-likelihood, by iteration and by time."""
        figure, best = new_figure(), table["log_likelihood"].max()
        by_iteration, by_time = figure.subplots(1, 2, sharey=True)
        for way, name in enumerate(self._names()):
            own = table.where("way", way)
            gap = np.maximum(best - own["log_likelihood"], _LEAST_GAP)
            style = ("-o", "--s", ":^", "-.D")[way]
            color = group_color(1 if way == 0 else 0 if way == 1 else way)
            by_iteration.semilogy(own["iteration"], gap, style, color=color, label=name)
            by_time.loglog(1000 * own["seconds"], gap, style, color=color)
        by_iteration.set(xlabel="iteration", title="log-likelihood below the best [nats]")
        by_time.set(xlabel="processor time [ms]")
        by_time.xaxis.set_minor_formatter("")
        figure.legend(*by_iteration.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return figure
