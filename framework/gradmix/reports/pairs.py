"""Paired differences: compare two runs that agree in all other factors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import by_values
from gradmix.reports.intervals import NO_VALUES, Estimate, estimate

Pair = tuple[float, float]

_SAME = 1e-9
"""Largest relative difference of equal results: the order of a sum can change them by that much."""
_FEWEST_ALIKE = 3
"""Number of pairs that must differ by exactly the same amount to count as free of noise."""


_STRENGTHS = ((2.0, "slight"), (6.0, "positive"), (10.0, "strong"), (math.inf, "decisive"))
"""Largest difference of an information criterion for each word for the strength of evidence.

Kass & Raftery, "Bayes factors", JASA 90 (1995), p. 777, for BIC, and Burnham & Anderson, "Multimodel inference",
Sociological Methods & Research 33 (2004), p. 271, for AIC: in both, a model that is more than 10 behind has no support.
"""


class Verdict(Enum):
    """The verdict of pairs on one side against the other: a mark for ranked tables, and words for the evidence.

    Only repetitions can distinguish noise from difference: runs that differ only in their seeds, or rounds of a timing.
    With several conditions (data sets, values of the other options) each is judged by its own repetitions, and the
    verdict counts in how many conditions one side is better. Without repetitions there is no mark.
    """

    EQUAL = ("= best", "")
    NOISE = ("≈ best", "within noise, ")
    WORSE = ("worse", "worse, ")
    BETTER = ("mixed", "better, ")
    LIKELY_WORSE = ("worse?", "worse in all, but too few for an interval: ")
    LIKELY_BETTER = ("mixed", "better in all, but too few for an interval: ")
    MIXED = ("mixed", "")
    SINGLE = ("", "")
    UNPAIRED = ("?", "")

    def __init__(self, mark: str, words: str) -> None:
        self.mark, self.words = mark, words

    @property
    def is_level(self) -> bool:
        """Whether the two sides are indistinguishable."""
        return self in (Verdict.EQUAL, Verdict.NOISE)


@dataclass(frozen=True)
class Difference:
    """The difference of one side from a reference, by pairs.

    `estimate` is the median of the paired differences, one side minus the reference, or of the ratios, one side over
    the reference; with several conditions, the median of their medians. `n_worse` and `n_better` count pairs, or
    conditions. If `is_unvarying`, all pairs differ by the same amount; if `is_exact`, repetitions changed neither side.
    """

    metric: Meaning
    is_ratio: bool = False
    estimate: Estimate = NO_VALUES
    n_worse: int = 0
    n_better: int = 0
    is_unvarying: bool = False
    is_exact: bool = False
    n_conditions: int = 1

    @property
    def n(self) -> int:
        """Number of pairs, or of conditions."""
        return self.estimate.n

    @property
    def neutral(self) -> float:
        """The value for no difference."""
        return 1.0 if self.is_ratio else 0.0

    @property
    def is_worse(self) -> bool:
        """Whether the median is worse than the reference."""
        return (self.estimate.median - self.neutral) * self.metric.sign > 0

    @property
    def is_finite(self) -> bool:
        """Whether the median is a finite number: it is not if one side has no number in most pairs."""
        return math.isfinite(self.estimate.median) and not (self.is_ratio and self.estimate.median == 0)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the pairs."""
        if self.n == 0:
            return Verdict.UNPAIRED
        if self.n_worse == self.n_better == 0:
            return Verdict.EQUAL
        if self.n_conditions > 1:
            if self.n_worse and self.n_better:
                return Verdict.MIXED
            return Verdict.WORSE if self.n_worse else Verdict.BETTER
        if self.n == 1:
            return Verdict.SINGLE
        if self.estimate.low <= self.neutral <= self.estimate.high:
            return Verdict.NOISE
        if self.estimate.has_interval or self.is_exact or (self.is_unvarying and self.n >= _FEWEST_ALIKE):
            return Verdict.WORSE if self.is_worse else Verdict.BETTER
        return Verdict.LIKELY_WORSE if self.is_worse else Verdict.LIKELY_BETTER

    @property
    def strength(self) -> str:
        """The strength of evidence by an information criterion without repetitions; empty for all other metrics."""
        if not self.metric.is_criterion or self.verdict is not Verdict.SINGLE:
            return ""
        return next(word for most, word in _STRENGTHS if abs(self.estimate.median) <= most)

    @property
    def mark(self) -> str:
        """The mark in a ranked table."""
        return self.strength or self.verdict.mark


def contrast(
    ones: Iterable[Run], references: Iterable[Run], metric: Meaning, same: Sequence[str], seeds: Sequence[str]
) -> Difference:
    """Compare runs with references by pairs that agree in the parameters `same`; `seeds` are those that only repeat."""
    conditions = [key for key in same if key not in seeds]
    partners = by_values(references, conditions)
    of_ones = by_values(ones, conditions).items()
    return difference(
        *(pair_up(runs, partners.get(values, ()), metric, same) for values, runs in of_ones), metric=metric
    )


def pair_up(ones: Iterable[Run], references: Iterable[Run], metric: Meaning, same: Sequence[str]) -> list[Pair]:
    """Pair the values of runs that agree in the parameters `same`.

    Runs that were timed in turns are paired round by round. If several runs agree in all of `same`, they are paired in
    their order.
    """
    partners, name = by_values(references, same), metric.name
    pairs: list[Pair] = []
    for values, runs in by_values(ones, same).items():
        for run, partner in zip(runs, partners.get(values, ()), strict=False):
            if name in run.metrics and name in partner.metrics:
                a, b = run.timing, partner.timing
                if name == TIME.name and a and b and a.block is not None and a.block == b.block:
                    pairs += zip(a.seconds, b.seconds, strict=False)
                else:
                    pairs.append((run.metrics[name], partner.metrics[name]))
    return pairs


def difference(*conditions: Sequence[Pair], metric: Meaning) -> Difference:
    """Compare by the pairs (one, reference) of each condition; pairs without any finite number are ignored.

    >>> from gradmix.contracts.meaning import TIME
    >>> twice = difference([(2.0 * t, t) for t in (1.0, 1.1, 0.9, 1.2, 1.0, 1.0)], metric=TIME)
    >>> twice.estimate.median, twice.verdict.mark
    (2.0, 'worse')
    """
    sound = [[pair for pair in pairs if any(map(math.isfinite, pair))] for pairs in conditions]
    sound = [pairs for pairs in sound if pairs]
    values = [value for pairs in sound for pair in pairs for value in pair if not math.isnan(value)]
    is_ratio = metric.by_ratio and all(value > 0 for value in values)
    found = [_repeated(pairs, metric, is_ratio) for pairs in sound]
    if len(found) < 2:
        return found[0] if found else Difference(metric)
    medians = [each.estimate.median for each in found]
    distinct = [each for each in found if not each.verdict.is_level]
    n_worse = sum(each.is_worse for each in distinct)
    return Difference(
        metric=metric,
        is_ratio=is_ratio,
        estimate=estimate(medians, repeated=False, n_broken=sum(each.estimate.n_broken for each in found)),
        n_worse=n_worse,
        n_better=len(distinct) - n_worse,
        is_unvarying=all(_equal(each, medians[0], 1e-6) for each in medians),
        n_conditions=len(found),
    )


def _repeated(pairs: Sequence[Pair], metric: Meaning, is_ratio: bool) -> Difference:
    sign, neutral = metric.sign or 1.0, 1.0 if is_ratio else 0.0

    def contrast_of(a: float, b: float) -> float:
        if math.isfinite(a) and math.isfinite(b):
            return a / b if is_ratio else a - b
        is_largest = math.isfinite(b) == (sign > 0)  # a value that is not finite counts as worst
        return math.inf if is_largest else 0.0 if is_ratio else -math.inf

    contrasts = [contrast_of(a, b) for a, b in pairs]
    unequal = [each for each, (a, b) in zip(contrasts, pairs, strict=True) if not _equal(a, b)]
    n_worse = sum((each - neutral) * sign > 0 for each in unequal)
    return Difference(
        metric=metric,
        is_ratio=is_ratio,
        estimate=estimate(contrasts, n_broken=sum(not all(map(math.isfinite, pair)) for pair in pairs)),
        n_worse=n_worse,
        n_better=len(unequal) - n_worse,
        is_unvarying=all(_equal(each, contrasts[0], 1e-6) for each in contrasts),
        is_exact=len(pairs) > 1 and all(map(_is_same, pairs, [pairs[0]] * len(pairs))),
    )


def _is_same(pair: Pair, first: Pair) -> bool:
    """Return whether both values equal those of another pair; integers do not count, as they may agree by chance."""
    return all(map(_equal, pair, first)) and not all(float(each).is_integer() for each in first)


def _equal(a: float, b: float, tolerance: float = _SAME) -> bool:
    return a == b or math.isclose(a, b, rel_tol=tolerance)
