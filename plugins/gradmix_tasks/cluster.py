"""The task ``cluster``: fit a clusterer to a data set, and score it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gradmix import Clusterer, Data, Dataset, Iteration, Result, Steps, Task, Timed, input_of, part, write_model


@dataclass
class Cluster(Task):
    """Fit a clusterer to a data set, iteration by iteration, and score the best start.

    Parameters
    ----------
    clusterer
        The clusterer.
    dataset
        The data.
    """

    clusterer: Clusterer[Any] = part("gmm")
    dataset: Dataset = part("old_faithful")

    def preflight(self) -> None:
        """Check that the clusterer can take the data."""
        self.clusterer.check_rows(self.dataset.load().X)

    def timed(self) -> Timed:
        """A whole fit, all starts of it."""
        X = self.dataset.load().X
        return Timed(lambda: self.clusterer.exhaust(X))

    def run(self) -> Steps:
        """Yield every iteration of every start; score the best."""
        data = self.dataset.load()
        curves: list[list[float]] = []
        lasts: list[Iteration[Any]] = []
        objective = self.clusterer.objective
        for iteration in self.clusterer.iterations(data.X):
            yield iteration
            if iteration.start == len(curves):
                curves.append([])
                lasts.append(iteration)
            curves[-1].append(iteration.metrics[objective.metric])
            lasts[-1] = iteration
        best = objective.best(lasts)
        return Result(
            metrics=_metrics(best, data),
            best_start=best.start,
            artifacts={"model.json": partial(write_model, clusterer=self.clusterer, model=best.estimate, data=data)},
            pictures={"fit.png": partial(_draw, metric=objective.metric, curves=curves, best=best, data=data)},
            inputs=(input_of(self.dataset, data),),
        )


def _metrics(best: Iteration[Any], data: Data) -> Mapping[str, float]:
    ended = {"n_iter": float(best.step), "converged": float(best.converged)}
    return {**ended, **best.metrics, **best.estimate.scores(data.X), **_agreement(best, data)}


def _agreement(best: Iteration[Any], data: Data) -> Mapping[str, float]:
    """How well the groups agree with the true ones, where these are known."""
    if data.labels is None:
        return {}
    from gradmix_tasks.agreement import adjusted_rand_index, normalized_mutual_information

    groups = best.estimate.predict(data.X)
    return {
        "adjusted_rand_index": adjusted_rand_index(data.labels, groups),
        "normalized_mutual_information": normalized_mutual_information(data.labels, groups),
    }


def _draw(path: Any, **what: Any) -> None:
    from gradmix_tasks.pictures import draw_fit

    draw_fit(path, **what)
