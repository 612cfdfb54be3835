"""The base class of metrics that a config adds to those of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gradmix.contracts.component import Component, summary
from gradmix.contracts.errors import PluginError
from gradmix.contracts.meaning import Direction, Meaning
from gradmix.contracts.role import Role


class Metric(Component, ABC):
    """Base of all metrics: a dataclass of options with a method `measure` that scores the answer of a task.

    A run measures the metrics that its config chooses, such as ``metric=[silhouette]``, each under its own name. An
    exception in a metric makes the run fail. A metric that is undefined, for example because there is only one group,
    returns NaN.
    """

    kind: ClassVar[str] = "metric"
    role: ClassVar[Role] = Role.MEASURE
    maximise: ClassVar[bool | None] = None
    """Whether higher values are better; None if the metric does not rank results."""
    unit: ClassVar[str] = ""
    """The unit, as shown on an axis."""

    @classmethod
    def meaning(cls, name: str) -> Meaning:
        """Return the `Meaning` of its values in a run that measures it under this name."""
        if cls.maximise not in (True, False, None):
            raise PluginError(f"{cls.__name__}.maximise must be True, False or None; it is {cls.maximise!r}.")
        better: Mapping[bool | None, Direction | None] = {True: "higher", False: "lower", None: None}
        return Meaning(name, better[cls.maximise], cls.unit, summary(cls).rstrip("."))

    @abstractmethod
    def measure(self, *args: Any, **answer: Any) -> float | Mapping[str, float]:
        """Measure the answer of the task.

        Its arguments are the parts of the answer that it needs, by their names in `Task.answers`:
        ``def measure(self, data, groups)``.

        Returns
        -------
        float or mapping
            The value, or several values by name, which the run records as ``silhouette.worst`` and so on.
        """
