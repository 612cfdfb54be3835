"""The events ``patience``: stop a run that hardly gets any better."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gradmix import Events, Iteration, NonNegativeFloat, Objective, PositiveInt, StopRun


@dataclass
class Patience(Events):
    """Stop the run when its objective has improved by less than `min_delta` over `rounds` iterations.

    Of several starts, the first that gets so slow ends the run, and the best so far counts: it is meant for one start.

    Parameters
    ----------
    rounds
        Over how many iterations.
    min_delta
        What has to be gained in these, in the objective's own unit: nats for a log-likelihood, a sum over rows.
    """

    must = True
    may_stop = True

    rounds: PositiveInt = 5
    min_delta: NonNegativeFloat = 1e-3
    _values: deque[float] = field(init=False, repr=False, compare=False, default_factory=deque)
    _start: int = field(init=False, repr=False, compare=False, default=0)

    def run_started(self) -> None:
        """Forget what another run has reached."""
        self._begin(0)

    def iteration(self, iteration: Iteration[Any], objective: Objective) -> None:
        """Compare with what was reached some iterations ago."""
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
