"""One choice at a time: what each of its values does against the best one, all else being equal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, by_values, values_of
from gradmix.reports.grouping import Group, Settings, summarize
from gradmix.reports.pairs import Difference, Verdict, contrast


@dataclass(frozen=True)
class Effect:
    """What one value of a choice does against another, all else being equal.

    Parameters
    ----------
    factor
        The choice.
    value, reference
        The two values; the reference is the better one.
    difference
        Value against reference, over all pairs.
    """

    factor: str
    value: Any
    reference: Any
    difference: Difference


def find_effects(
    groups: Sequence[Group], best: Settings, factors: Factors, metrics: Sequence[Meaning]
) -> Iterator[Effect]:
    """Compare for each choice its values with that of the best group; by the metric to rank by, and by time.

    By time only where rounds were timed: a single time has no warm-up, and in the first run of a process it includes
    what had to be loaded.
    """
    compared = [metric for metric in metrics[:1] if metric.better] + [m for m in metrics[1:] if m.name == TIME.name]
    fit = {metric.name: _timed(groups, metric) if metric.name == TIME.name else groups for metric in compared}
    for factor in factors.choices:
        for metric in compared:
            members: dict[Any, list[Group]] = {value: [] for value in factors.values[factor]}
            for group in fit[metric.name]:
                members[group.settings[factor]].append(group)
            present = {value: each for value, each in members.items() if each}
            if len(present) < 2:
                continue
            is_primary = metric is metrics[0]
            reference = best[factor] if is_primary else min(present, key=lambda each: _median(present[each], metric))
            runs = {value: [run for group in each for run in group.finished] for value, each in present.items()}
            for value in present:
                if value != reference:
                    found = _against(runs[value], runs.get(reference, []), factor, metric, factors)
                    if found.verdict is not Verdict.UNPAIRED:
                        yield Effect(factor, value, reference, found)


def _timed(groups: Sequence[Group], time: Meaning) -> list[Group]:
    """The groups with those of their runs that were timed by rounds only."""
    timed = [(group, tuple(run for run in group.finished if run.timing is not None)) for group in groups]
    return [
        replace(group, runs=runs, summaries=summarize(runs, [time], group.is_repeated)) for group, runs in timed if runs
    ]


def _median(groups: Sequence[Group], metric: Meaning) -> float:
    """The median of all groups' medians, less being better."""
    found = [group.summaries[metric.name].estimate.median for group in groups if metric.name in group.summaries]
    return statistics.median(found) * metric.sign if found else math.inf


def _against(
    ones: Sequence[Run], references: Sequence[Run], factor: str, metric: Meaning, factors: Factors
) -> Difference:
    """The difference, unless runs with different choices would stand in for one another."""
    sides = (ones, references)
    same = [
        key
        for key in factors.varying
        if key != factor and all(any(key in run.params for run in side) for side in sides)  # else they cannot agree
    ]
    for side in sides:
        cells = by_values(side, same).values()
        if any(len({values_of(run, factors.choices) for run in cell}) > 1 for cell in cells):
            return Difference(metric)
    return contrast(ones, references, metric, same, factors.seeds)
