"""Tasks: the work that a run does with its components."""

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
"""A function that writes one artifact to a given path."""


@dataclass(frozen=True)
class Input:
    """Description of the data that a run worked on; `gradmix.input_of` returns the description of a data set.

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
    """The result that a task returns at its end.

    Parameters
    ----------
    metrics
        Metrics by name: ``{"bic": 2322.19, "n_iter": 18}``.
    best_start
        Number of the start that the result comes from, if there were several.
    artifacts
        Files for the run's folder: name → function that writes the file.
    inputs
        The data that it worked on.
    answer
        The parts of the answer by the names in `Task.answers`, for metrics, pictures and events that a config adds.
    remarks
        Remarks for users that are not numbers, shown beside the metrics: ``{"derivative": "converged"}``.
    """

    metrics: Mapping[str, float]
    best_start: int = 0
    artifacts: Mapping[str, Writer] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishedRun:
    """The data of a finished run from which its pictures are drawn, at the end of the run or later.

    Parameters
    ----------
    metrics, best_start
        As in its `Result`.
    iterations
        All iterations of all starts, in order; their ``estimate`` is None.
    recall
        Returns the answer, either from the running process or as `Task.recall` reads it from the artifacts.
    """

    metrics: Mapping[str, float]
    iterations: Sequence[Iteration[None]]
    best_start: int
    recall: Callable[[], Mapping[str, Any]]

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """The parts of the answer by the names in `Task.answers`, read at the first access."""
        return self.recall()

    def curves(self, metric: str) -> Mapping[int, Sequence[float]]:
        """Return start → values of a metric by iteration; iterations without the metric are left out."""
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
        A function that does only the timed work: everything it needs is already loaded, and it has no side effects.
    reference
        Work whose time is the unit of a ratio, such as one evaluation of the differentiated function.
    """

    work: Callable[[], object]
    reference: Callable[[], object] | None = None


Steps = Generator[Iteration[Any], None, Result]
"""The type of `Task.run`: a generator that yields every iteration and returns the result."""


class Task(Component, ABC):
    """Base of all tasks: a dataclass whose fields are its options and the components that it works with.

    A field such as ``clusterer: Clusterer = part("gmm")`` becomes the config group ``clusterer`` of the task's runs.
    """

    kind: ClassVar[str] = "task"
    role: ClassVar[Role] = Role.TASK
    rounds: ClassVar[int] = 0
    """Default number of timed rounds; with 0, only the run itself is timed."""
    answers: ClassVar[tuple[str, ...]] = ()
    """Names of the parts of `Result.answer`, such as ``("model", "data")``, for metrics and pictures to use."""

    @abstractmethod
    def run(self) -> Steps:
        """Do the work: yield every iteration and return the result. The framework journals and times the work.

        A task that can end early catches `StopRun` at its `yield` and returns its result so far.
        """

    def improves(self) -> Objective | None:
        """Return the metric that each iteration improves; None if there is no such metric."""
        return None

    def metrics(self) -> Sequence[Meaning]:
        """Return the metrics of its iterations and result, in the order in which they rank results.

        Metrics that are not listed rank nothing. The default is the metric that `improves` returns.
        """
        objective = self.improves()
        return () if objective is None else (objective.meaning,)

    def preflight(self) -> None:
        """Check that the run can start. It is called for all runs of a sweep before the first, so it must be fast.

        Raises
        ------
        GradmixError
            If the parts do not fit together: too few rows, or an operator that the differentiator does not support.
        """

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Draw a finished run: return file name → function that writes it. May be called in another process."""
        return {}

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Restore the `Result.answer` of a finished run from the folder of its artifacts.

        Implement it if pictures of the task or of events need parts of the answer.
        """
        return {}

    def timed(self) -> Timed | None:
        """Return the work to time repeatedly if a config requests it; None if only the run itself can be timed."""
        return None
