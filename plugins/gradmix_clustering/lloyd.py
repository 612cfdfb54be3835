"""Lloyd's algorithm for k-means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradmix import DataError, Rows
from gradmix.arrays import Array
from gradmix_clustering.assignment import Assignment, assign_rows
from gradmix_clustering.nearest import squared_distances_to_own


@dataclass(frozen=True, eq=False)
class LloydStep:
    """One iteration of Lloyd's algorithm.

    Parameters
    ----------
    centers
        Shape (k, d).
    assignment
        The rows and their nearest centers; the next iteration changes this object.
    inertia
        Sum of squared distances of the rows to their centers, times their weights.
    shift
        Sum of squared distances that the centers moved.
    is_fixed
        Whether no row changed its center, so that further iterations change nothing.
    """

    centers: Array
    assignment: Assignment
    inertia: float
    shift: float
    is_fixed: bool


def lloyd(rows: Rows, centers: Array) -> Iterator[LloydStep]:
    """Iterate without end: move centers to the means of their rows, then assign rows to their nearest centers.

    The data must be in a unit in which their squares neither overflow nor vanish (`gradmix_clustering.scaling`).
    """
    assignment = assign_rows(rows, centers)
    while True:
        _fill_empty_clusters(assignment)
        before, moved = assignment.centers, assignment.means()
        changed = assignment.move(moved)
        with np.errstate(over="ignore"):  # a given center may be far away from all rows
            shift = float(np.sum((moved - before) ** 2))
        yield LloydStep(moved, assignment, assignment.inertia(), shift, changed == 0)


def _fill_empty_clusters(assignment: Assignment) -> None:
    """Give each empty cluster the row that is farthest from its center, as scikit-learn does."""
    counts = assignment.counts
    if not counts.all():
        empty = np.flatnonzero(counts == 0)
        assignment.relabel(np.array(_farthest(assignment, len(empty))), empty)


def _farthest(assignment: Assignment, n: int) -> list[int]:
    """Return the n rows that are farthest from their centers, ties by row number; no cluster loses its last row."""
    X, weights = assignment.rows.array, assignment.rows.weights
    labels, centers = assignment.labels, assignment.centers
    usable = np.ones(len(X), dtype=bool) if weights is None else weights > 0
    remaining = np.bincount(labels[usable], minlength=len(centers))
    found: list[int] = []
    largest = np.abs(X - centers[labels]).max(axis=1)  # orders also rows with negligible squares
    for row in np.lexsort((-largest, -squared_distances_to_own(X, centers, labels))):
        if len(found) == n or largest[row] == 0:
            break
        if usable[row] and remaining[labels[row]] > 1:
            remaining[labels[row]] -= 1
            found.append(int(row))
    if len(found) < n:
        weighted = "" if usable.all() else " of positive weight"
        raise DataError(f"the data have fewer different rows{weighted} than the {len(centers)} requested clusters.")
    return found
