"""Deviations: two values of the same name, such as a metric before and now, and how far they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Deviation:
    """A compared value, before and now."""

    where: str
    was: Any
    now: Any
    size: float
    """Difference of two numbers, relative to the larger one or to 1; infinite for other values that differ."""


def deviation(where: str, was: Any, now: Any, unit: float = 1.0) -> Deviation:
    """Compare two values; if their unit is not 1, the size is their absolute difference times the unit."""
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (was, now))
    if was == now or (are_numbers and math.isnan(was) and math.isnan(now)):
        return Deviation(where, was, now, 0.0)
    if not are_numbers or not (math.isfinite(was) and math.isfinite(now)):
        return Deviation(where, was, now, math.inf)
    scale = max(1.0, abs(was), abs(now)) if unit == 1.0 else 1.0 / unit
    return Deviation(where, was, now, abs(was - now) / scale)


def compared_leaves(where: str, was: Any, now: Any) -> Iterator[Deviation]:
    """Compare the values in two trees of dicts and lists; trees of different shapes are a single deviation."""
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for key in was:
            yield from compared_leaves(f"{where}.{key}", was[key], now[key])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from compared_leaves(f"{where}[{index}]", before, after)
    else:
        yield deviation(where, was, now)
