"""k-means by mini-batches: centers move towards sampled rows, more slowly the more rows were assigned to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from gradmix import Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.assignment import nearest_centers
from gradmix_clustering.nearest import squared_distances_to_own

_ROWS_PER_CLUSTER = 10
"""Rows drawn per cluster between two checks for starved clusters."""


@dataclass(frozen=True, eq=False)
class Sampler:
    """Sampler of rows, with probabilities in proportion to their weights.

    Parameters
    ----------
    rows
        Shape (n, d).
    ends
        Cumulative sums of the weights, shape (n,); None if all rows have the weight 1.
    """

    rows: Rows
    ends: Array | None

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Return a sampler of these rows."""
        return cls(rows, None if rows.weights is None else np.cumsum(rows.weights))

    def draw(self, size: int, rng: np.random.Generator) -> IntArray:
        """Draw row numbers with replacement; they are sorted, so that a file is read from its beginning to its end."""
        uniform = np.sort(rng.random(size))
        if self.ends is None:
            drawn, last = (uniform * len(self.rows)).astype(np.intp), len(self.rows) - 1
        else:
            drawn = np.searchsorted(self.ends, uniform * self.ends[-1], side="right")
            last = int(np.searchsorted(self.ends, self.ends[-1]))
        return np.where(drawn < last, drawn, last)  # rounding may yield a number beyond the last row


@dataclass(frozen=True, eq=False)
class MiniBatchState:
    """Centers between two batches.

    Parameters
    ----------
    centers
        Shape (k, d).
    counts
        Number of rows assigned to each center so far, shape (k,): the reciprocal of its learning rate.
    since_look
        Rows drawn since the last check for starved clusters.
    """

    centers: Array
    counts: Array
    since_look: int = 0

    def followed(self, X: Array, labels: IntArray) -> MiniBatchState:
        """Return centers moved to the means of all rows assigned to them so far, including those of a batch.

        Source: Sculley, WWW 2010, 1177-1178.
        """
        k = len(self.centers)
        counts = self.counts + np.bincount(labels, minlength=k)
        offsets = X - self.centers[labels]  # relative to the centers, so that a common offset costs no digits
        sums = np.stack([np.bincount(labels, column, minlength=k) for column in offsets.T], axis=1)
        moves = np.divide(sums, counts[:, None], out=np.zeros(sums.shape), where=counts[:, None] > 0)
        return MiniBatchState(self.centers + moves, counts, self.since_look + len(X))

    def reseeded(self, different: Array, ratio: float, rng: np.random.Generator) -> MiniBatchState:
        """Return centers of which those with few rows restart at rows of the batch, if a check is due.

        Parameters
        ----------
        different
            The distinct rows of the batch.
        ratio
            A center has few rows if it has fewer than this times the largest count.
        rng
            The only source of random numbers.
        """
        if self.since_look < _ROWS_PER_CLUSTER * len(self.centers) and self.counts.all():
            return self
        starved = np.flatnonzero(self.counts < ratio * self.counts.max())
        most = max(1, len(different) // 2)
        starved = starved[np.argsort(self.counts[starved], kind="stable")[:most]]
        centers, counts = self.centers.copy(), self.counts.copy()
        if len(starved):
            centers[starved] = different[rng.choice(len(different), size=len(starved), replace=False)]
            counts[starved] = np.delete(self.counts, starved).min()  # a smaller count would soon be re-seeded again
        return MiniBatchState(centers, counts)


@dataclass(frozen=True)
class Smoothed:
    """Exponentially weighted average of the batches' inertias, and the number of batches since its minimum."""

    mean: float = np.nan
    least: float = np.inf
    without_gain: int = 0

    def __add__(self, observed: tuple[float, float]) -> Smoothed:
        """Update the average with a pair of a value and its weight."""
        value, weight = observed
        mean = value if np.isnan(self.mean) else self.mean + weight * (value - self.mean)
        if mean < self.least:
            return Smoothed(mean, mean, 0)
        return replace(self, mean=mean, without_gain=self.without_gain + 1)


@dataclass(frozen=True, eq=False)
class BatchStep:
    """Result of one batch.

    Parameters
    ----------
    state
        The centers after the batch.
    inertia
        Mean squared distance of its rows to the centers before the batch.
    shift
        Sum of squared distances that the centers moved.
    """

    state: MiniBatchState
    inertia: float
    shift: float


def follow_batch(
    sampler: Sampler, size: int, state: MiniBatchState, ratio: float, rng: np.random.Generator
) -> BatchStep:
    """Draw a batch, move the centers towards its rows, and re-seed starved centers."""
    numbers = sampler.draw(size, rng)
    X = sampler.rows.array[numbers]
    labels = nearest_centers(Rows(X), state.centers)
    inertia = float(squared_distances_to_own(X, state.centers, labels).mean())
    different = X[np.flatnonzero(np.diff(numbers, prepend=-1))]
    after = state.followed(X, labels).reseeded(different, ratio, rng)
    with np.errstate(over="ignore"):  # from a center that was given, far away from all rows
        shift = float(np.sum((after.centers - state.centers) ** 2))
    return BatchStep(after, inertia, shift)
