"""The k-means++ start: rows far from the chosen centers are likely to become the next center."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gradmix import Block, Rows
from gradmix.arrays import Array
from gradmix_clustering.blocks import Labels, each_changing, label_type, weights_of
from gradmix_clustering.compiled import pays

T = TypeVar("T")

_MOST_CANDIDATES = 16
"""Largest number of candidates; only more than a million centers would need more."""
_MARKS = (1 << _MOST_CANDIDATES) - 1
"""Lowest bits of a squared distance, in which compiled kernels mark the candidates that are nearer to a row."""
_TILE = 4096
"""Rows whose chances are summed, so that drawing a row takes two short searches, without a sum for each row."""


@dataclass(frozen=True, eq=False)
class Reached:
    """Distance of each row to the nearest chosen center, changed in place: 9 bytes per row for up to 255 centers.

    Parameters
    ----------
    distances
        Squared distance to the nearest chosen center, without the lowest bits, shape (n,).
    owners
        Number of this center, shape (n,).
    """

    distances: Array
    owners: Labels

    @classmethod
    def nothing(cls, n: int, k: int) -> Reached:
        """Return the state of n rows before a center is chosen."""
        return cls(np.full(n, np.inf), np.zeros(n, label_type(k)))

    def each(self, rows: Rows, function: Callable[..., T]) -> Iterator[T]:
        """Yield the function's result for each block; it may change the block's parts of both arrays."""
        return each_changing(rows, function, self.distances, self.owners)


def _words(distances: Array) -> NDArray[np.uint64]:
    """Return the bits of the numbers, as a view of the same memory."""
    return distances.view(np.uint64)


def choose_centers(rows: Rows, k: int, rng: np.random.Generator) -> Array:
    """Choose k rows as centers by greedy k-means++: the best of 2 + log k candidates each time.

    Rows that, by the triangle inequality, cannot be nearer to a candidate than to a center are skipped.

    Sources: Arthur & Vassilvitskii, SODA 2007, 1027-1035; Raff, IJCAI 2021, 2928-2935.
    """
    n, n_candidates, compiled = len(rows), min(2 + int(np.log(k)), _MOST_CANDIDATES), pays(*rows.shape, k)
    reached = Reached.nothing(n, k)

    def weights(part: slice) -> Array:
        return np.ones(len(range(n)[part])) if rows.weights is None else rows.weights[part]

    tiles = np.arange(0, n, _TILE)
    by_tile = np.diff(tiles, append=n).astype(float) if rows.weights is None else np.add.reduceat(rows.weights, tiles)
    first = _draw(by_tile, weights, n, rng.random(1))
    chosen, best = np.empty((k, rows.shape[1])), 0
    chosen[0] = rows.array[first[0]]
    for j in range(1, k):
        include = partial(_include, chosen=chosen[:j], candidate=best, compiled=compiled)
        sums = np.concatenate([*reached.each(rows, include)])
        drawn = _draw(sums, lambda part: weights(part) * reached.distances[part], n, rng.random(n_candidates))
        candidates = rows.array[drawn]
        gaps = ((candidates[:, None] - chosen[None, :j]) ** 2).sum(axis=2)
        gain = partial(_gains, candidates=candidates, gaps=gaps, compiled=compiled)
        best = int(reduce(add, reached.each(rows, gain)).argmax())
        chosen[j] = candidates[best]
    return chosen


def _include(
    block: Block,
    distances: Array,
    owners: Labels,
    chosen: Array,
    candidate: int,
    compiled: bool,
) -> Array:
    """Measure distances to the last chosen center; return each tile's sum of weight times squared distance."""
    last = len(chosen) - 1
    if compiled:
        from gradmix_clustering.plus_plus_kernels import include

        include(block.X, chosen[-1], last, candidate, distances, _words(distances), owners, _MARKS)
    else:
        measured = ((block.X - chosen[-1]) ** 2).sum(axis=1)
        _words(measured)[:] &= ~np.uint64(_MARKS)
        is_nearer = measured < distances
        distances[is_nearer], owners[is_nearer] = measured[is_nearer], last
    chances = distances if block.weights is None else block.weights * distances
    return np.add.reduceat(chances, np.arange(0, len(chances), _TILE))


def _gains(
    block: Block,
    distances: Array,
    owners: Labels,
    candidates: Array,
    gaps: Array,
    compiled: bool,
) -> Array:
    """Return each candidate's decrease of the sum of squared distances, shape (number of candidates,)."""
    if compiled:
        from gradmix_clustering.plus_plus_kernels import gains

        total = np.zeros(len(candidates))
        gains(block.X, weights_of(block), candidates, gaps, distances, _words(distances), owners, total)
        return total
    lowered = [np.maximum(distances - ((block.X - candidate) ** 2).sum(axis=1), 0) for candidate in candidates]
    return np.array([(low if block.weights is None else block.weights * low).sum() for low in lowered])


def _draw(sums: Array, chances: Callable[[slice], Array], n: int, uniform: Array) -> list[int]:
    """Draw rows in proportion to their chances, which have these sums over tiles, by numbers in [0, 1)."""
    ends = np.cumsum(sums)
    if not ends[-1] > 0:  # every row is already a center: any row will do
        return [int(number * n) for number in uniform]
    drawn, last = [], int(np.flatnonzero(sums)[-1])
    for number in uniform:
        tile = min(int(np.searchsorted(ends, number * ends[-1], side="right")), last)
        part = chances(slice(tile * _TILE, (tile + 1) * _TILE))
        left = number * ends[-1] - (ends[tile - 1] if tile else 0.0)
        row = int(np.searchsorted(np.cumsum(part), left, side="right"))
        drawn.append(tile * _TILE + min(row, int(np.flatnonzero(part)[-1])))
    return drawn
