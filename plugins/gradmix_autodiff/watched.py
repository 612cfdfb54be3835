"""Plain arrays that a recording refers to: changing one before the walk back must not change the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix_autodiff.guidance import changed_later

_SMALL = 1 << 13
"""Largest number of entries at which an array is copied, which costs less than reading it twice."""
_WIDTHS = (2048, 2039)
"""Columns of the two checksums. Both rows of sums stay in the processor's nearest cache."""


class WatchedArrays:
    """Protects plain arrays that an operation used: small ones are copied, large ones are compared by a checksum."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[NDArray[Any], bytes]] = {}

    def kept(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array with its present values: a copy, or the array itself with a checksum.

        Raises
        ------
        DifferentiationError
            If the array was used before and has changed since.
        """
        if array.size <= _SMALL:
            return array.copy()
        if id(array) in self._known:
            self._check(*self._known[id(array)])
        else:
            self._known[id(array)] = (array, checksum(array))
        return array

    def kept_within(self, x: Any) -> Any:
        """Return an array, or an index as a list or tuple, with its present values; read-only arrays are not copied."""
        if isinstance(x, np.ndarray):
            return self.kept(x) if x.flags.writeable else x
        return type(x)(map(self.kept_within, x)) if type(x) in (list, tuple) else x

    def check(self) -> None:
        """Check that no large array has changed.

        Raises
        ------
        DifferentiationError
            If one has changed.
        """
        for array, known in self._known.values():
            self._check(array, known)

    @staticmethod
    def _check(array: NDArray[Any], known: bytes) -> None:
        if checksum(array) != known:
            raise changed_later(array.shape)


def checksum(array: NDArray[Any]) -> bytes:
    """Return sums of an array's words by columns, for two widths: exchanging entries changes those of a width."""
    bits = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = bits[: len(bits) // 8 * 8].view(np.uint64)
    parts = [bits[len(words) * 8 :].tobytes()]
    for width in _WIDTHS:
        table = words[: len(words) // width * width].reshape(-1, width)
        parts += [table.sum(axis=0).tobytes(), words[table.size :].tobytes()]
    return b"".join(parts)
