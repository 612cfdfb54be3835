"""What an iterative algorithm yields, and how the best of several starts is found."""

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
        Number of the estimate's parts that have collapsed, such as components of a mixture without spread: the estimate
        is degenerate, and its metrics say nothing of how well it fits.
    labels
        What the estimate's `predict` returns for the rows, shape (n,), if the iteration knows it already; None if not.
    """

    estimate: Estimate_co
    metrics: Mapping[str, float]
    converged: bool = False
    start: int = 0
    step: int = 0
    collapsed: int = 0
    labels: NDArray[np.integer[Any]] | None = None

    def numbered(self, start: int, step: int) -> Iteration[Estimate_co]:
        """The iteration with its numbers filled in; `dataclasses.replace` takes several times as long."""
        return Iteration(self.estimate, self.metrics, self.converged, start, step, self.collapsed, self.labels)


@dataclass(frozen=True, eq=False)
class Trace(Generic[Estimate_co]):
    """A start that was computed to its end.

    Parameters
    ----------
    values
        The objective after each iteration, shape (number of iterations,).
    last
        Makes the last iteration. It is called only if the start may be the best.
    """

    values: NDArray[np.float64]
    last: Callable[[], Iteration[Estimate_co]]


@dataclass(frozen=True)
class Streams(Sequence[np.random.Generator]):
    """Random numbers of each start: a generator with a stream of its own, made when it is asked for.

    Parameters
    ----------
    entropy
        What all streams follow from, as in `numpy.random.SeedSequence`: not negative.
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
        """That of `SeedSequence.spawn`'s child of the number."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=(start,)))


BatchOfStarts = Callable[[Sequence[np.random.Generator]], "list[Trace[Estimate_co]] | None"]
"""Computes a start for each generator; None if it cannot, and each start has to be iterated."""


@dataclass(frozen=True)
class Objective:
    """The metric that an algorithm improves.

    Parameters
    ----------
    metric
        Name of the metric, which every `Iteration` carries.
    maximise
        Whether more is better.
    unit, words, rewards_freedom
        As `unit`, `meaning` and `rewards_freedom` of a `Meaning`.
    is_estimated
        Whether iterations estimate it from a sample of the rows: it may then become worse on the way. The last
        iteration of a start gives its exact value, by which starts are compared.
    """

    metric: str
    maximise: bool
    unit: str = ""
    words: str = ""
    rewards_freedom: bool = False
    is_estimated: bool = False

    @property
    def meaning(self) -> Meaning:
        """What the metric means."""
        better: Direction = "higher" if self.maximise else "lower"
        freedom = self.rewards_freedom
        return Meaning(self.metric, better, self.unit, self.words, rewards_freedom=freedom, spoiled_by=_COLLAPSED)

    def best(self, last_iterations: Iterable[Iteration[Estimate_co]]) -> Iteration[Estimate_co]:
        """Choose the best start by its last iteration; of equals, the first.

        A degenerate one is chosen only if all are; then it counts as not converged.

        Raises
        ------
        NumericalError
            If the objective of every start is NaN.
        """
        sign = 1.0 if self.maximise else -1.0
        usable = [last for last in last_iterations if last.metrics[self.metric] == last.metrics[self.metric]]
        if not usable:
            raise NumericalError(f"no start reached a number for {self.metric}")
        best = max(usable, key=lambda last: (not last.collapsed, sign * last.metrics[self.metric], -last.start))
        return replace(best, converged=False) if best.converged and best.collapsed else best


def best_trace(objective: Objective, traces: Sequence[Trace[Estimate_co]]) -> Iteration[Estimate_co]:
    """Last iteration of the best start, chosen as `Objective.best` does.

    Raises
    ------
    NumericalError
        If the objective of every start is NaN.
    """
    ends = [float(trace.values[-1]) for trace in traces]
    seen: list[Iteration[Estimate_co]] = []
    numbers = [start for start, end in enumerate(ends) if end == end]
    numbers.sort(key=ends.__getitem__, reverse=objective.maximise)  # of equals, the first remains the first
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
COLLAPSED = Meaning(_COLLAPSED, None, "", "components that have collapsed: the estimate is degenerate")
"""For the metrics of clusterers whose iterations say what has collapsed; the task ``cluster`` then reports it."""
