"""Where values are on the scale of a section: what is compared by ratios on a logarithmic one."""

from __future__ import annotations

import math

from gradmix.contracts.meaning import Meaning
from gradmix.reports.grouping import Section
from gradmix.reports.wording import measured

_CONTENDERS = 5
"""How many groups behind the best the scale tells apart; what is much worse is off it."""
_LEAST = 1e-17
"""What stands for zero on a logarithmic scale."""


class Scale:
    """From the best of a section to the contenders by the metric that ranks, smaller values to the left."""

    def __init__(self, section: Section, metric: Meaning) -> None:
        self._metric = metric
        found = [each.summaries[metric.name] for each in section.groups if metric.name in each.summaries]
        values = [value for each in found for value in (each.low, each.median, each.high) if math.isfinite(value)]
        self._is_log = metric.by_ratio and min(values, default=0.0) >= 0 and max(values, default=0.0) > 0
        best = min(values, key=lambda value: value * (metric.sign or 1.0), default=1.0)
        behind = sorted(self.distance(each.median, best) for each in found if math.isfinite(each.median))
        own = [self.distance(end, best) for each in found[:1] for end in (each.low, each.high) if math.isfinite(end)]
        near = [each for each in behind if each > 0][:_CONTENDERS]
        reached = [min(1.3 * near[-1], 3 * near[len(near) // 2])] if near else []
        reach = max([*own, *reached], default=0.0) or 1.0
        at_best = self._place(best)
        self._low, self._high = (at_best - reach, at_best) if metric.better == "higher" else (at_best, at_best + reach)
        ends = (10**end if self._is_log else end for end in (self._low, self._high))
        self.ends = [measured(float(f"{end:.4g}"), metric.unit) for end in ends] if values else ["", ""]
        """The values at both ends, as text; empty if there is nothing to show."""

    def _place(self, value: float) -> float:
        return math.log10(max(value, _LEAST)) if self._is_log else value

    def distance(self, value: float, best: float) -> float:
        """How far a value is from the best; in orders of magnitude on a logarithmic scale."""
        return abs(self._place(value) - self._place(best))

    def at(self, value: float) -> float | None:
        """Place in per cent; None off the scale."""
        if not math.isfinite(value):
            return None
        share = (self._place(value) - self._low) / (self._high - self._low)
        return 4 + 92 * share if -1e-9 <= share <= 1 + 1e-9 else None

    def end(self, value: float) -> float:
        """Place of an interval's end in per cent; off the scale, that of its worse end."""
        place = self.at(value)
        return place if place is not None else 0.0 if self._metric.better == "higher" else 100.0
