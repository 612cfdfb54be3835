"""Events, the base class of components that follow a run: notifiers, stopping rules, extra pictures."""

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
"""Method of `Events` → names of the arguments that it may take."""

WITH_ANSWER = ("run_finished", "pictures")
"""Methods that may also take the parts of the task's answer."""


class StopRun(GradmixError):  # noqa: N818 - not an error, though it travels as one
    """Raised by `Events.iteration` to end the run with the result so far.

    A task that can end early catches it at its `yield` and returns its result.

    Parameters
    ----------
    reason
        The reason in a few words, for readers of the run.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.by = ""
        """Name in the config of the component that raised it; gradmix fills it in."""


class Events(Component):
    """Base of run events: a dataclass of options that overrides the methods it needs.

    Write each method with only those arguments that it needs, by name: ``def iteration(self, iteration)``. Every
    method can take ``run`` (a `RunInfo`), ``objective`` if the task improves a metric, and the arguments named below.
    One object follows one run at a time. Keep its state in attributes that are not options, and reset it in
    `run_started`.

    An exception in a method is reported, and the component is disabled for the rest of the run, which goes on.
    """

    kind: ClassVar[str] = "events"
    role: ClassVar[Role] = Role.OBSERVER
    must: ClassVar[bool] = False
    """Whether an exception in it makes the run fail. If so, the component is part of the run key."""
    may_stop: ClassVar[bool] = False
    """Whether the run ends when its `iteration` raises `StopRun`. If so, the component is part of the run key."""

    def run_started(self, *args: Any, **what: Any) -> None:
        """Called after the run's journal is opened and before the first iteration."""

    def iteration(self, *args: Any, **what: Any) -> None:
        """Called after each iteration has been journalled; can take ``iteration``.

        Raises
        ------
        StopRun
            To end the run here; ignored unless the class has ``may_stop = True``. No further start begins, and the
            best of the starts so far is the result.
        """

    def run_finished(self, *args: Any, **what: Any) -> None:
        """Called when a run has finished; can take ``metrics`` and ``stopped`` (what ended it early and why).

        It can also take the parts of the task's answer, named in `Task.answers`. If the component has ``must = True``,
        it is called before the result is journalled.
        """

    def run_failed(self, *args: Any, **what: Any) -> None:
        """Called when a run has failed or was interrupted; can take ``error``."""

    def pictures(self, *args: Any, **what: Any) -> Mapping[str, Writer]:
        """Add pictures to a run, if pictures are drawn; can take ``metrics`` and the parts of the task's answer.

        Returns
        -------
        mapping
            File name → a function that writes the file, given its path.
        """
        return {}

    @classmethod
    def heard(cls) -> tuple[str, ...]:
        """Return the names of the methods that it overrides."""
        return tuple(name for name in HEARD if getattr(cls, name) is not getattr(Events, name))
