"""Functions with several results are operations on one array that holds them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Parts(NamedTuple):
    """The shapes of several arrays that are packed in one, entry after entry along the last axis."""

    lead: tuple[int, ...]
    """Axes that all of them begin with."""
    shapes: tuple[tuple[int, ...], ...]
    """The other axes of each."""

    def pack(self, arrays: Sequence[Any], lead: tuple[int, ...] | None = None) -> Any:
        """Pack the arrays into one; for tangents, `lead` has one more axis in front."""
        lead = self.lead if lead is None else lead
        flat = [np.reshape(array, (*lead, math.prod(shape))) for array, shape in zip(arrays, self.shapes, strict=True)]
        return np.concatenate(flat, axis=-1)

    def unpack(self, packed: Any) -> list[Any]:
        """Return the arrays that are packed in one."""
        lead, begin, arrays = np.shape(packed)[:-1], 0, []
        for shape in self.shapes:
            end = begin + math.prod(shape)
            arrays.append(np.reshape(packed[..., begin:end], (*lead, *shape)))
            begin = end
        return arrays
