"""Functions with several results are operations on one array that holds them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Parts(NamedTuple):
    """The shapes of several arrays that are kept in one, entry after entry along the last axis."""

    lead: tuple[int, ...]
    """Axes that all of them begin with."""
    shapes: tuple[tuple[int, ...], ...]
    """The other axes of each."""

    def pack(self, arrays: Sequence[Any], lead: tuple[int, ...] | None = None) -> Any:
        """The arrays in one; `lead` is that of their tangents, which have an axis more in front."""
        lead = self.lead if lead is None else lead
        flat = [np.reshape(array, (*lead, math.prod(shape))) for array, shape in zip(arrays, self.shapes, strict=True)]
        return np.concatenate(flat, axis=-1)

    def unpack(self, packed: Any) -> list[Any]:
        """The arrays that one holds."""
        lead, begin, arrays = np.shape(packed)[:-1], 0, []
        for shape in self.shapes:
            end = begin + math.prod(shape)
            arrays.append(np.reshape(packed[..., begin:end], (*lead, *shape)))
            begin = end
        return arrays
