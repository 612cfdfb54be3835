"""Measures of how well two groupings of the same rows agree.

scikit-learn computes the same values, but its import takes a second in each worker of a sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gradmix.arrays import Array


def adjusted_rand_index(one: Any, other: Any) -> float:
    """Return the share of row pairs on which two groupings agree, corrected for chance; 1 for equal groupings.

    Source: Hubert & Arabie, J. Classification 2 (1985) 193-218, equation 5.

    >>> adjusted_rand_index([0, 0, 1, 1], ["b", "b", "a", "a"])
    1.0
    """
    table = contingency(one, other)
    together, in_one, in_other = (_pairs(counts) for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = in_one * in_other / max(_pairs(table.sum()), 1.0)
    most = (in_one + in_other) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def normalized_mutual_information(one: Any, other: Any) -> float:
    """Return the mutual information of two groupings, divided by the mean of their entropies: from 0 to 1.

    Source: Vinh, Epps & Bailey, J. Mach. Learn. Res. 11 (2010) 2837-2854, table 2 (the sum's variant).

    >>> normalized_mutual_information([0, 0, 1, 1], [0, 1, 0, 1])
    0.0
    """
    table = contingency(one, other)
    in_one, in_other, in_both = (_entropy(counts) for counts in (table.sum(axis=1), table.sum(axis=0), table))
    shared = in_one + in_other - in_both
    whole = (in_one + in_other) / 2
    if whole == 0:
        return 1.0
    return float(min(max(shared / whole, 0.0), 1.0)) if shared > 1e-15 * whole else 0.0


def contingency(one: Any, other: Any) -> Array:
    """Return the number of rows that each pair of groups shares, shape (groups of one, groups of the other)."""
    groups, rows = np.unique(one, return_inverse=True)
    others, columns = np.unique(other, return_inverse=True)
    cells = np.bincount(rows * len(others) + columns, minlength=len(groups) * len(others))
    return cells.reshape(len(groups), len(others)).astype(float)


def _pairs(counts: Any) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(max(-(shares * np.log(shares)).sum(), 0.0))
