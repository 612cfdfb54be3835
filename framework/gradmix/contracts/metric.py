"""Metrics that a run is asked for besides those of its task: what an author writes for one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gradmix.contracts.component import Component, summary
from gradmix.contracts.meaning import Direction, Meaning
from gradmix.contracts.role import Role


class Metric(Component, ABC):
    """Base of all metrics: a dataclass of options with a `measure` that scores what a task has found.

    A run measures those that its config chooses, ``metric=[silhouette]``, each under its own name. They are part of
    what the run computes. One that raises ends the run as failed; one that has no value, because there is but one
    group, say, returns NaN.
    """

    kind: ClassVar[str] = "metric"
    role: ClassVar[Role] = Role.MEASURE
    maximise: ClassVar[bool | None] = None
    """Whether more is better; None if neither way is, so that nothing is ranked by it."""
    unit: ClassVar[str] = ""
    """Unit, as an axis shows it."""

    @classmethod
    def meaning(cls, name: str) -> Meaning:
        """What its values mean in a run that has it under a name."""
        better: Mapping[bool | None, Direction | None] = {True: "higher", False: "lower", None: None}
        return Meaning(name, better[cls.maximise], cls.unit, summary(cls).rstrip("."))

    @abstractmethod
    def measure(self, *args: Any, **answer: Any) -> float | Mapping[str, float]:
        """Measure what the task has found.

        Write it with those parts of the task's answer that it needs, by name: ``def measure(self, data, groups)``.
        What a task answers with, `Task.answers` says.

        Returns
        -------
        float or mapping
            The value; or several by name, which the run has as ``silhouette.worst`` and so on.
        """
