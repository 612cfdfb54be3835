"""A scale from the best value to the worst on which close and distant values can be distinguished."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from gradmix.contracts.meaning import Meaning
from gradmix.reports.grouping import Section
from gradmix.reports.wording import measured

_LETTER = 0.032
"""The width of a letter of a tick's text, as a share of the scale."""
_STRETCHED = 6.0
"""The scale is stretched near the best if the worst value is this many times as far away as the contenders."""
_SAME = 1e-9
"""Largest relative difference of values that count as equal."""


class Scale:
    """Map values to places from 0, the best, to 1, the worst, whichever direction is better.

    The scale is logarithmic for metrics compared by ratios. Otherwise it is linear in the distance to the best, or, if
    some values are far behind, in its inverse hyperbolic sine, which is linear near the best and logarithmic far away.
    """

    def __init__(self, values: Collection[float], metric: Meaning, medians: Collection[float] = ()) -> None:
        sound = sorted(
            {value for value in values if math.isfinite(value)}, key=lambda value: value * (metric.sign or 1.0)
        )
        self._unit = metric.unit
        self._best, self._worst = (sound[0], sound[-1]) if sound else (0.0, 0.0)
        positive = [value for value in sound if value > 0]
        self.is_log = metric.by_ratio and len(positive) > 0 and all(value >= 0 for value in sound)
        self._room = 0.0
        if self.is_log:
            least, most = min(positive), max(positive)
            self._zero = (
                least / 10 ** max(0.5, 0.15 * math.log10(most / least)) if len(positive) < len(sound) else least
            )
        else:
            self._room = self._near(medians or sound)
        self._reach = self._distance(self._worst) if sound else 0.0
        self.ticks: Sequence[tuple[float, str]] = list(self._ticks()) if sound else []
        """Places and texts of round values, for ticks."""

    @property
    def is_stretched(self) -> bool:
        """Whether the scale gives more room to values near the best."""
        return self._room > 0

    def at(self, value: float) -> float:
        """Return the place of a value; the worse end for values that are not finite."""
        if not math.isfinite(value):
            return 1.0
        return min(max(self._distance(value) / self._reach, 0.0), 1.0) if self._reach > 0 else 0.0

    @property
    def near_best(self) -> tuple[float, float] | None:
        """The range of values near the best, (low, high), if the scale gives it more room; else None."""
        if not self.is_stretched:
            return None
        distance = math.copysign(self._room * math.sinh(self._reach / 2), self._worst - self._best)
        return min(self._best, self._best + distance), max(self._best, self._best + distance)

    def _near(self, values: Collection[float]) -> float:
        """Return the distance up to which a stretched scale is linear; 0 if it need not be stretched."""
        distances = sorted(abs(value - self._best) for value in values if math.isfinite(value))
        apart = [each for each in distances if each > _SAME * abs(self._best)]
        near = apart[len(apart) // 4] if apart else 0.0
        return near if near > 0 and abs(self._worst - self._best) > _STRETCHED * near else 0.0

    def _distance(self, value: float) -> float:
        if self.is_log:
            return abs(math.log10(max(value, self._zero)) - math.log10(max(self._best, self._zero)))
        distance = abs(value - self._best)
        return math.asinh(distance / self._room) if self._room else distance

    def _ticks(self) -> Iterator[tuple[float, str]]:
        """Yield as many round values as there is room for."""
        if self._reach == 0:
            yield 0.0, measured(float(f"{self._best:.4g}"), self._unit)
            return
        taken: list[tuple[float, str]] = []
        for value in self._round_values(*sorted((self._best, self._worst))):
            place, text = self.at(value), measured(value, self._unit)
            if all(abs(place - other) >= _LETTER * (len(text) + len(their)) / 2 for other, their in taken):
                taken.append((place, text))
                yield place, text

    def _round_values(self, low: float, high: float) -> Iterator[float]:
        """Yield round values within the range, the most important ones first."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        if self.is_stretched:  # for each size of step, the first round value beyond the best
            away = 1 if self._worst > self._best else -1
            for power in range(math.ceil(math.log10(high - low)), math.floor(math.log10(self._room)) - 1, -1):
                for step in (10.0**power, 5 * 10.0 ** (power - 1), 2 * 10.0 ** (power - 1)):
                    value = away * step * (math.floor(away * self._best / step) + 1)
                    if low <= value <= high:
                        yield value
            return
        if not self.is_log:
            found = MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high)
        else:
            decades = math.log10(high / max(low, self._zero))
            steps = (1.0,) if decades >= 3 else (1.0, 2.0, 5.0)
            found = LogLocator(subs=steps, numticks=6).tick_values(max(low, self._zero), high)
            found = [0.0, *(value for value in found if value > self._zero)] if low == 0 else found
        yield from (float(value) for value in found if low <= value <= high)


def scale_of(section: Section, metric: Meaning) -> Scale:
    """Return the scale for a section's groups: for their medians and the ends of their intervals."""
    found = [each.summaries[metric.name] for each in section.groups if metric.name in each.summaries]
    values = [value for each in found for value in (each.low, each.median, each.high)]
    return Scale(values, metric, [each.median for each in found])
