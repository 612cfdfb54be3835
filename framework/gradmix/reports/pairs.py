"""Paired differences: runs that agree in everything else, one against the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import value_of
from gradmix.reports.intervals import Estimate, estimate

Pair = tuple[float, float]

_SAME = 1e-9
"""Relative difference up to which two results are equal: what the order of a sum can change."""
_FEWEST_ALIKE = 3
"""How many pairs must differ by the very same amount to be taken for free of noise."""


class Verdict(Enum):
    """What pairs say about one against another."""

    EQUAL = "equal"
    NOISE = "within noise"
    WORSE = "worse"
    BETTER = "better"
    LIKELY_WORSE = "worse in all pairs, too few for an interval"
    LIKELY_BETTER = "better in all pairs, too few for an interval"
    SINGLE = "one pair, which cannot tell noise"
    UNPAIRED = "no pairs"

    @property
    def is_level(self) -> bool:
        """Whether there is no difference to speak of."""
        return self in (Verdict.EQUAL, Verdict.NOISE)


@dataclass(frozen=True)
class Difference:
    """One against a reference, pair by pair.

    Parameters
    ----------
    metric
        What was compared.
    is_ratio
        Whether by ratios rather than by differences.
    estimate
        Median of the paired differences (ratios): one minus (over) the reference; None without pairs.
    n_worse, n_better
        In how many pairs it was worse and better than the reference.
    is_unvarying
        Whether all pairs differ by the same amount.
    n_broken
        In how many pairs one of the two has no number, which counts as worst.
    """

    metric: Meaning
    is_ratio: bool = False
    estimate: Estimate | None = None
    n_worse: int = 0
    n_better: int = 0
    is_unvarying: bool = False
    n_broken: int = 0

    @property
    def n(self) -> int:
        """How many pairs."""
        return self.estimate.n if self.estimate else 0

    @property
    def neutral(self) -> float:
        """The value that says no difference."""
        return 1.0 if self.is_ratio else 0.0

    @property
    def is_finite(self) -> bool:
        """Whether its median is a number: it is not if one of the two has no number in most pairs."""
        if self.estimate is None:
            return False
        return math.isfinite(self.estimate.median) and not (self.is_ratio and self.estimate.median == 0)

    @property
    def verdict(self) -> Verdict:
        """What the pairs say."""
        if self.estimate is None:
            return Verdict.UNPAIRED
        if self.n_worse == self.n_better == 0:
            return Verdict.EQUAL
        worse = (self.estimate.median - self.neutral) * self.metric.sign > 0
        if self.is_unvarying and self.n >= _FEWEST_ALIKE:
            return Verdict.WORSE if worse else Verdict.BETTER
        if self.estimate.low <= self.neutral <= self.estimate.high:
            return Verdict.NOISE
        if self.n == 1:
            return Verdict.SINGLE
        if not self.estimate.has_interval:
            return Verdict.LIKELY_WORSE if worse else Verdict.LIKELY_BETTER
        return Verdict.WORSE if worse else Verdict.BETTER


def difference(pairs: Sequence[Pair], metric: Meaning) -> Difference:
    """Compare by pairs (one, reference); pairs that have no number at all do not count.

    >>> from gradmix.contracts.meaning import METRICS
    >>> twice = difference([(2.0 * t, t) for t in (1.0, 1.1, 0.9, 1.2, 1.0, 1.0)], METRICS["time.seconds"])
    >>> twice.estimate.median, twice.verdict
    (2.0, <Verdict.WORSE: 'worse'>)
    """
    pairs = [(a, b) for a, b in pairs if math.isfinite(a) or math.isfinite(b)]
    if not pairs:
        return Difference(metric)
    is_ratio = metric.by_ratio and all(value > 0 for pair in pairs for value in pair if not math.isnan(value))
    unequal = [(a, b) for a, b in pairs if not _equal(a, b)]
    contrasts = [_contrast(a, b, metric, is_ratio) for a, b in pairs]
    n_worse = sum(_penalty(a, metric) > _penalty(b, metric) for a, b in unequal)
    return Difference(
        metric=metric,
        is_ratio=is_ratio,
        estimate=estimate(contrasts),
        n_worse=n_worse,
        n_better=len(unequal) - n_worse,
        is_unvarying=all(_equal(each, contrasts[0], 1e-6) for each in contrasts),
        n_broken=sum(not (math.isfinite(a) and math.isfinite(b)) for a, b in pairs),
    )


def pair_up(ones: Iterable[Run], references: Iterable[Run], metric: Meaning, same: Sequence[str]) -> list[Pair]:
    """Pair the values of runs that agree in the parameters `same`.

    Runs that were timed in turns are paired round by round. Where several runs agree in all of `same`, they are paired
    in the order in which they come.
    """
    by_cell: dict[tuple[object, ...], list[Run]] = {}
    for run in references:
        by_cell.setdefault(tuple(value_of(run, key) for key in same), []).append(run)
    pairs: list[Pair] = []
    for run in ones:
        partners = by_cell.get(tuple(value_of(run, key) for key in same))
        if partners:
            pairs += _rounds(run, partners.pop(0), metric.name)
    return pairs


def _rounds(one: Run, reference: Run, name: str) -> list[Pair]:
    if name not in one.metrics or name not in reference.metrics:
        return []
    a, b = one.timing, reference.timing
    if name == "time.seconds" and a and b and a.block is not None and a.block == b.block:
        return list(zip(a.seconds, b.seconds, strict=False))
    return [(one.metrics[name], reference.metrics[name])]


def _contrast(a: float, b: float, metric: Meaning, is_ratio: bool) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        worse = math.copysign(math.inf, metric.sign or 1.0)  # what is no number lost
        lost = not math.isfinite(a)
        return (worse if lost else -worse) if not is_ratio else (math.inf if lost else 0.0)
    return a / b if is_ratio else a - b


def _penalty(value: float, metric: Meaning) -> float:
    return value * (metric.sign or 1.0) if math.isfinite(value) else math.inf


def _equal(a: float, b: float, tolerance: float = _SAME) -> bool:
    return a == b or math.isclose(a, b, rel_tol=tolerance)
