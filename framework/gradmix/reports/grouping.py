"""Runs in groups: those with the same choices, by what they had to solve."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, value_of
from gradmix.reports.intervals import Estimate, estimate
from gradmix.reports.pairs import Difference

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Summary:
    """A metric over the runs of a group.

    Parameters
    ----------
    estimate
        Median and interval of what was measured; what is no number counts as worst.
    n_broken
        How many values were no finite number.
    """

    estimate: Estimate
    n_broken: int = 0


@dataclass(frozen=True)
class Group:
    """Runs with the same choices.

    Parameters
    ----------
    settings
        The choices.
    given
        What they had to solve.
    runs
        Its runs, those without result, too.
    summaries
        Metric → its summary over the runs that have it.
    is_repeated
        Whether its runs differ in nothing but seeds, so that they are repetitions of each other.
    versus_best
        Paired against the best group that had to solve the same; None for the best, and where nothing is ranked.
    """

    settings: Settings
    given: Settings
    runs: tuple[Run, ...]
    summaries: Mapping[str, Summary]
    is_repeated: bool = True
    versus_best: Difference | None = None

    @property
    def finished(self) -> tuple[Run, ...]:
        """Its runs that have a result."""
        return tuple(run for run in self.runs if run.is_finished)

    @property
    def is_timed(self) -> bool:
        """Whether the times of all its results come from repeated rounds, after a warm-up."""
        return all(run.timing is not None for run in self.finished)


@dataclass(frozen=True)
class Section:
    """Groups that had to solve the same, best first.

    Parameters
    ----------
    given
        What they had to solve.
    groups
        The groups.
    is_ranked
        Whether there is a best: several groups, and a metric to rank them by.
    """

    given: Settings
    groups: tuple[Group, ...]
    is_ranked: bool = False


def group_runs(
    runs: Sequence[Run], factors: Factors, metrics: Sequence[Meaning], seeds: Sequence[str]
) -> dict[tuple[Any, ...], list[Group]]:
    """Values of what was given → the groups there, both in the order of values; `seeds` are keys that only repeat."""
    conditions = [key for key in factors.repeats if key not in seeds]
    members: dict[tuple[Any, ...], list[Run]] = {}
    keys = (*factors.given, *factors.choices)
    for run in runs:
        if run.params:
            members.setdefault(tuple(value_of(run, key) for key in keys), []).append(run)
    groups: dict[tuple[Any, ...], list[Group]] = {}
    ordered = sorted(members, key=lambda values: factors.position(dict(zip(keys, values, strict=True))))
    for values in ordered:
        settings = dict(zip(keys, values, strict=True))
        given = {key: settings.pop(key) for key in factors.given}
        is_repeated = len({_cell(run, conditions) for run in members[values]}) == 1
        summaries = summarize(members[values], metrics, is_repeated)
        group = Group(settings, given, tuple(members[values]), summaries, is_repeated)
        groups.setdefault(tuple(given.values()), []).append(group)
    return groups


def timed_apart(section: Section, repeats: Sequence[str]) -> list[Group]:
    """Groups with a run that was not timed in turns with those of the others that it is set against.

    Those that agree in `repeats` are set against each other; where none of these was timed in turns, none is apart.
    """
    blocks: dict[tuple[Any, ...], Counter[str]] = {}
    timed = [(group, run, run.timing) for group in section.groups for run in group.finished if run.timing]
    for _, run, timing in timed:
        if timing.block is not None:
            blocks.setdefault(_cell(run, repeats), Counter())[timing.block] += 1
    usual = {cell: counted.most_common(1)[0][0] for cell, counted in blocks.items()}
    apart = [group for group, run, timing in timed if usual.get(_cell(run, repeats)) not in (None, timing.block)]
    return list({id(group): group for group in apart}.values())


def _cell(run: Run, repeats: Sequence[str]) -> tuple[Any, ...]:
    return tuple(value_of(run, key) for key in repeats)


def summarize(runs: Iterable[Run], metrics: Sequence[Meaning], is_repeated: bool) -> dict[str, Summary]:
    """Metric → its summary over the runs that have it; with an interval only if they are repetitions."""
    finished = [run for run in runs if run.is_finished]
    summaries: dict[str, Summary] = {}
    for metric in metrics:
        values = [value for run in finished for value in run.samples(metric.name)]
        if values:
            summaries[metric.name] = _summary(values, metric, is_repeated)
    return summaries


def _summary(values: Sequence[float], metric: Meaning, is_repeated: bool) -> Summary:
    worst = math.copysign(math.inf, metric.sign or 1.0)
    sound = [value if math.isfinite(value) else worst for value in values]
    return Summary(estimate(sound, is_repeated), sum(map(math.isinf, sound)))
