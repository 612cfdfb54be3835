"""Medians with intervals that hold for any distribution.

The ends of the interval are two order statistics: the median is below the k-th smallest of n values only if fewer than
k of them fall below it, whose probability is that of n fair coin tosses (Thompson, 1936). The only assumption is that
the values are drawn independently, and the coverage is at least the nominal one. With fewer than six values no such
interval reaches 95 %.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FEWEST = 6
"""Smallest number of values for an interval of 95 %."""


@dataclass(frozen=True)
class Estimate:
    """A median of `n` values and its precision; without values it is NaN.

    `low` and `high` are the ends of its 95 % interval or, without an interval, the smallest and the largest value.
    `n_broken` of the values were not finite, and count as worst.
    """

    n: int = 0
    median: float = math.nan
    low: float = math.nan
    high: float = math.nan
    has_interval: bool = False
    n_broken: int = 0


NO_VALUES = Estimate()


def estimate(values: Sequence[float], repeated: bool = True, n_broken: int = 0) -> Estimate:
    """Return the median of at least one value, with an interval if the values are repetitions and there are enough.

    >>> estimate([5.0, 1.0, 4.0, 2.0, 3.0, 6.0])
    Estimate(n=6, median=3.5, low=1.0, high=6.0, has_interval=True, n_broken=0)
    """
    ordered = sorted(values)
    rank = order_statistic(len(ordered)) if repeated else 0
    low, high = ordered[max(rank - 1, 0)], ordered[-max(rank, 1)]
    return Estimate(len(ordered), statistics.median(ordered), low, high, rank > 0, n_broken)


@lru_cache
def order_statistic(n: int) -> int:
    """Return the k for which the k-th smallest and k-th largest of n values enclose the median in 95 % of samples.

    Return 0 if no k does.

    >>> [order_statistic(n) for n in (5, 6, 8, 9, 20)]
    [0, 1, 1, 2, 6]
    """
    if n < FEWEST:
        return 0
    from scipy.special import bdtr

    return int(np.count_nonzero(bdtr(np.arange(n), n, 0.5) <= 0.025))  # P(at most k of n coins) ≤ 2.5 %
