"""k-means by mini-batches: centers follow the rows of small samples, each the slower the more rows it has followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from gradmix import Rows
from gradmix.arrays import Array, IntArray
from gradmix_clustering.assignment import nearest_centers
from gradmix_clustering.nearest import squared_distances_to_own

_ROWS_PER_CLUSTER = 10
"""Rows drawn for each cluster from one look for starved clusters to the next."""


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws rows in proportion to their weights.

    Parameters
    ----------
    rows
        Shape (n, d).
    ends
        Sums of the weights up to each row, shape (n,); None if all rows count once.
    """

    rows: Rows
    ends: Array | None

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """One for these rows."""
        return cls(rows, None if rows.weights is None else np.cumsum(rows.weights))

    def draw(self, size: int, rng: np.random.Generator) -> IntArray:
        """Numbers of rows, drawn with replacement, in ascending order: a file is read from its beginning to its end."""
        uniform = np.sort(rng.random(size))
        if self.ends is None:
            drawn, last = (uniform * len(self.rows)).astype(np.intp), len(self.rows) - 1
        else:
            drawn = np.searchsorted(self.ends, uniform * self.ends[-1], side="right")
            last = int(np.searchsorted(self.ends, self.ends[-1]))
        return np.where(drawn < last, drawn, last)  # rounding may step beyond the last


@dataclass(frozen=True, eq=False)
class MiniBatchState:
    """Centers on their way.

    Parameters
    ----------
    centers
        Shape (k, d).
    counts
        Number of rows that each center has followed, shape (k,): the reciprocal of its learning rate.
    since_look
        Rows drawn since starved clusters were last looked for.
    """

    centers: Array
    counts: Array
    since_look: int = 0

    def followed(self, X: Array, labels: IntArray) -> MiniBatchState:
        """Centers that have moved to the means of all rows that they have followed, with those of a batch.

        Source: Sculley, WWW 2010, 1177-1178.
        """
        k = len(self.centers)
        counts = self.counts + np.bincount(labels, minlength=k)
        offsets = X - self.centers[labels]  # around the centers: no digits are lost to a common offset
        sums = np.stack([np.bincount(labels, column, minlength=k) for column in offsets.T], axis=1)
        moves = np.divide(sums, counts[:, None], out=np.zeros(sums.shape), where=counts[:, None] > 0)
        return MiniBatchState(self.centers + moves, counts, self.since_look + len(X))

    def reseeded(self, different: Array, ratio: float, rng: np.random.Generator) -> MiniBatchState:
        """Centers of which those with few rows begin again at rows of the batch, if it is time to look for them.

        Parameters
        ----------
        different
            The rows of the batch, each once.
        ratio
            Few are fewer than this times the largest count.
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
            counts[starved] = np.delete(self.counts, starved).min()  # a smaller count would soon be looked at again
        return MiniBatchState(centers, counts)


@dataclass(frozen=True)
class Smoothed:
    """A moving average of the batches' inertias that forgets exponentially, and how long it has not fallen."""

    mean: float = np.nan
    least: float = np.inf
    without_gain: int = 0

    def __add__(self, observed: tuple[float, float]) -> Smoothed:
        """The average with another value, which has the weight that comes with it."""
        value, weight = observed
        mean = value if np.isnan(self.mean) else self.mean + weight * (value - self.mean)
        if mean < self.least:
            return Smoothed(mean, mean, 0)
        return replace(self, mean=mean, without_gain=self.without_gain + 1)


@dataclass(frozen=True, eq=False)
class BatchStep:
    """One batch.

    Parameters
    ----------
    state
        What it has made of the centers.
    inertia
        Mean squared distance of its rows to the centers as they were.
    shift
        Sum of squared distances that the centers moved.
    """

    state: MiniBatchState
    inertia: float
    shift: float


def follow_batch(
    sampler: Sampler, size: int, state: MiniBatchState, ratio: float, rng: np.random.Generator
) -> BatchStep:
    """Draw a batch, let the centers follow its rows, and re-seed starved centers."""
    numbers = sampler.draw(size, rng)
    X = sampler.rows.array[numbers]
    labels = nearest_centers(Rows(X), state.centers)
    inertia = float(squared_distances_to_own(X, state.centers, labels).mean())
    different = X[np.flatnonzero(np.diff(numbers, prepend=-1))]
    after = state.followed(X, labels).reseeded(different, ratio, rng)
    with np.errstate(over="ignore"):  # from a center that was given, far away from all rows
        shift = float(np.sum((after.centers - state.centers) ** 2))
    return BatchStep(after, inertia, shift)
