# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Kernels are typed by numba from their arguments.
"""Compiled kernels of the k-means++ start."""

from __future__ import annotations

from gradmix_clustering.compiled import compiled

_SAFE = 1 + 1e-9
"""More than all rounding of the distances that the triangle inequality compares."""


@compiled("contract", "nsz", "reassoc")
def _squared_distance(x, y):
    total = 0.0
    for a in range(len(x)):
        difference = x[a] - y[a]
        total += difference * difference
    return total


@compiled()
def include(X, center, number, gaps, distances, owners):
    """Measure how far a new center is from the rows that it can be nearest to.

    If a row is at the distance r from its center, a center 2 r or more away from that one cannot be nearer to the row.
    `gaps` are the squared distances of the new center to all others.
    """
    for row in range(len(X)):
        if gaps[owners[row]] < 4 * distances[row] * _SAFE:
            distance = _squared_distance(X[row], center)
            if distance < distances[row]:
                distances[row], owners[row] = distance, number


@compiled()
def gains(X, weights, candidates, gaps, distances, owners, total):
    """Add up by how much each candidate would lower the weighted sum of squared distances.

    `gaps` are squared distances of candidates to centers, shape (number of candidates, number of centers).
    """
    count = len(candidates)
    for row in range(len(X)):
        far, owner = distances[row], owners[row]
        for j in range(count):
            if gaps[j, owner] < 4 * far * _SAFE:
                low = far - _squared_distance(X[row], candidates[j])
                if low > 0:
                    total[j] += low * weights[row] if len(weights) else low
