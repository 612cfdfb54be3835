"""How far values are from the best, for scales on which good ones can be told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradmix.contracts.meaning import Meaning


def distance(value: float, best: float, metric: Meaning) -> float:
    """How far a value is from the best: a difference; orders of magnitude, for what is compared by ratios."""
    if metric.by_ratio and value > 0 and best >= 0:
        return math.log10(value / max(best, 1e-17)) if best < value else 0.0
    return abs(value - best)


def reach(distances: Sequence[float]) -> float:
    """How far a scale should reach, so that a few bad values do not make all good ones look the same."""
    ordered = sorted(each for each in distances if each > 0)
    return min(ordered[-1], 3 * ordered[2 * len(ordered) // 5]) if ordered else 1.0
