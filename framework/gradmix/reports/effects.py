"""One choice at a time: what each of its values does against the best one, all else being equal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, value_of
from gradmix.reports.grouping import Group, Settings, summarize
from gradmix.reports.intervals import estimate
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
    groups: Sequence[Group], best: Settings, factors: Factors, metrics: Sequence[Meaning], seeds: Sequence[str]
) -> Iterator[Effect]:
    """Compare for each choice its values with that of the best group; by the metric to rank by, and by time.

    By time only where rounds were timed: a single time has no warm-up, and in the first run of a process it includes
    what had to be loaded.
    """
    compared = [metric for metric in metrics[:1] if metric.better] + [m for m in metrics[1:] if m.name == TIME.name]
    fit = {metric.name: _timed(groups, metric) if metric.name == TIME.name else groups for metric in compared}
    for factor in factors.choices:
        for metric in compared:
            members = fit[metric.name]
            present = [value for value in factors.values[factor] if any(g.settings[factor] == value for g in members)]
            if len(present) < 2:
                continue
            reference = best[factor] if metric is metrics[0] else _best_value(members, factor, present, metric)
            for value in present:
                if value != reference:
                    found = _effect(members, factor, value, reference, metric, factors, seeds)
                    if found.verdict is not Verdict.UNPAIRED:
                        yield Effect(factor, value, reference, found)


def _timed(groups: Sequence[Group], time: Meaning) -> list[Group]:
    """The groups with those of their runs that were timed by rounds only."""
    timed = [(group, tuple(run for run in group.finished if run.timing is not None)) for group in groups]
    return [
        replace(group, runs=runs, summaries=summarize(runs, [time], group.is_repeated)) for group, runs in timed if runs
    ]


def _best_value(groups: Sequence[Group], factor: str, values: Sequence[Any], metric: Meaning) -> Any:
    """The value of a choice with the best median over all its groups' medians."""

    def score(value: Any) -> float:
        medians = [
            group.summaries[metric.name].estimate.median * metric.sign
            for group in groups
            if group.settings[factor] == value and metric.name in group.summaries
        ]
        return estimate(medians).median if medians else math.inf

    return min(values, key=score)


def _effect(
    groups: Sequence[Group],
    factor: str,
    value: Any,
    reference: Any,
    metric: Meaning,
    factors: Factors,
    seeds: Sequence[str],
) -> Difference:
    ones = [run for group in groups if group.settings[factor] == value for run in group.finished]
    references = [run for group in groups if group.settings[factor] == reference for run in group.finished]
    same = [key for key in factors.varying if key != factor and not _depends(key, ones, references)]
    if _is_ambiguous(ones, same, factors) or _is_ambiguous(references, same, factors):
        return Difference(metric)
    return contrast(ones, references, metric, same, seeds)


def _depends(key: str, ones: Sequence[Run], references: Sequence[Run]) -> bool:
    """Whether only one side has the option at all: then the two cannot agree in it."""
    return any(all(key not in run.params for run in side) for side in (ones, references))


def _is_ambiguous(runs: Sequence[Run], same: Sequence[str], factors: Factors) -> bool:
    """Whether runs with different choices would stand in for one another."""
    choices: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for run in runs:
        cell = tuple(value_of(run, key) for key in same)
        chosen = tuple(value_of(run, key) for key in factors.choices)
        if choices.setdefault(cell, chosen) != chosen:
            return True
    return False
