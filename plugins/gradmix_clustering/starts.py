"""Starts of EM: each method returns responsibilities, and has an entry in `STARTS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradmix import Block, DataError, Rows
from gradmix.arrays import Array
from gradmix_clustering.assignment import nearest_centers
from gradmix_clustering.lloyd import lloyd
from gradmix_clustering.plus_plus import choose_centers
from gradmix_clustering.projections import labels_by_projections
from gradmix_clustering.scaling import in_unit, unit_exponent

KMEANS_ITERATIONS = 300

Responsibilities = Callable[[Block], Array]
"""Function that returns the components' responsibilities for a block of b rows, shape (k, b); picklable."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Responsibilities from labels: each row belongs to the component of its label.

    Parameters
    ----------
    labels
        Labels of all rows, shape (n,).
    k
        Number of components.
    """

    labels: NDArray[np.integer]
    k: int

    def __call__(self, block: Block) -> Array:
        """Return ones and zeros, shape (k, b)."""
        return np.asarray(self.labels[block.rows] == np.arange(self.k)[:, None], dtype=float)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Random responsibilities; each tile of rows has its own stream of random numbers."""

    seed: int
    k: int

    def __call__(self, block: Block) -> Array:
        """Return the responsibilities of a block, the same at every call."""
        responsibilities = np.random.default_rng([self.seed, block.start]).random((self.k, len(block.X)))
        return responsibilities / responsibilities.sum(axis=0)


def from_kmeans(rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Assign rows to the clusters of k-means, run until it converges."""
    for number, step in enumerate(lloyd(rows, choose_centers(rows, k, rng)), start=1):
        if step.is_fixed or number == KMEANS_ITERATIONS:
            return Labelled(step.assignment.labels, k)
    raise AssertionError("unreachable")


def from_kmeans_plus_plus(rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Assign rows to the nearest of k centers that k-means++ chooses."""
    return Labelled(nearest_centers(rows, choose_centers(rows, k, rng)), k)


def from_projections(rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Assign rows to groups that are visible in projections onto some direction."""
    return Labelled(labels_by_projections(rows, k, rng), k)


def from_random_rows(rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Assign rows to the nearest of k random rows, chosen with probabilities in proportion to the weights.

    Raises
    ------
    DataError
        If fewer than k rows have a positive weight.
    """
    shares = None if rows.weights is None else rows.weights / rows.total_weight
    if shares is not None and (usable := np.count_nonzero(shares)) < k:
        raise DataError(f"the data have {usable} row(s) of positive weight, fewer than the {k} requested components.")
    return Labelled(nearest_centers(rows, rows.array[rng.choice(len(rows), size=k, replace=False, p=shares)]), k)


def from_random_responsibilities(rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Draw random responsibilities."""
    return Drawn(int(rng.integers(2**63)), k)


STARTS: dict[str, Callable[[Rows, int, np.random.Generator], Responsibilities]] = {
    "kmeans": from_kmeans,
    "k-means++": from_kmeans_plus_plus,
    "projections": from_projections,
    "random_from_data": from_random_rows,
    "random": from_random_responsibilities,
}


def find_start(way: str, rows: Rows, k: int, rng: np.random.Generator) -> Responsibilities:
    """Apply a method of `STARTS`, in a unit in which squared distances neither vanish nor overflow."""
    unit = unit_exponent(rows.array, reach=rows.reach)
    scaled = Rows(in_unit(rows.array, unit), rows.weights, rows.engine) if unit else rows
    return STARTS[way](scaled, k, rng)
