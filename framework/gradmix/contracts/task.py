"""Tasks: what a run does with its components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from gradmix.contracts.component import Component
from gradmix.contracts.iteration import Iteration, Objective
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.role import Role

Writer = Callable[[Path], None]
"""Writes one artifact to the path that it is given."""


@dataclass(frozen=True)
class Input:
    """Description of the data that a run worked on; `gradmix.input_of` makes one of a data set.

    Parameters
    ----------
    name
        What they are called.
    digest
        Fingerprint of their content.
    rows
        How many there are.
    columns
        Name and type of each column: ``(("waiting", "float64"), …)``.
    source
        Where they come from: a path or an address; empty if they were made by the run.
    """

    name: str
    digest: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    source: str = ""


@dataclass(frozen=True)
class Result:
    """What a task returns when it is done.

    Parameters
    ----------
    metrics
        By name: ``{"bic": 2322.19, "n_iter": 18}``.
    best_start
        The start whose iterations tell the story, where there were several.
    artifacts
        Files to leave in the run's folder: name → what writes it.
    inputs
        The data that it worked on.
    answer
        What was found, by the names in `Task.answers`: for metrics, pictures and events that a config adds.
    """

    metrics: Mapping[str, float]
    best_start: int = 0
    artifacts: Mapping[str, Writer] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishedRun:
    """What a finished run has left: pictures are drawn from it, when the run ends or at any time later.

    Parameters
    ----------
    metrics
        Its final metrics, by name.
    iterations
        All iterations of all starts, in order; their ``estimate`` is None.
    best_start
        The start that counts.
    recall
        Gives the answer: the run's own, or what `Task.recall` makes of its artifacts.
    """

    metrics: Mapping[str, float]
    iterations: Sequence[Iteration[None]]
    best_start: int
    recall: Callable[[], Mapping[str, Any]]

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """What was found, by the names in `Task.answers`; read when it is first asked for."""
        return self.recall()

    def curves(self, metric: str) -> Mapping[int, Sequence[float]]:
        """Start → values of a metric by iteration; an iteration without it is left out."""
        found: dict[int, list[float]] = {}
        for iteration in self.iterations:
            if metric in iteration.metrics:
                found.setdefault(iteration.start, []).append(iteration.metrics[metric])
        return found


@dataclass(frozen=True)
class Timed:
    """Work that is timed again and again.

    Parameters
    ----------
    work
        The work; what it needs is ready, and calling it leaves nothing behind.
    reference
        What its time is compared with, such as one evaluation of the function that is differentiated.
    """

    work: Callable[[], object]
    reference: Callable[[], object] | None = None


Steps = Generator[Iteration[Any], None, Result]
"""What `Task.run` is: a generator that yields every iteration and returns the result."""


class Task(Component, ABC):
    """Base of all tasks: a dataclass whose fields are its options and the components that it works with.

    A field such as ``clusterer: Clusterer = part("gmm")`` becomes the config group ``clusterer`` of the task's runs.
    """

    kind: ClassVar[str] = "task"
    role: ClassVar[Role] = Role.TASK
    rounds: ClassVar[int] = 0
    """How often the work is timed unless a config says so; 0 where the run itself is all there is to time."""
    answers: ClassVar[tuple[str, ...]] = ()
    """Names of what `Result.answer` holds: ``("model", "data")``. Metrics and pictures ask for it by these."""

    @abstractmethod
    def run(self) -> Steps:
        """Do the work: yield every iteration, return the result. Journal, progress and time are the framework's.

        A task that can end early catches `StopRun` where it yields, and returns the result of what it has by then.
        """

    def improves(self) -> Objective | None:
        """The metric that each iteration improves; None if there is none."""
        return None

    def metrics(self) -> Sequence[Meaning]:
        """Metrics of its iterations and its result, in the order in which results are ranked by them.

        What `improves` names unless the class says otherwise. Those that are not listed rank nothing.
        """
        objective = self.improves()
        return () if objective is None else (objective.meaning,)

    def preflight(self) -> None:
        """Raise what would make the run fail at its start; called for all runs of a sweep before the first. Cheap.

        Raises
        ------
        GradmixError
            Says why the parts do not go together: too few rows, an operator that a differentiator lacks.
        """

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Pictures of a finished run: file name → what writes it. It may be another process than the run's."""
        return {}

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Read what a finished run has found, as `Result.answer` had it, from the folder of its artifacts.

        A task whose pictures, or those of events, need parts of the answer implements it.
        """
        return {}

    def timed(self) -> Timed | None:
        """What is timed, as often as a config asks; None if the run itself is all there is to time."""
        return None
