"""Metrics that a config adds to those of a task: what an author writes for one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gradmix.contracts.component import Component, summary
from gradmix.contracts.errors import PluginError
from gradmix.contracts.meaning import Direction, Meaning
from gradmix.contracts.role import Role


class Metric(Component, ABC):
    """Base of all metrics: a dataclass of options with a `measure` that scores what a task has found.

    A run measures those that its config chooses, ``metric=[silhouette]``, each under its own name. They are part of
    what the run computes: an exception in one ends the run as failed. One that has no value returns NaN, for example
    where there is only one group.
    """

    kind: ClassVar[str] = "metric"
    role: ClassVar[Role] = Role.MEASURE
    maximise: ClassVar[bool | None] = None
    """Whether more is better; None if it does not rank anything."""
    unit: ClassVar[str] = ""
    """Unit, as an axis shows it."""

    @classmethod
    def meaning(cls, name: str) -> Meaning:
        """What its values mean in a run that measures it under this name."""
        if cls.maximise not in (True, False, None):
            raise PluginError(f"{cls.__name__}.maximise must be True, False or None; it is {cls.maximise!r}.")
        better: Mapping[bool | None, Direction | None] = {True: "higher", False: "lower", None: None}
        return Meaning(name, better[cls.maximise], cls.unit, summary(cls).rstrip("."))

    @abstractmethod
    def measure(self, *args: Any, **answer: Any) -> float | Mapping[str, float]:
        """Measure what the task has found.

        Write it with only those parts of the task's answer that it needs, by their names in `Task.answers`:
        ``def measure(self, data, groups)``.

        Returns
        -------
        float or mapping
            The value, or several by name: the run has them as ``silhouette.worst`` and so on.
        """
