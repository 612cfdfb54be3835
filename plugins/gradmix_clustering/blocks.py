"""Blocks of rows: large blocks for kernels, and small blocks for NumPy, whose intermediate results stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradmix import Block, Rows
from gradmix.arrays import Array

T = TypeVar("T")

Labels = NDArray[np.integer[Any]]
"""Numbers of centers, of the type that `label_type` returns."""
MOST_IN_A_BYTE = 255
"""Most centers for which a label fits into a byte."""

_BLOCK = 2**14
_ENTRIES = 2**16
"""Most entries of an array over components, rows and features: half a megabyte."""


def blocks(X: Array, k: int) -> Iterator[slice]:
    """Cut the rows into blocks; without rows, yield one empty block."""
    rows = max(1, _ENTRIES // (k * X.shape[1]))
    return (slice(start, start + rows) for start in range(0, max(len(X), 1), rows))


def each(rows: Rows, function: Callable[[Block], T]) -> Iterator[T]:
    """As `Rows.each`, but in larger blocks at fixed row numbers, as a tile takes only microseconds here."""
    X = rows.array.view()
    X.flags.writeable = False
    weights = rows.weights
    blocks = (
        Block(X[start : start + _BLOCK], None if weights is None else weights[start : start + _BLOCK], start)
        for start in range(0, len(X), _BLOCK)
    )
    return map(function, blocks) if rows.engine is None else rows.engine.each(function, blocks)


def each_changing(rows: Rows, function: Callable[..., T], *arrays: NDArray[Any]) -> Iterator[T]:
    """As `each`, for a function that also takes the block's parts of arrays over all rows and changes them in place.

    Parts that an engine has changed in another process are copied back. The function that is sent there carries all
    arrays, as an engine passes only the block.
    """
    for value, start, parts in each(rows, partial(_with_parts, function=function, arrays=arrays)):
        for array, part in zip(arrays, parts, strict=True):
            if part.base is not array and not np.may_share_memory(array, part):
                array[start : start + len(part)] = part
        yield value


def _with_parts(
    block: Block, function: Callable[..., T], arrays: tuple[NDArray[Any], ...]
) -> tuple[T, int, list[NDArray[Any]]]:
    rows = block.rows
    parts = [array[rows] for array in arrays]
    parts = [part if part.flags.writeable else part.copy() for part in parts]  # mapped memory is read-only
    return function(block, *parts), block.start, parts


def label_type(k: int) -> type[np.uint8] | type[np.uint32]:
    """Return the smallest type that holds the numbers 0 to k."""
    return np.uint8 if k <= MOST_IN_A_BYTE else np.uint32


def weights_of(block: Block) -> Array:
    """Return the weights of a block's rows in the form that kernels take: shape (0,) if there are none."""
    weights = np.empty(0) if block.weights is None else block.weights
    weights.flags.writeable = False  # numba would compile a second version for writable arrays
    return weights
