"""Blocks of rows: what is computed for k components at once is computed for so many rows that it stays in cache."""

from __future__ import annotations

from collections.abc import Iterator

from gradmix.arrays import Array

_ENTRIES = 2**16
"""Entries of an array over components, rows and features: half a megabyte."""


def blocks(X: Array, k: int) -> Iterator[slice]:
    """Cut the rows into blocks; at least one, of no rows if there are none."""
    rows = max(1, _ENTRIES // (k * X.shape[1]))
    return (slice(start, start + rows) for start in range(0, max(len(X), 1), rows))
