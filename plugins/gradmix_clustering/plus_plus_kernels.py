# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Kernels are typed by numba from their arguments.
"""Compiled kernels of the k-means++ start."""

from __future__ import annotations

import numpy as np

from gradmix_clustering.compiled import compiled

_SAFE = 1 + 1e-9
"""Safety factor that exceeds all rounding of the distances in the triangle inequality."""

_TILE = 256
"""Number of rows that stay in cache while all candidates are measured."""


@compiled("contract", "nsz", "reassoc")
def _squared_distance(x, y):
    total = 0.0
    for a in range(len(x)):
        difference = x[a] - y[a]
        total += difference * difference
    return total


@compiled("contract", "nsz", "reassoc")
def _four_squared_distances(x, c0, c1, c2, c3):
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for a in range(len(x)):
        value = x[a]
        d0, d1, d2, d3 = value - c0[a], value - c1[a], value - c2[a], value - c3[a]
        s0 += d0 * d0
        s1 += d1 * d1
        s2 += d2 * d2
        s3 += d3 * d3
    return s0, s1, s2, s3


@compiled()
def include(X, center, number, candidate, distances, words, owners, marks):
    """Measure the distances of a new center to the rows to which it is nearest; clear all marks.

    These rows have the mark of the center's number as a candidate, except for the first center. `words` are the bits
    of `distances`, and `marks` the bits that may be marks.
    """
    bit, others = np.uint64(1 << candidate), ~np.uint64(marks)
    for row in range(len(X)):
        if number == 0 or words[row] & bit:
            distances[row], owners[row] = _squared_distance(X[row], center), number
        words[row] &= others


@compiled()
def gains(X, weights, candidates, gaps, distances, words, owners, total):
    """Sum each candidate's decrease of the weighted sum of squared distances, and mark the rows that contribute.

    If a row is at the distance r from its center, a candidate at a distance of 2 r or more from this center cannot be
    nearer to the row. `gaps` are squared distances of candidates to centers, shape (number of candidates, number of
    centers). Bit j of a row's word is set if candidate j is nearer than its center. Four candidates
    are measured at a time, without a branch for each and with their sums in registers, which takes a third of the time.
    """
    last, marks = len(candidates) - 1, np.empty(_TILE, np.uint64)
    for start in range(0, len(X), _TILE):
        stop = min(start + _TILE, len(X))
        marks[:] = 0
        for j in range(0, last + 1, 4):
            j1, j2, j3 = min(j + 1, last), min(j + 2, last), min(j + 3, last)
            c0, c1, c2, c3 = candidates[j], candidates[j1], candidates[j2], candidates[j3]
            t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
            for row in range(start, stop):
                far, owner = distances[row], owners[row]
                gap = min(min(gaps[j, owner], gaps[j1, owner]), min(gaps[j2, owner], gaps[j3, owner]))
                if gap < 4 * far * _SAFE:
                    s0, s1, s2, s3 = _four_squared_distances(X[row], c0, c1, c2, c3)
                    weight = weights[row] if len(weights) else 1.0
                    t0 += max(far - s0, 0.0) * weight
                    t1 += max(far - s1, 0.0) * weight
                    t2 += max(far - s2, 0.0) * weight
                    t3 += max(far - s3, 0.0) * weight
                    bits = (s0 < far) << j | (s1 < far) << j1 | (s2 < far) << j2 | (s3 < far) << j3
                    marks[row - start] |= np.uint64(bits)
            total[j] += t0
            if j1 > j:
                total[j1] += t1
            if j2 > j1:
                total[j2] += t2
            if j3 > j2:
                total[j3] += t3
        for row in range(start, stop):
            words[row] |= marks[row - start]
