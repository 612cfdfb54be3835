"""One choice at a time: compare each of its values with the best one, all else being equal."""

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
    """The effect of one value of a choice, compared with a better value, all else being equal."""

    factor: str
    value: Any
    reference: Any
    difference: Difference


def find_effects(
    groups: Sequence[Group], best: Settings, factors: Factors, metrics: Sequence[Meaning]
) -> Iterator[Effect]:
    """Compare the values of each choice with that of the best group, by the metric to rank by and by time.

    Times are compared only if rounds were timed: a single time has no warm-up, and in the first run of a process it
    includes the time to load modules.
    """
    compared = [metric for metric in metrics if metric is metrics[0] or metric.name == TIME.name]
    fit = {metric.name: _timed(groups, factors) if metric.name == TIME.name else groups for metric in compared}
    for factor in factors.choices:
        for metric in compared:
            found: dict[Any, list[Group]] = {}
            for group in fit[metric.name]:
                found.setdefault(group.settings[factor], []).append(group)
            members = {value: found[value] for value in factors.values[factor] if value in found}
            if len(members) < 2:
                continue
            reference = (
                best[factor] if metric is metrics[0] else min(members, key=lambda v: _median(members[v], metric))
            )
            runs = {value: [run for group in each for run in group.finished] for value, each in members.items()}
            for value in members:
                if value != reference:
                    against = _against(runs[value], runs.get(reference, []), factor, metric, factors)
                    if against.verdict is not Verdict.UNPAIRED:
                        yield Effect(factor, value, reference, against)


def _timed(groups: Sequence[Group], factors: Factors) -> list[Group]:
    """Return the groups with only the runs that were timed by rounds."""
    timed = [(group, tuple(run for run in group.finished if run.timing is not None)) for group in groups]
    return [replace(group, runs=runs, summaries=summarize(runs, [TIME], factors)) for group, runs in timed if runs]


def _median(groups: Sequence[Group], metric: Meaning) -> float:
    """Return the median of all groups' medians, with the sign for which less is better."""
    found = [group.summaries[metric.name].median for group in groups if metric.name in group.summaries]
    return statistics.median(found) * metric.sign if found else math.inf


def _against(
    ones: Sequence[Run], references: Sequence[Run], factor: str, metric: Meaning, factors: Factors
) -> Difference:
    """Return the difference, unless runs with different choices would be compared as if they were the same."""
    sides = (ones, references)
    same = [
        key
        for key in factors.varying
        # runs cannot agree in a parameter that one side lacks
        if key != factor and all(any(key in run.params for run in side) for side in sides)
    ]
    for side in sides:
        cells = by_values(side, same).values()
        if any(len({values_of(run, factors.choices) for run in cell}) > 1 for cell in cells):
            return Difference(metric)
    return contrast(ones, references, metric, same, factors.seeds)
