"""Medians with intervals that hold for any distribution.

The interval of a median is that between two order statistics: the median is below the k-th smallest of n values only
if fewer than k of them fall below it, which is a matter of n fair coins (Thompson, 1936). It assumes nothing but that
the values are drawn independently, and it covers the median at least as often as it says; with fewer than six values no
such interval reaches 95 %.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FEWEST = 6
"""How many values an interval of 95 % needs."""


@dataclass(frozen=True)
class Estimate:
    """A median of `n` values and how well it is known; of none, it is not a number.

    `low` and `high` are its 95 % interval; without one, the smallest and the largest value. Of the values, `n_broken`
    stand for what was not a finite number, which counts as worst.
    """

    n: int = 0
    median: float = math.nan
    low: float = math.nan
    high: float = math.nan
    has_interval: bool = False
    n_broken: int = 0


NO_VALUES = Estimate()


def estimate(values: Sequence[float], repeated: bool = True, n_broken: int = 0) -> Estimate:
    """Median of at least one value; with its interval, if they are repetitions of one thing, and enough.

    >>> estimate([5.0, 1.0, 4.0, 2.0, 3.0, 6.0])
    Estimate(n=6, median=3.5, low=1.0, high=6.0, has_interval=True, n_broken=0)
    """
    ordered = sorted(values)
    rank = order_statistic(len(ordered)) if repeated else 0
    low, high = ordered[max(rank - 1, 0)], ordered[-max(rank, 1)]
    return Estimate(len(ordered), statistics.median(ordered), low, high, rank > 0, n_broken)


@lru_cache
def order_statistic(n: int) -> int:
    """The k for which the k-th smallest and k-th largest of n values enclose the median in 95 % of all samples.

    Zero if there is none.

    >>> [order_statistic(n) for n in (5, 6, 8, 9, 20)]
    [0, 1, 1, 2, 6]
    """
    if n < FEWEST:
        return 0
    from scipy.special import bdtr

    return int(np.count_nonzero(bdtr(np.arange(n), n, 0.5) <= 0.025))  # P(at most k of n coins) ≤ 2.5 %
