"""The task ``cluster``: fit a clusterer to a data set, and score it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from gradmix import (
    COLLAPSED,
    Clusterer,
    Data,
    Dataset,
    Engine,
    FinishedRun,
    Iteration,
    Meaning,
    Objective,
    Result,
    Rows,
    Steps,
    StopRun,
    Task,
    Timed,
    Writer,
    groups_of,
    input_of,
    part,
    read_model,
    scores_of,
    write_model,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gradmix.arrays import IntArray

_MODEL = "model.json"


ADJUSTED_RAND_INDEX = Meaning(
    "adjusted_rand_index", "higher", "", "agreement with the true groups; 1 is perfect, 0 is random"
)
_OTHERS = (
    Meaning("n_iter", None, "iterations", "number of iterations"),
    Meaning("converged", None, "", "whether it converged"),
    Meaning("normalized_mutual_information", "higher", "", "information shared with the true groups; 1 is perfect"),
)


@dataclass
class Cluster(Task):
    """Fit a clusterer to a data set, iteration by iteration, and score the best start.

    Parameters
    ----------
    clusterer
        The clusterer.
    dataset
        The data.
    engine
        Computes the sums over the rows. It affects only the speed of a fit, never the result.
    """

    answers: ClassVar[tuple[str, ...]] = ("model", "groups", "data", "clusterer")

    clusterer: Clusterer[Any] = part("gmm")
    dataset: Dataset = part("old_faithful")
    engine: Engine = part("serial")

    def preflight(self) -> None:
        """Check that the clusterer can take the data."""
        data = self.dataset.load()
        self.clusterer.check_labels(data.labels)
        self.clusterer.check_rows(data.X)

    def compile(self) -> None:
        """Compile the kernels that the clusterer needs for these data."""
        self.clusterer.compile_for(self._rows(self.dataset.load()))

    def timed(self) -> Timed:
        """Return the call to time: a whole fit with all its starts."""
        rows = self._rows(self.dataset.load())
        return Timed(lambda: self.clusterer.exhaust(rows))

    def improves(self) -> Objective:
        """Return the objective of the clusterer."""
        return self.clusterer.objective

    def metrics(self) -> Sequence[Meaning]:
        """Describe the clusterer's criteria, the agreement with the true groups, then the clusterer's objective."""
        own, objective = self.clusterer.metrics(), self.clusterer.objective.metric
        criteria = [*takewhile(lambda each: each.name != objective, own)]
        return (*criteria, ADJUSTED_RAND_INDEX, *own[len(criteria) :], *_OTHERS)

    def run(self) -> Steps:
        """Yield every iteration of every start, then score the best start, even if the run is stopped early.

        The answer has the ``model``, the ``groups`` to which it assigns the rows (shape (n,)), the ``data`` as they
        were clustered, and the ``clusterer``.
        """
        data = self.dataset.load()
        lasts: dict[int, Iteration[Any]] = {}
        objective = self.clusterer.objective
        for iteration in self.clusterer.iterations(self._rows(data)):
            lasts[iteration.start] = iteration
            try:
                yield iteration
            except StopRun:
                break
        best = objective.best(lasts.values())
        groups = groups_of(best.estimate, data.X)
        return Result(
            metrics=self._metrics(best, groups, data),
            best_start=best.start,
            artifacts={_MODEL: partial(write_model, clusterer=self.clusterer, model=best.estimate, data=data)},
            inputs=(input_of(self.dataset, data),),
            answer=self._answer(best.estimate, groups, data),
            remarks={"dataset": data.remarks} if data.remarks else {},
        )

    def _rows(self, data: Data) -> Rows:
        labels = data.labels if self.clusterer.needs_labels else None
        return Rows(data.X, engine=self.engine, labels=labels)

    def _metrics(self, best: Iteration[Any], groups: IntArray, data: Data) -> Mapping[str, float]:
        ended = {"n_iter": float(best.step), "converged": float(best.converged)}
        if COLLAPSED in self.clusterer.metrics():
            ended[COLLAPSED.name] = float(best.collapsed)
        return {**ended, **best.metrics, **scores_of(best.estimate, data.X), **_agreement(groups, data)}

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Draw the objective by iteration, and the groups."""
        name = self.clusterer.objective.metric
        objective = next((each for each in self.clusterer.metrics() if each.name == name), Meaning(name))
        return {"fit.png": partial(_draw, run=run, objective=objective)}

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Rebuild the answer from the saved model and the current data."""
        data = self.dataset.load()
        model = read_model(artifacts / _MODEL).model_
        return self._answer(model, groups_of(model, data.X), data)

    def _answer(self, model: Any, groups: IntArray, data: Data) -> Mapping[str, Any]:
        return {"model": model, "groups": groups, "data": data, "clusterer": self.clusterer}


def _agreement(groups: IntArray, data: Data) -> Mapping[str, float]:
    """Measure how well the groups agree with the true groups, if these are known."""
    if data.labels is None:
        return {}
    from gradmix_tasks.agreement import adjusted_rand_index, normalized_mutual_information

    return {
        "adjusted_rand_index": adjusted_rand_index(data.labels, groups),
        "normalized_mutual_information": normalized_mutual_information(data.labels, groups),
    }


def _draw(path: Path, run: FinishedRun, objective: Meaning) -> None:
    from gradmix_tasks.pictures import draw_fit

    draw_fit(path, objective, run.curves(objective.name), run.best_start, **run.answer)
