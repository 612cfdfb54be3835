"""Colourings: which columns, rows, or both can share one direction, so that every entry can be read off.

Source: Curtis, Powell & Reid, J. Inst. Maths Applics 13 (1974) 117-119; Gebremedhin, Manne & Pothen, "What color is
your Jacobian?", SIAM Rev. 47 (2005) 629-705, algorithms 3.1 and 4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from gradmix.arrays import IntArray

_SMALL = 2**12
"""Largest number of entries for which Python lists are as fast as loading compiled code."""


def colour_columns(by_column: Any, by_row: Any) -> IntArray:
    """Return a colour for each column, so that columns that share a row have different colours.

    Parameters
    ----------
    by_column, by_row
        The pattern as CSC and as CSR.
    """
    least = int(np.diff(by_row.indptr).max(initial=0))
    found = _run(_greedy, by_column, by_row, np.arange(by_column.shape[1]))
    if found.max(initial=-1) + 1 > least:
        densest_first = np.argsort(-np.diff(by_column.indptr), kind="stable")
        other = _run(_greedy, by_column, by_row, densest_first)
        found = min(found, other, key=np.max)
    return found


def colour_symmetric(pattern: Any) -> IntArray:
    """Return a star colouring of a symmetric CSC pattern: neighbours differ; no path of four has only two colours."""
    return _run(_star, pattern, pattern, np.arange(pattern.shape[1]))


def _run(kernel: Callable[..., None], one: Any, other: Any, order: IntArray) -> IntArray:
    n = one.shape[1]
    arrays = [one.indptr, one.indices, other.indptr, other.indices, order, np.full(n, -1), np.full(n + 1, -1)]
    if one.nnz > _SMALL:
        _compiled(kernel)(*arrays)
    else:
        lists = [each.tolist() for each in arrays]
        kernel(*lists)
        arrays[5] = np.array(lists[5])
    return np.asarray(arrays[5], dtype=np.intp)


@cache
def _compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    """Return the kernel as machine code, which numba caches on disk; unchanged if numba cannot be imported."""
    try:
        numba = import_module("numba")
    except ImportError:
        return kernel
    return numba.njit(cache=True)(kernel)  # type: ignore[no-any-return]


def _greedy(
    column_starts: Any, column_rows: Any, row_starts: Any, row_columns: Any, order: Any, colours: Any, taken: Any
) -> None:
    """Give each column the first colour that no column sharing a row with it has."""
    for column in order:
        for place in range(column_starts[column], column_starts[column + 1]):
            row = column_rows[place]
            for other in range(row_starts[row], row_starts[row + 1]):
                colour = colours[row_columns[other]]
                if colour >= 0:
                    taken[colour] = column
        first = 0
        while taken[first] == column:
            first += 1
        colours[column] = first


def _star(starts: Any, neighbours: Any, _starts: Any, _neighbours: Any, order: Any, colours: Any, taken: Any) -> None:
    """Give each vertex the first colour that no neighbour has and that completes no path of four with two colours."""
    for v in order:
        for i in range(starts[v], starts[v + 1]):
            w = neighbours[i]
            if w == v:
                continue
            if colours[w] >= 0:
                taken[colours[w]] = v
            for j in range(starts[w], starts[w + 1]):
                x = neighbours[j]
                if x == v or x == w or colours[x] < 0:  # noqa: SIM109 -- numba has no `in`
                    continue
                if colours[w] < 0:
                    taken[colours[x]] = v
                    continue
                for k in range(starts[x], starts[x + 1]):
                    y = neighbours[k]
                    if y != w and y != x and colours[y] == colours[w]:
                        taken[colours[x]] = v
                        break
        first = 0
        while taken[first] == v:
            first += 1
        colours[v] = first
