# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Kernels are typed by numba from their arguments.
"""Centers in single precision, with the distances they moved, for the screen of Lloyd's algorithm."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradmix.arrays import Array
from gradmix_clustering.compiled import compiled

_ROUNDOFF32, _ROUNDOFF = 2.0**-24, 2.0**-53
_TINY = np.float32(2.0**-126)


class Centers(NamedTuple):
    """Centers in the form that the kernels of Lloyd's algorithm need.

    Parameters
    ----------
    exact
        Shape (k, d).
    table
        −(c − shift) · scale in float32, k and d rounded up to multiples of four.
    halves
        Half the squared lengths of the table's rows in float32; a huge number for its empty rows.
    reach
        Largest length of a row of the table.
    shift, scale
        Origin, shape (d,), and power of two that bring rows and centers into the range of float32.
    drift
        Distance that each center has moved since the last update of the bounds, times the scale, in float32 and rounded
        up, shape (k,).
    others
        Largest distance that any other center has moved, in the same form.
    half_gaps
        Half the distance of each center to the nearest other one, times the scale, in float32 and rounded down, shape
        (k,).
    """

    exact: Array
    table: np.ndarray
    halves: np.ndarray
    reach: float
    shift: Array
    scale: float
    drift: np.ndarray
    others: np.ndarray
    half_gaps: np.ndarray


def scale_of(centers: Array, shift: Array) -> float:
    """Return a power of two that brings all centers within 1 of the shift; rows that overflow are compared exactly."""
    reach = np.abs(centers - shift).max()
    return float(np.ldexp(1.0, -np.frexp(reach)[1])) if reach > 0 else 1.0


def prepare(centers: Array, shift: Array, scale: float, before: Array | None) -> Centers:
    """Return the centers as the kernels need them, with their moves from `before` if bounds depend on them.

    If a center has moved out of the range of float32, its rows are compared exactly.
    """
    k, d = centers.shape
    table, halves = np.zeros((k + -k % 4, d + -d % 4), np.float32), np.full(k + -k % 4, 3e38, np.float32)
    drift, others, half_gaps = moves = np.zeros((3, k), np.float32)
    before = np.empty((0, d)) if before is None else before
    reach = _fill(centers, before, shift, scale, table, halves, drift, others, half_gaps)
    return Centers(centers, table, halves, float(reach), shift, scale, *moves)


@compiled("contract", "nsz", "reassoc", is_part=True)
def _squared_distance(x, y):
    """Return the squared distance of two points, summed in any order."""
    total = 0.0
    for a in range(len(x)):
        total += (x[a] - y[a]) ** 2
    return total


@compiled(is_part=True)
def _put_in_single(centers, shift, scale, table, halves):
    """Fill `Centers.table` and `Centers.halves`; return the largest squared length of a row of the table."""
    farthest = 0.0
    for j in range(len(centers)):
        length = 0.0
        for a in range(centers.shape[1]):
            near = (centers[j, a] - shift[a]) * scale
            table[j, a] = np.float32(-near)
            length += near * near
        halves[j] = np.float32(length / 2)
        farthest = max(farthest, length)
    return farthest


@compiled(is_part=True)
def _note_moves(centers, before, scale, drift, others, half_gaps):
    """Fill `Centers.drift`, `Centers.others` and `Centers.half_gaps`; infinite values decide nothing."""
    k, d = centers.shape
    safe, up, down = 1 + (d + 16) * 4 * _ROUNDOFF, 1 + 4 * _ROUNDOFF32, 1 - 4 * _ROUNDOFF32
    gaps, first, second, farthest = np.full(k, np.inf), 0.0, 0.0, 0
    for j in range(k):
        move = np.sqrt(_squared_distance(centers[j], before[j])) * safe * scale
        if move > first:
            first, second, farthest = move, first, j
        else:
            second = max(second, move)
        drift[j] = np.float32(move * up) + _TINY
        for i in range(j):
            square = _squared_distance(centers[i], centers[j])
            gaps[i], gaps[j] = min(gaps[i], square), min(gaps[j], square)
    for j in range(k):
        others[j] = np.float32((second if j == farthest else first) * up) + _TINY
        half_gaps[j] = max(np.float32(np.sqrt(gaps[j]) / 2 / safe * scale * down) - _TINY, np.float32(0))


@compiled()
def _fill(centers, before, shift, scale, table, halves, drift, others, half_gaps):
    """Fill the arrays of `Centers` for centers that have moved from `before`, which is empty if moves do not matter.

    Arrays for single precision are padded by zeros, but `halves` by huge numbers.

    Returns
    -------
    `Centers.reach`.
    """
    farthest = _put_in_single(centers, shift, scale, table, halves)
    if len(before):
        _note_moves(centers, before, scale, drift, others, half_gaps)
    return np.sqrt(farthest) * (1 + (centers.shape[1] + 16) * 4 * _ROUNDOFF)
