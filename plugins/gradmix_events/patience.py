"""The events ``patience``: stop a run that hardly improves any more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gradmix import Events, Iteration, NonNegativeFloat, Objective, PositiveInt, StopRun


@dataclass
class Patience(Events):
    """Stop the run when its objective has improved by less than `min_delta` over `rounds` iterations.

    It is meant for runs with one start: with several starts, the first one that becomes this slow ends the whole run,
    and the best start so far is the result.

    Parameters
    ----------
    rounds
        Number of iterations over which the improvement is measured.
    min_delta
        Smallest improvement over these iterations, in the unit of the objective: nats for a log-likelihood, which is a
        sum over rows.
    """

    must = True
    may_stop = True

    rounds: PositiveInt = 5
    min_delta: NonNegativeFloat = 1e-3
    _values: deque[float] = field(init=False, repr=False, compare=False, default_factory=deque)
    _start: int = field(init=False, repr=False, compare=False, default=0)

    def run_started(self) -> None:
        """Forget the values of the previous run."""
        self._begin(0)

    def iteration(self, iteration: Iteration[Any], objective: Objective) -> None:
        """Compare the objective with its value `rounds` iterations ago."""
        if iteration.start != self._start:
            self._begin(iteration.start)
        self._values.append(iteration.metrics[objective.metric])
        if len(self._values) <= self.rounds or iteration.converged:
            return
        gained = self._values[-1] - self._values[0] if objective.maximise else self._values[0] - self._values[-1]
        if gained < self.min_delta:
            raise StopRun(
                f"{objective.metric} gained {gained:.3g} in {self.rounds} iteration{'s' if self.rounds > 1 else ''}"
            )

    def _begin(self, start: int) -> None:
        self._start, self._values = start, deque(maxlen=self.rounds + 1)
