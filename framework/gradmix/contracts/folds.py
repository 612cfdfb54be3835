"""Rows as a value, and folds over them: computations over all rows with the same bits on every engine."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import reduce
from itertools import islice
from operator import add
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.component import Component
from gradmix.contracts.errors import DataError, PluginError
from gradmix.contracts.returned import described, unlike
from gradmix.contracts.role import Role
from gradmix.contracts.rows import Matrix, as_numbers, feature_names_of, rows_and_reach

T = TypeVar("T")

THREADS: ContextVar[int | None] = ContextVar("THREADS", default=None)
"""Number of threads that a run may use; None without a limit. `Engine.most_threads` reads it."""

TILE = 4096
"""Number of rows in a tile. Tiles begin at fixed row numbers, so that sums have the same bits on every engine."""
TILES_OF_A_SUM = 64
"""Number of tiles that are summed before their sum is added to the total: super-blocks of 2¹⁸ rows."""


class Block(NamedTuple):
    """A block of consecutive rows, the argument of functions that compute over rows."""

    X: Matrix
    """The rows, shape (b, d), read-only."""
    weights: NDArray[np.float64] | None
    """Weight of each row, shape (b,); None if all are 1."""
    start: int
    """Number of the first row in the whole data."""

    @property
    def rows(self) -> slice:
        """The position of the block in the whole data, as a slice."""
        return slice(self.start, self.start + len(self.X))


class Engine(Component, ABC):
    """Base of all engines, which compute folds over rows: implement `each`.

    An engine changes how long a result takes, never the result.
    """

    kind: ClassVar[str] = "engine"
    role: ClassVar[Role] = Role.ENGINE

    @property
    def most_threads(self) -> int:
        """Number of threads that it may use: the run's limit, or else the number of cores."""
        return THREADS.get() or os.cpu_count() or 1

    @abstractmethod
    def each(self, function: Callable[[Block], T], blocks: Iterable[Block]) -> Iterator[T]:
        """Yield the function's result for each block, in the order of the blocks.

        Parameters
        ----------
        function
            A picklable function: one of a module, or a `functools.partial` of one. It must not change the block.
        blocks
            The blocks; at least one.
        """


class Rows:
    """Rows to compute over, with their weights and labels, and the engine that computes.

    Parameters
    ----------
    X
        Anything that `as_rows` reads, shape (n, d), or the path of a ``.npy`` file, which is mapped into memory.
    weights
        The weight of each row, shape (n,), finite, not negative, not all 0; None if each row counts once.
    engine
        The engine that computes folds; None to compute in the current thread.
    labels
        The known group of each row, shape (n,), for a clusterer that needs it; None if the groups are not known.

    Raises
    ------
    DataError
        If the rows, the weights or the labels cannot be used.

    Examples
    --------
    >>> Rows([[1.0], [2.0], [4.0]], weights=[1, 1, 2]).total_weight
    4.0
    """

    def __init__(self, X: Any, weights: Any = None, engine: Engine | None = None, labels: Any = None) -> None:
        self.array, self.reach = rows_and_reach(_mapped(X))
        self.weights = None if weights is None else _as_weights(weights, len(self.array))
        self.labels = None if labels is None else _as_labels(labels, len(self.array))
        self.engine = engine
        self.feature_names = feature_names_of(X)
        self.total_weight = float(len(self.array) if self.weights is None else self.weights.sum())
        """Sum of the weights; n if there are no weights."""

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.array, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (n, d)."""
        n, d = self.array.shape
        return n, d

    def blocks(self) -> Iterator[Block]:
        """Yield the tiles, in order."""
        X = self.array.view()
        X.flags.writeable = False
        for start in range(0, len(self), TILE):
            weights = None if self.weights is None else self.weights[start : start + TILE]
            yield Block(X[start : start + TILE], weights, start)

    def each(self, function: Callable[[Block], T]) -> Iterator[T]:
        """Yield the function's result for each tile, in order, computed by the engine."""
        if self.engine is None:
            return map(function, self.blocks())
        values, method = self.engine.each(function, self.blocks()), f"{type(self.engine).__name__}.each"
        if not isinstance(values, Iterable):
            raise unlike(method, "one value for each block", values, "yield")
        return _counted(values, -(-len(self) // TILE), method)

    def fold(self, function: Callable[[Block], T]) -> T:
        """Return the sum of the function's results for all tiles; it must be picklable, and its results addable.

        Tiles are summed in two fixed levels, so the sum has the same bits for every engine.

        Examples
        --------
        >>> Rows([[1.0], [2.0], [4.0]]).fold(lambda block: block.X.sum(axis=0))
        array([7.])
        """
        values = self.each(function)
        return reduce(add, (reduce(add, islice(values, TILES_OF_A_SUM - 1), first) for first in values))

    def map(self, function: Callable[[Block], NDArray[Any]]) -> NDArray[Any]:
        """Return the function's results for all tiles, joined to shape (n, …)."""
        results = []
        for block, result in zip(self.blocks(), self.each(function), strict=True):
            if np.ndim(result) == 0 or len(result) != len(block.X):
                raise PluginError(
                    f"a function that Rows.map calls must return one entry for each of the {len(block.X)} rows of a "
                    f"block; it returned {described(result)}."
                )
            results.append(result)
        return np.concatenate(results)


def _counted(values: Iterable[T], n: int, method: str) -> Iterator[T]:
    """Yield the values; raise PluginError if there are more or fewer than n."""
    made = 0
    for value in values:
        made += 1
        yield value
    if made != n:
        raise PluginError(f"{method} must yield one value for each of the {n} blocks; it yielded {made}.")


def _mapped(X: Any) -> Any:
    """Map a NumPy file into memory; return anything else unchanged."""
    if type(X) is np.ndarray or (not isinstance(X, str) and not hasattr(X, "__fspath__")):
        return X
    try:
        return np.load(X, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{X} cannot be read as a .npy file: {error}") from error


def _as_labels(labels: Any, n: int) -> NDArray[Any]:
    """Check the labels of n rows; the error names the first missing one."""
    checked = np.asarray(labels)
    if checked.shape != (n,):
        raise DataError(f"labels must have the shape ({n},), one for each row; given: {checked.shape}.")
    masked = np.ma.getmaskarray(labels) if isinstance(labels, np.ma.MaskedArray) else np.zeros(n, dtype=bool)
    missing = [row for row, label in enumerate(checked) if masked[row] or label is None or label != label]
    if missing:
        raise DataError(f"row {missing[0]} (counted from 0) has no label.")
    kinds = sorted({type(label).__name__ for label in checked}) if checked.dtype == object else []
    if "str" in kinds and len(kinds) > 1:
        raise DataError(
            f"labels must be of one type; they are of the types {', '.join(kinds)}. Make all of them strings."
        )
    return checked


def _as_weights(weights: Any, n: int) -> NDArray[np.float64]:
    """Check the weights of n rows; the error names the first invalid one."""
    checked = as_numbers(weights, "sample weights")
    if checked.shape != (n,):
        raise DataError(f"sample weights must have the shape ({n},), one for each row; given: {checked.shape}.")
    wrong = np.flatnonzero(~np.isfinite(checked) | (checked < 0))
    if len(wrong):
        raise DataError(
            f"sample weights must be finite and not negative; row {wrong[0]} (counted from 0) has {checked[wrong[0]]}."
        )
    if not checked.any():
        raise DataError("sample weights must not all be zero.")
    with np.errstate(over="ignore"):
        if not np.isfinite(checked.sum()):
            raise DataError("sample weights are so large that their sum overflows: divide all by the largest.")
    checked.flags.writeable = False
    return checked
