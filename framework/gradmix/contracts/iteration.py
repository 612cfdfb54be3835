"""The iterations that an iterative algorithm yields, and the choice of the best start."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import NumericalError
from gradmix.contracts.meaning import Direction, Meaning

_COLLAPSED = "n_collapsed"

Estimate_co = TypeVar("Estimate_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Iteration(Generic[Estimate_co]):
    """One iteration of an iterative algorithm.

    Parameters
    ----------
    estimate
        The current estimate: a model of the data, a root, a minimum. It must not be changed afterwards.
    metrics
        Metrics by name: ``{"log_likelihood": -1130.26}``.
    converged
        Whether the algorithm stops here because it has converged.
    start
        Number of its start, from 0; the framework fills it in.
    step
        Number of the iteration within its start, from 1; the framework fills it in.
    collapsed
        Number of parts of the estimate that have collapsed, such as mixture components with zero variance. If it is not
        0, the estimate is degenerate and its metrics do not measure the quality of the fit.
    labels
        The result of the estimate's `predict` for the rows, shape (n,), if it is already known; None otherwise.
    """

    estimate: Estimate_co
    metrics: Mapping[str, float]
    converged: bool = False
    start: int = 0
    step: int = 0
    collapsed: int = 0
    labels: NDArray[np.integer[Any]] | None = None

    def numbered(self, start: int, step: int) -> Iteration[Estimate_co]:
        """Return a copy with `start` and `step` filled in; `dataclasses.replace` takes several times as long."""
        return Iteration(self.estimate, self.metrics, self.converged, start, step, self.collapsed, self.labels)


@dataclass(frozen=True, eq=False)
class Trace(Generic[Estimate_co]):
    """A start that has been computed completely.

    Parameters
    ----------
    values
        The objective after each iteration, shape (number of iterations,).
    last
        Returns the last iteration. It is called only if the start may be the best.
    """

    values: NDArray[np.float64]
    last: Callable[[], Iteration[Estimate_co]]


@dataclass(frozen=True)
class Streams(Sequence[np.random.Generator]):
    """The random generators of the starts, each with an independent stream, created on access.

    Parameters
    ----------
    entropy
        The entropy of `numpy.random.SeedSequence` that all streams are derived from; not negative.
    n_starts
        Number of starts.
    """

    entropy: int | Sequence[int]
    n_starts: int

    def __len__(self) -> int:
        return self.n_starts

    def __getitem__(self, start: Any) -> Any:
        numbers = range(self.n_starts)[start]
        return self._of(numbers) if isinstance(numbers, int) else [*map(self._of, numbers)]

    def _of(self, start: int) -> np.random.Generator:
        """Return the generator of one start: the stream of the child with this number of `SeedSequence.spawn`."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=(start,)))


BatchOfStarts = Callable[[Sequence[np.random.Generator]], "list[Trace[Estimate_co]] | None"]
"""A function that computes one start for each generator, or returns None if each start has to be iterated."""


@dataclass(frozen=True)
class Objective:
    """The metric that an algorithm improves.

    Parameters
    ----------
    metric
        Name of the metric; the metrics of every `Iteration` include it.
    maximise
        Whether higher values are better.
    unit, words, rewards_freedom
        As `unit`, `meaning` and `rewards_freedom` of a `Meaning`.
    is_estimated
        Whether iterations estimate it from a sample of the rows, so that it may become worse between iterations. The
        last iteration of a start has the exact value, which is used to compare starts.
    """

    metric: str
    maximise: bool
    unit: str = ""
    words: str = ""
    rewards_freedom: bool = False
    is_estimated: bool = False

    @property
    def meaning(self) -> Meaning:
        """The `Meaning` of the metric."""
        better: Direction = "higher" if self.maximise else "lower"
        freedom = self.rewards_freedom
        return Meaning(self.metric, better, self.unit, self.words, rewards_freedom=freedom, spoiled_by=_COLLAPSED)

    def best(self, last_iterations: Iterable[Iteration[Estimate_co]]) -> Iteration[Estimate_co]:
        """Choose the best start by its last iteration; among equals, the first.

        A degenerate start is chosen only if all starts are degenerate; it then counts as not converged.

        Raises
        ------
        NumericalError
            If the objective of every start is NaN.
        """
        sign = 1.0 if self.maximise else -1.0
        usable = [last for last in last_iterations if last.metrics[self.metric] == last.metrics[self.metric]]
        if not usable:
            raise NumericalError(f"{self.metric} is NaN in every start.")
        best = max(usable, key=lambda last: (not last.collapsed, sign * last.metrics[self.metric], -last.start))
        return replace(best, converged=False) if best.converged and best.collapsed else best


def best_trace(objective: Objective, traces: Sequence[Trace[Estimate_co]]) -> Iteration[Estimate_co]:
    """Return the last iteration of the best start, chosen as in `Objective.best`.

    Raises
    ------
    NumericalError
        If the objective of every start is NaN.
    """
    ends = [float(trace.values[-1]) for trace in traces]
    seen: list[Iteration[Estimate_co]] = []
    numbers = [start for start, end in enumerate(ends) if end == end]
    numbers.sort(key=ends.__getitem__, reverse=objective.maximise)  # stable: among equals, the first stays first
    for start in numbers:
        seen.append(traces[start].last().numbered(start, len(traces[start].values)))
        if not seen[-1].collapsed:
            return seen[-1]
    return objective.best(seen)


def last_of_each_start(iterations: Iterable[Iteration[Estimate_co]]) -> Iterator[Iteration[Estimate_co]]:
    """Exhaust `iterations`, and yield the last one of each start."""
    for _, of_one_start in groupby(iterations, key=attrgetter("start")):
        yield from deque(of_one_start, maxlen=1)


LOG_LIKELIHOOD = Objective(
    "log_likelihood", maximise=True, unit="nats", words="total log-likelihood of the data", rewards_freedom=True
)
INERTIA = Objective("inertia", maximise=False, words="sum of squared distances to the centers", rewards_freedom=True)
COLLAPSED = Meaning(_COLLAPSED, None, "", "collapsed components; if there are any, the estimate is degenerate")
"""A metric for clusterers whose iterations set `collapsed`; if they declare it, the task ``cluster`` reports it."""
