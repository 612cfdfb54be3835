"""Iterative algorithms: several starts, each with an independent random stream, of which the best is kept."""

from __future__ import annotations

import dataclasses
import warnings
from abc import ABC
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import ConfigError, NumericalError, PluginError, frames_of_gradmix, listing
from gradmix.contracts.iteration import Iteration, Objective, Streams, last_of_each_start
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.options import options_of
from gradmix.contracts.returned import check_iteration, unlike

EstimateT = TypeVar("EstimateT")


class IterativeAlgorithm(ABC, Generic[EstimateT]):
    """Base of algorithms that improve an estimate step by step, from one start or several."""

    objective: ClassVar[Objective]
    """The metric that each iteration improves."""

    random_state: Any
    n_init: int | Literal["auto"]

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the metrics of its iterations and of its models' scores, in the order in which they rank results.

        The default is the objective alone.
        """
        return (self.objective.meaning,)

    def n_starts(self) -> int:
        """Return the number of starts: the option `n_init`, or 1 if there is no such option."""
        return int(getattr(self, "n_init", 1))

    def _streams(self) -> Streams:
        """Return the random generators of all starts.

        Raises
        ------
        ConfigError
            If the number of starts is less than 1.
        """
        if self.n_starts() < 1:
            raise ConfigError(f"n_init must be at least 1; given: {self.n_starts()}.")
        seed = next((option.name for option in options_of(type(self)) if option.is_seed), "random_state")
        return Streams(_entropy(getattr(self, seed, None)), self.n_starts())

    def _all_starts(
        self, iterate: Callable[[np.random.Generator], Iterable[Iteration[EstimateT]]]
    ) -> Iterator[Iteration[EstimateT]]:
        """Yield the iterations of all starts, checked and numbered; `iterate` returns the iterations of one start.

        Start i has a separate stream of random numbers, which does not depend on the number of starts. A start that
        breaks down is left out, with a warning.

        Raises
        ------
        NumericalError
            If every start breaks down.
        """
        streams = self._streams()
        failures: list[NumericalError] = []
        for start, rng in enumerate(streams):
            last: Iteration[EstimateT] | None = None
            try:
                for last in self._checked_and_numbered(start, iterate(rng)):
                    yield last
            except NumericalError as error:
                failures.append(error)
                if len(streams) > 1:
                    _warn_of_failure(start, error)
                if last is not None and len(failures) < len(streams):  # its last estimate must not win
                    yield dataclasses.replace(last, step=last.step + 1, converged=False, collapsed=1)
        if len(failures) == len(streams):
            raise failures[-1]

    def _checked_and_numbered(self, start: int, iterations: Any) -> Iterator[Iteration[EstimateT]]:
        """Yield the iterations of one start, checked and numbered."""
        if not isinstance(iterations, Iterable):
            raise unlike(f"{type(self).__name__}.iterate", "iterations", iterations, "yield")
        step = 0
        for step, iteration in enumerate(iterations, start=1):
            self._check_iteration(iteration)
            yield iteration.numbered(start, step)
        if not step:
            raise PluginError(f"{type(self).__name__}.iterate must yield at least one iteration; it yielded none.")

    def _check_iteration(self, iteration: Any) -> None:
        method = f"{type(self).__name__}.iterate"
        check_iteration(method, iteration)
        if self.objective.metric not in iteration.metrics:
            raise PluginError(
                f"{method} must give its objective, {self.objective.metric}, in the metrics of every iteration; "
                f"it gave {listing(iteration.metrics)}."
            )

    def _best_of(self, iterations: Iterator[Iteration[EstimateT]]) -> tuple[Iteration[EstimateT], NDArray[np.float64]]:
        """Return the last iteration of the best start, and the objective after each of its iterations."""
        traces: defaultdict[int, list[float]] = defaultdict(list)

        def traced() -> Iterator[Iteration[EstimateT]]:
            for each in iterations:
                traces[each.start].append(float(each.metrics[self.objective.metric]))
                yield each

        best = self.objective.best(last_of_each_start(traced()))
        return best, np.array(traces[best.start])


def _warn_of_failure(start: int, error: NumericalError) -> None:
    warnings.warn(f"start {start} failed: {error}", RuntimeWarning, stacklevel=frames_of_gradmix())


def _entropy(random_state: Any) -> int | list[int]:
    """Return the entropy for all starts. Drawing it advances a generator, so the next fit uses other random numbers."""
    if isinstance(random_state, np.random.Generator):
        return cast("list[int]", random_state.integers(2**32, size=4).tolist())
    if isinstance(random_state, np.random.RandomState):
        return cast("list[int]", random_state.randint(2**32, size=4, dtype=np.uint64).tolist())
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return cast("int | list[int]", np.random.SeedSequence(random_state).entropy)
