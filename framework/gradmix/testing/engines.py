"""Compute: what an engine promises to algorithms that fold over rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradmix.contracts.folds import TILE, Block, Engine, Rows
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.subject import Subject

_SIZES = (1, TILE, TILE + 1, 9 * TILE + 7)


def use(engine: Engine) -> Any:
    """Fold over a few tiles."""
    return _rows(_SIZES[-1], engine).fold(_sums).tolist()


def folds_to_the_same_bits(subject: Subject) -> None:
    """A fold gives the same bits as a sequential fold in one thread: each block counts once."""
    for n in _SIZES:
        expected, found = _rows(n).fold(_sums), _rows(n, subject.make()).fold(_sums)
        if not np.array_equal(expected, found):
            raise BrokenPromiseError(expected.tolist(), found.tolist(), f"the sum of the cubes of {n} rows")


def keeps_the_order_of_blocks(subject: Subject) -> None:
    """`each` yields results in the order of the blocks, even if the first block takes longest."""
    expected = list(range(0, _SIZES[-1], TILE))
    found = list(_rows(_SIZES[-1], subject.make()).each(_start_of))
    if found != expected:
        raise BrokenPromiseError(f"blocks from rows {expected}", str(found), "each(function, blocks)")


def passes_errors_on(subject: Subject) -> None:
    """An exception of the function reaches the caller with its type unchanged."""
    try:
        found = list(_rows(3 * TILE, subject.make()).each(partial(_fail_at, start=TILE)))
    except FloatingPointError:
        return
    raise BrokenPromiseError("FloatingPointError", f"{len(found)} values", "each(function that raises, blocks)")


def _rows(n: int, engine: Engine | None = None) -> Rows:
    return Rows(np.random.default_rng(5).normal(size=(n, 3)), engine=engine)


def _sums(block: Block) -> Any:
    return (block.X**3).sum(axis=0)


def _start_of(block: Block) -> int:
    if not block.start:  # the first block takes longest
        np.linalg.svd(block.X[:1000] @ block.X[:1000].T)
    return block.start


def _fail_at(block: Block, start: int) -> int:
    if block.start == start:
        raise FloatingPointError(f"in the block from row {start}")
    return block.start
