"""Runs in groups: those with the same choices, by what they had to solve."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, by_values, values_of
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
    def all_settings(self) -> Settings:
        """What was given, and the choices."""
        return {**self.given, **self.settings}

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


def group_runs(runs: Iterable[Run], factors: Factors, metrics: Sequence[Meaning]) -> dict[tuple[Any, ...], list[Group]]:
    """Values of what was given → the groups there, both in the order of values."""
    conditions = [key for key in factors.repeats if key not in factors.seeds]
    n_given = len(factors.given)
    keys = (*factors.given, *factors.choices)
    members = by_values((run for run in runs if run.params), keys)
    groups: dict[tuple[Any, ...], list[Group]] = {}
    for values in sorted(members, key=lambda values: factors.position(dict(zip(keys, values, strict=True)))):
        is_repeated = len(by_values(members[values], conditions)) == 1
        group = Group(
            settings=dict(zip(factors.choices, values[n_given:], strict=True)),
            given=dict(zip(factors.given, values[:n_given], strict=True)),
            runs=tuple(members[values]),
            summaries=summarize(members[values], metrics, is_repeated),
            is_repeated=is_repeated,
        )
        groups.setdefault(values[:n_given], []).append(group)
    return groups


def timed_apart(section: Section, repeats: Sequence[str]) -> list[Group]:
    """Groups with a run that was not timed in turns with those of the others that it is set against.

    Those that agree in `repeats` are set against each other; where none of these was timed in turns, none is apart.
    """
    blocks: dict[tuple[Any, ...], Counter[str]] = {}
    timed = [(group, values_of(run, repeats), run.timing) for group in section.groups for run in group.finished]
    for _, cell, timing in timed:
        if timing and timing.block is not None:
            blocks.setdefault(cell, Counter())[timing.block] += 1
    usual = {cell: counted.most_common(1)[0][0] for cell, counted in blocks.items()}
    apart = [group for group, cell, timing in timed if timing and usual.get(cell) not in (None, timing.block)]
    return list({id(group): group for group in apart}.values())


def summarize(runs: Iterable[Run], metrics: Iterable[Meaning], is_repeated: bool) -> dict[str, Summary]:
    """Metric → its summary over the runs that have it; with an interval only if they are repetitions."""
    finished = [run for run in runs if run.is_finished]
    summaries: dict[str, Summary] = {}
    for metric in metrics:
        worst = math.copysign(math.inf, metric.sign or 1.0)
        values = [value for run in finished for value in run.samples(metric.name)]
        sound = [value if math.isfinite(value) else worst for value in values]
        if sound:
            summaries[metric.name] = Summary(estimate(sound, is_repeated), sum(map(math.isinf, sound)))
    return summaries
