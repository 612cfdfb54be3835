"""Expectation maximisation, iteration by iteration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import gradmix
from gradmix import LOG_LIKELIHOOD, ConfigError, Dataset, Meaning, NonNegativeInt, PositiveInt, group_color, part
from gradmix_lecture.gallery.drawing import new_figure, with_minus
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.mixtures import mixture_of, random_start, row_of, rows_of, started_at
from gradmix_lecture.topics.plane import blended, draw_gaussians, draw_rows, limits, name_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix import Data

_MOST_PANELS = 8


@dataclass
class EMIterations(Topic):
    """EM pulls the components apart, and each iteration makes the data more likely.

    The E-step assigns every point to all components in part: its colour blends theirs by its responsibilities. The
    M-step recomputes each component's mean, covariance and weight from its share of the points. The log-likelihood
    never falls, but it may rise slowly for a while before the components separate.

    Parameters
    ----------
    dataset
        Data set with two columns.
    n_components
        Number of Gaussians.
    shown
        Iterations that have a panel, at most 8, in rising order: 0 is the start, and the last one is the end of EM.
    start_seed
        Seed for choosing rows as initial means; all components begin with the covariance of all rows.
    """

    formula: ClassVar[str] = r"""
        P(Y_j = k \,|\, x_j, \lambda_t) \propto p_k^{(t)} P(x_j \,|\, \mu_k^{(t)}, \Sigma_k^{(t)})
        \mu_k^{(t+1)} = \dfrac{\sum_j P(Y_j = k \,|\, x_j, \lambda_t)\, x_j}{\sum_j P(Y_j = k \,|\, x_j, \lambda_t)}
    """
    counted: ClassVar[str] = "iteration"

    dataset: Dataset = part("mixture")
    n_components: PositiveInt = 3
    shown: tuple[NonNegativeInt, ...] = (0, 1, 2, 3, 4, 5, 6, 20)
    start_seed: NonNegativeInt = 0

    def check(self) -> None:
        """Check that there are panels, in rising order."""
        super().check()
        shown = self.shown
        if not 1 <= len(shown) <= _MOST_PANELS or list(shown) != sorted(set(shown)) or shown[-1] == 0:
            raise ConfigError(
                f"topic.shown must be 1 to {_MOST_PANELS} iterations in increasing order, the last one above 0; "
                f"given: {list(shown)}."
            )

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the mixture and the log-likelihood of the start and of each iteration."""
        X = rows_of(self.dataset, 2).X
        start = random_start(X, self.n_components, self.start_seed)
        yield {"iteration": 0.0, "log_likelihood": start.log_likelihood(X), **row_of(start)}
        em = gradmix.clusterer("gmm", tol=0.0, max_iter=self.shown[-1], **started_at(start))
        for each in em.iterations(X):
            yield {"iteration": float(each.step), **each.metrics, **row_of(each.estimate)}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the log-likelihoods."""
        return (
            Meaning("log_likelihood.start", None, "nats", "log-likelihood at the start"),
            Meaning("log_likelihood.first", None, "nats", "log-likelihood after the first iteration"),
            Meaning("log_likelihood.last", "higher", LOG_LIKELIHOOD.unit, "log-likelihood after the last iteration"),
            Meaning("iterations", None, "", "iterations"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the log-likelihoods of the start, the first and the last iteration."""
        values = table["log_likelihood"]
        return {
            "log_likelihood.start": float(values[0]),
            "log_likelihood.first": float(values[1]),
            "log_likelihood.last": float(values[-1]),
            "iterations": float(table["iteration"][-1]),
        }

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each iteration in `shown`; EM may converge before the last."""
        data, figure = self.dataset.load(), new_figure()
        steps = sorted({min(step, len(table) - 1) for step in self.shown})
        n_columns = min(len(steps), 4)
        panels = figure.subplots(
            -(-len(steps) // n_columns), n_columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        for axes, step in zip(panels, steps, strict=False):
            self._draw(axes, table.rows[step], data)
            axes.set_title(_title(table.rows[step], step == 0))
        for axes in panels[len(steps) :]:
            axes.remove()
        names = [axes for axes in panels[: len(steps)] if axes.get_subplotspec().is_first_col()]
        for axes in names:
            name_axes(axes, data)
            axes.set_xlabel("")
        for axes in panels[max(0, len(steps) - n_columns) : len(steps)]:
            name_axes(axes, data)
            axes.set_ylabel(axes.get_ylabel() if axes in names else "")
            axes.tick_params(labelbottom=True)
        return figure

    def _draw(self, axes: Axes, row: Mapping[str, float], data: Data) -> None:
        mixture = mixture_of(row)
        draw_rows(axes, data.X, blended(mixture.predict_proba(data.X)))
        draw_gaussians(axes, mixture)
        across, up = limits(data.X)
        axes.set(xlim=across, ylim=up)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield points and components of each iteration, and the log-likelihood up to it."""
        data = self.dataset.load()
        for row in table.rows:
            figure = new_figure()
            plane, curve = figure.subplots(1, 2, width_ratios=(3, 2))
            self._draw(plane, row, data)
            name_axes(plane, data)
            plane.set_title("ellipses of 1 and 2 standard deviations")
            curve.plot(table["iteration"], table["log_likelihood"], color="0.6")
            curve.plot(row["iteration"], row["log_likelihood"], "o", color=group_color(1), markersize=9)
            curve.set(xlabel="iteration", title="log-likelihood [nats]")
            yield with_minus(f"iteration {row['iteration']:.0f}: {row['log_likelihood']:.2f} nats"), figure


@dataclass
class EMOnOldFaithful(EMIterations):
    """EM finds the two kinds of eruption of Old Faithful without ever being shown one.

    Each point is an eruption: its duration, and the waiting time until the next one. Both components begin
    as wide as all points together. Within a few iterations one covers the short eruptions and the other the
    long ones, and hardly a point remains between them.
    """

    dataset: Dataset = part("old_faithful")
    n_components: PositiveInt = 2


def _title(row: Mapping[str, float], is_start: bool) -> str:
    name = "start" if is_start else f"iteration {row['iteration']:.0f}"
    return with_minus(f"{name}: {row['log_likelihood']:.1f} nats")
