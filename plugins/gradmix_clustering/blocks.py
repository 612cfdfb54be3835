"""Blocks of rows: large ones for kernels, and small ones, over which NumPy's intermediate results stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from gradmix import Block, Rows
from gradmix.arrays import Array

T = TypeVar("T")

_BLOCK = 2**15
_ENTRIES = 2**16
"""Entries of an array over components, rows and features: half a megabyte."""


def blocks(X: Array, k: int) -> Iterator[slice]:
    """Cut the rows into blocks; at least one, of no rows if there are none."""
    rows = max(1, _ENTRIES // (k * X.shape[1]))
    return (slice(start, start + rows) for start in range(0, max(len(X), 1), rows))


def each(rows: Rows, function: Callable[[Block], T]) -> Iterator[T]:
    """As `Rows.each`, in larger blocks, which also begin at fixed row numbers: a tile takes only microseconds here."""
    X = rows.array.view()
    X.flags.writeable = False
    weights = rows.weights
    blocks = (
        Block(X[start : start + _BLOCK], None if weights is None else weights[start : start + _BLOCK], start)
        for start in range(0, len(X), _BLOCK)
    )
    return map(function, blocks) if rows.engine is None else rows.engine.each(function, blocks)


def weights_of(block: Block) -> Array:
    """Weights of a block's rows, as kernels take them: without weights, an array of the shape (0,)."""
    weights = np.empty(0) if block.weights is None else block.weights
    weights.flags.writeable = False  # numba compiles once for arrays that can be written, and once for others
    return weights
