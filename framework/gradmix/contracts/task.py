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
        Name of the data.
    digest
        Fingerprint of their content.
    rows
        Number of rows.
    columns
        Name and type of each column: ``(("waiting", "float64"), …)``.
    source
        Where the data come from: a path or an address; empty if the run made them.
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
        Metrics by name: ``{"bic": 2322.19, "n_iter": 18}``.
    best_start
        Number of the start that the result comes from, if there were several.
    artifacts
        Files for the run's folder: name → what writes it.
    inputs
        The data that it worked on.
    answer
        What was found, by the names in `Task.answers`: for metrics, pictures and events that a config adds.
    remarks
        What a person should know that is not a number, shown beside the metrics: ``{"derivative": "converged"}``.
    """

    metrics: Mapping[str, float]
    best_start: int = 0
    artifacts: Mapping[str, Writer] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishedRun:
    """What a finished run has left: pictures are drawn from it, when the run ends or at any later time.

    Parameters
    ----------
    metrics, best_start
        As in its `Result`.
    iterations
        All iterations of all starts, in order; their ``estimate`` is None.
    recall
        Gives the answer: the run's own, or what `Task.recall` reads from its artifacts.
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
        """Start → values of a metric by iteration; iterations without it are left out."""
        found: dict[int, list[float]] = {}
        for iteration in self.iterations:
            if metric in iteration.metrics:
                found.setdefault(iteration.start, []).append(iteration.metrics[metric])
        return found


@dataclass(frozen=True)
class Timed:
    """Work that is timed repeatedly.

    Parameters
    ----------
    work
        The work alone: what it needs has been loaded, and calling it has no lasting effect.
    reference
        What its time is divided by, such as one evaluation of the function that is differentiated.
    """

    work: Callable[[], object]
    reference: Callable[[], object] | None = None


Steps = Generator[Iteration[Any], None, Result]
"""What `Task.run` returns: a generator that yields every iteration and returns the result."""


class Task(Component, ABC):
    """Base of all tasks: a dataclass whose fields are its options and the components that it works with.

    A field such as ``clusterer: Clusterer = part("gmm")`` becomes the config group ``clusterer`` of the task's runs.
    """

    kind: ClassVar[str] = "task"
    role: ClassVar[Role] = Role.TASK
    rounds: ClassVar[int] = 0
    """Default number of timed rounds; with 0, only the run itself is timed."""
    answers: ClassVar[tuple[str, ...]] = ()
    """Names of the parts of `Result.answer`, ``("model", "data")``, by which metrics and pictures ask for them."""

    @abstractmethod
    def run(self) -> Steps:
        """Do the work: yield every iteration, return the result. The framework writes the journal and takes the time.

        A task that can end early catches `StopRun` where it yields, and returns its result so far.
        """

    def improves(self) -> Objective | None:
        """The metric that each iteration improves; None if there is no such metric."""
        return None

    def metrics(self) -> Sequence[Meaning]:
        """Metrics of its iterations and its result, in the order in which they rank results; others rank nothing.

        Unless overridden, the metric that `improves` names.
        """
        objective = self.improves()
        return () if objective is None else (objective.meaning,)

    def preflight(self) -> None:
        """Check that the run can start; called for all runs of a sweep before the first, so it must be quick.

        Raises
        ------
        GradmixError
            If the parts do not fit each other: too few rows, an operator that a differentiator lacks.
        """

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Pictures of a finished run: file name → what writes it; may be called in another process than the run's."""
        return {}

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Read the answer of a finished run, as `Result.answer` had it, from the folder of its artifacts.

        Implement it if pictures of the task or of events need parts of the answer.
        """
        return {}

    def timed(self) -> Timed | None:
        """Work to time repeatedly, as a config asks; None if only the run itself can be timed."""
        return None
