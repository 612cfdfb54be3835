"""A recording of one evaluation: a flat list of operations, walked backwards without recursion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.dispatch import Local, next_level
from gradmix_autodiff.evaluation import evaluate
from gradmix_autodiff.tracing import Traced, class_for, sized


@sized
class Variable(Traced):
    """A value on a recording.

    Parameters
    ----------
    value
        A number or an array.
    recording
        The recording.
    index
        Its place in the list.
    """

    __slots__ = ("index", "recording")

    def __init__(self, value: Any, recording: Recording, index: int) -> None:
        self.value, self.recording, self.index = value, recording, index
        self.level, self.family = recording.level, None

    is_deferred = True

    def alias(self) -> Traced:
        """Another handle."""
        return class_for(Variable, self.value)(self.value, self.recording, self.index)  # type: ignore[call-arg]

    def become(self, other: Any) -> None:
        """Take over value and place."""
        self.value, self.index, self.family = other.value, other.index, None

    def follow(self, y: Any, locals_: list[tuple[Any, Local]]) -> Traced:
        """Append the operation."""
        return self.recording.append(y, [(argument.index, local) for argument, local in locals_])


class Recording:
    """One evaluation of f at a point, recorded.

    Parameters
    ----------
    f
        The function.
    point
        Where it is evaluated.
    """

    def __init__(self, f: Callable[[Any], Any], point: Any) -> None:
        self.level = next_level()
        self._operations: list[list[tuple[int, Local]]] = []
        self._point_shape = np.shape(point)
        y = evaluate(f, self.append(np.array(point) if isinstance(point, np.ndarray) else point, []))
        self._index = y.index if getattr(y, "level", 0) == self.level else None
        self.value = y if self._index is None else y.value

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Shape of f's result."""
        return np.shape(self.value)

    def append(self, value: Any, operation: list[tuple[int, Local]]) -> Traced:
        """Add an operation: the places of its arguments and its local derivatives."""
        self._operations.append(operation)
        return class_for(Variable, value)(value, self, len(self._operations) - 1)  # type: ignore[call-arg]

    def pull(self, w: Any) -> Any:
        """w·J: walk the operations backwards, from the result's cotangent `w` to the point's."""
        if self._index is None:
            return np.zeros(self._point_shape)[()]
        cotangents: dict[int, Any] = {self._index: w}
        with np.errstate(all="ignore"):
            for index in range(self._index, 0, -1):
                cotangent = cotangents.pop(index, None)
                if cotangent is None:
                    continue
                for argument, local in self._operations[index]:
                    pulled = local.pull(cotangent)
                    cotangents[argument] = cotangents[argument] + pulled if argument in cotangents else pulled
        found = cotangents.get(0, 0.0)
        if isinstance(found, Traced):
            return +found
        return np.array(np.broadcast_to(found, self._point_shape))[()]
