"""Run events that a config chooses: what an author writes for a notifier, a stopping rule, an extra picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from gradmix.contracts.component import Component
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.role import Role

if TYPE_CHECKING:
    from gradmix.contracts.task import Writer

HEARD: Mapping[str, tuple[str, ...]] = {
    "run_started": ("run", "objective"),
    "iteration": ("run", "objective", "iteration"),
    "run_finished": ("run", "objective", "metrics", "stopped"),
    "run_failed": ("run", "objective", "error"),
    "pictures": ("run", "objective", "metrics"),
}
"""Method of `Events` → what it may take, by name."""

WITH_ANSWER = ("run_finished", "pictures")
"""Methods that may take the parts of the task's answer, too."""


class StopRun(GradmixError):  # noqa: N818 - not an error, though it travels as one
    """Raised by `Events.iteration`: the run is to end here, with what it has found so far.

    A task that can end early catches it where it yields, and returns its result.

    Parameters
    ----------
    reason
        Why, in a few words, for those who look at the run.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.by = ""
        """Name in the config of the component that raised it; gradmix fills it in."""


class Events(Component):
    """Base of run events: a dataclass of options that overrides the methods it needs.

    Write each method with only those arguments that it needs, by name: ``def iteration(self, iteration)``. Every
    method can take ``run`` (a `RunInfo`), ``objective`` if the task improves a metric, and what is named below. One
    object follows one run at a time; its own state belongs in attributes that are not options, and is reset in
    `run_started`.

    An exception in a method is reported, and the component is disabled for the rest of the run, which goes on.
    """

    kind: ClassVar[str] = "events"
    role: ClassVar[Role] = Role.OBSERVER
    must: ClassVar[bool] = False
    """Whether an exception in it ends the run as failed, so that it is part of the run's identity."""
    may_stop: ClassVar[bool] = False
    """Whether the run ends when its `iteration` raises `StopRun`, so that it is part of the run's identity."""

    def run_started(self, *args: Any, **what: Any) -> None:
        """Called when a run's journal has been opened, before its first iteration."""

    def iteration(self, *args: Any, **what: Any) -> None:
        """Called after each iteration, when it is journalled; can take ``iteration``.

        Raises
        ------
        StopRun
            If the run is to end here; ignored unless the class has ``may_stop = True``. No further start begins, and
            the best of those that have begun counts.
        """

    def run_finished(self, *args: Any, **what: Any) -> None:
        """Called when a run has finished; can take ``metrics`` and ``stopped`` (what ended it early and why).

        It can also take the parts of the task's answer, which `Task.answers` names. A component with ``must = True`` is
        called before the result is journalled.
        """

    def run_failed(self, *args: Any, **what: Any) -> None:
        """Called when a run has failed or was interrupted; can take ``error``."""

    def pictures(self, *args: Any, **what: Any) -> Mapping[str, Writer]:
        """Add pictures to a run, if pictures are drawn; can take ``metrics`` and the parts of the task's answer.

        Returns
        -------
        mapping
            File name → what writes it, a function of the path.
        """
        return {}

    @classmethod
    def heard(cls) -> tuple[str, ...]:
        """Methods that it overrides."""
        return tuple(name for name in HEARD if getattr(cls, name) is not getattr(Events, name))
