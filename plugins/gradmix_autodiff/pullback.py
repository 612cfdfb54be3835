"""A function recorded at a point, and its pullback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.evaluation import evaluate, is_finite
from gradmix_autodiff.recording import NOTHING, Recording, walk_back, walk_back_carefully
from gradmix_autodiff.taped import leaf
from gradmix_autodiff.traced import Traced
from gradmix_autodiff.unbounded import warn_infinite


class Recorded:
    """A recorded evaluation of f at a point. The caller turns off NumPy's warnings.

    Parameters
    ----------
    f
        The function.
    point
        Where it is evaluated.
    """

    __slots__ = (
        *("_arrays", "_f", "_index", "_infinite", "_operations", "_point", "_point_shape", "_watched"),
        "value",
    )

    def __init__(self, f: Callable[[Any], Any], point: Any) -> None:
        recording = Recording()
        self._f, self._point = f, point
        self._point_shape = point.shape if type(point) is np.ndarray else np.shape(point)
        start = leaf(point, recording)
        self._watched, self._arrays = recording.watched, recording.array_operations
        self._infinite = recording.infinite
        try:
            y = evaluate(f, start)
        finally:
            self._operations = recording.end()
        is_taped = getattr(y, "recording", None) is recording
        self._index: int | None = y.index if is_taped else None
        self.value: Any = y.value if is_taped else y

    def pull(self, w: Any) -> Any:
        """Return w·J: walk the operations backwards, from the result's cotangent `w` to that of the point.

        If the result is not finite, the walk is repeated carefully: absent cotangents are distinguished from zeros.
        """
        if self._index is None:
            return np.zeros(self._point_shape)[()]
        self._watched.check()
        with np.errstate(all="ignore"):
            found, is_new = walk_back(self._operations, self._arrays, self._index, w)
            if not is_finite(found):
                found = walk_back_carefully(self._operations, self._index, w)
                for rule in self._infinite[:1]:
                    warn_infinite(rule)
        return self._as_point(found, is_new)

    def pull_once(self, w: Any) -> Any:
        """Pull back for the last time: as `pull`, but memory is freed during the walk.

        If the result is not finite, the function is recorded again and walked carefully.
        """
        if self._index is None:
            return self.pull(w)
        self._watched.check()
        found, is_new = walk_back(self._operations, self._arrays, self._index, w, frees=True)
        if is_finite(found):
            return self._as_point(found, is_new)
        return Recorded(self._f, self._point).pull(w)

    def _as_point(self, found: Any, is_new: bool) -> Any:
        if isinstance(found, Traced):
            return +found
        if found is NOTHING:
            return np.zeros(self._point_shape)[()]
        if is_new and found.shape == self._point_shape:
            return found
        return np.array(np.broadcast_to(found, self._point_shape))[()]
