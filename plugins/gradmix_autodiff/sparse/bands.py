"""Patterns of a few diagonals, stored as intervals: slices, joins and sums of them cost nothing per entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse

from gradmix.arrays import IntArray

MOST_DIAGONALS = 64
"""Largest number of intervals; a pattern with more is stored by its entries."""

Diagonal = tuple[int, int, int]
"""Offset, first row, and the row after the last: row i of these has an entry in column i + offset."""


@dataclass(frozen=True)
class Bands:
    """A pattern of diagonals.

    Parameters
    ----------
    shape
        Rows and columns.
    diagonals
        The diagonals in order; those with the same offset do not touch.
    """

    shape: tuple[int, int]
    diagonals: tuple[Diagonal, ...]

    @classmethod
    def identity(cls, n: int) -> Bands:
        """Return the pattern in which each row depends on its own column."""
        return cls((n, n), ((0, 0, n),) if n else ())

    @property
    def nnz(self) -> int:
        """Return the number of entries."""
        return sum(stop - start for _, start, stop in self.diagonals)

    def part(self, begin: int, end: int) -> Bands:
        """Return the rows from `begin` to before `end`."""
        clipped = ((o, max(a, begin), min(b, end)) for o, a, b in self.diagonals)
        kept = tuple((o + begin, a - begin, b - begin) for o, a, b in clipped if a < b)
        return Bands((max(end - begin, 0), self.shape[1]), kept)

    @property
    def transposed(self) -> Bands:
        """Return the transposed pattern."""
        return Bands(self.shape[::-1], tuple(sorted((-o, a + o, b + o) for o, a, b in self.diagonals)))

    @cached_property
    def csr(self) -> Any:
        """Return the pattern as a `scipy.sparse.csr_matrix` of truth values."""
        starts, columns = self.entries()
        return scipy.sparse.csr_matrix((np.ones(len(columns), dtype=bool), columns, starts), shape=self.shape)

    def entries(self) -> tuple[IntArray, IntArray]:
        """Return where each row starts, and the column of each entry in order, as in a CSR matrix."""
        m = self.shape[0]
        starts: Any = np.zeros(m + 1, dtype=np.int32)
        columns: Any = np.empty(self.nnz, dtype=np.int32)
        numbers, place = np.arange(max(self.shape) + 1, dtype=np.int32), 0
        for begin, end in pairwise(sorted({0, m, *(each for _, a, b in self.diagonals for each in (a, b))})):
            offsets = [o for o, a, b in self.diagonals if a <= begin and end <= b]  # the same for all rows between
            count, size = len(offsets), end - begin
            np.multiply(numbers[1 : size + 1], count, out=starts[begin + 1 : end + 1])
            starts[begin + 1 : end + 1] += place
            block = columns[place : place + size * count].reshape(size, count)
            for column, o in enumerate(offsets):
                block[:, column] = numbers[begin + o : end + o]
            place += size * count
        return starts, columns

    @property
    def width(self) -> int | None:
        """Return the width of the band if it has all diagonals between the outermost ones, else None."""
        offsets = {o for o, _, _ in self.diagonals}
        width = max(offsets) - min(offsets) + 1 if offsets else 0
        return width if width == len(offsets) else None


def union(patterns: Iterable[Bands]) -> Bands:
    """Return the union of patterns of the same shape."""
    first, *others = patterns
    if not others:
        return first
    return Bands(first.shape, _merged([each for pattern in (first, *others) for each in pattern.diagonals]))


def stacked(parts: Sequence[Bands | None], sizes: Sequence[int], n: int) -> Bands:
    """Return patterns stacked one above the other; None means empty rows, as many as its size."""
    found, begin = [], 0
    for part, size in zip(parts, sizes, strict=True):
        if part is not None:
            found += [(o - begin, a + begin, b + begin) for o, a, b in part.diagonals]
        begin += size
    return Bands((begin, n), _merged(found))


def _merged(diagonals: list[Diagonal]) -> tuple[Diagonal, ...]:
    """Return the diagonals in order, with those that touch merged."""
    found: list[Diagonal] = []
    for each in sorted(diagonals):
        if found and found[-1][0] == each[0] and each[1] <= found[-1][2]:
            found[-1] = (each[0], found[-1][1], max(each[2], found[-1][2]))
        else:
            found.append(each)
    return tuple(found)
