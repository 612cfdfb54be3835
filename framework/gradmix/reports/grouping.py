"""Group runs by their choices, within sections of the same given values."""

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
class Group:
    """The runs with the same choices, `settings`, and the same given values, including runs without a result.

    `summaries` has the median of each metric over the runs that have it. `versus_best` is None for the best group, and
    for all groups if the section is not ranked.
    """

    settings: Settings
    given: Settings
    runs: tuple[Run, ...]
    summaries: Mapping[str, Estimate]
    versus_best: Difference | None = None

    @property
    def finished(self) -> tuple[Run, ...]:
        """The runs that have a result."""
        return tuple(run for run in self.runs if run.is_finished)


@dataclass(frozen=True)
class Section:
    """The groups with the same given values; best first, if they are ranked."""

    given: Settings
    groups: tuple[Group, ...]
    is_ranked: bool = False


def group_runs(runs: Iterable[Run], factors: Factors, metrics: Sequence[Meaning]) -> list[Section]:
    """Return the groups in sections by given values; both in the order of values."""
    keys = (*factors.given, *factors.choices)

    def position(values: tuple[Any, ...]) -> tuple[int, ...]:
        return tuple(factors.values[key].index(value) for key, value in zip(keys, values, strict=True))

    found = by_values((run for run in runs if run.params), keys)
    sections: dict[tuple[Any, ...], list[Group]] = {}
    for values, members in sorted(found.items(), key=lambda item: position(item[0])):
        settings = dict(zip(keys, values, strict=True))
        given = {key: settings.pop(key) for key in factors.given}
        group = Group(settings, given, tuple(members), summarize(members, metrics, factors))
        sections.setdefault(tuple(given.values()), []).append(group)
    return [Section(groups[0].given, tuple(groups)) for groups in sections.values()]


def summarize(runs: Sequence[Run], metrics: Iterable[Meaning], factors: Factors) -> dict[str, Estimate]:
    """Summarize each metric over the runs that have it; intervals require that the runs differ only in seeds."""
    finished = [run for run in runs if run.is_finished]
    conditions = [key for key in factors.repeats if key not in factors.seeds]
    are_repeated = len(by_values(runs, conditions)) == 1
    summaries = {}
    for metric in metrics:
        values = [value for run in finished for value in run.samples(metric.name)]
        worst = math.copysign(math.inf, metric.sign or 1.0)
        sound = [value if math.isfinite(value) else worst for value in values]
        if sound:
            summaries[metric.name] = estimate(sound, are_repeated, sum(map(math.isinf, sound)))
    return summaries


def timed_apart(section: Section, repeats: Sequence[str]) -> list[Group]:
    """Return the groups with a run that was not timed in turns with the runs that it is compared with.

    Runs that agree in `repeats` are compared with each other; if none of them was timed in turns, they are ignored.
    """
    blocks: dict[tuple[Any, ...], Counter[str]] = {}
    timed = [(group, values_of(run, repeats), run.timing) for group in section.groups for run in group.finished]
    for _, cell, timing in timed:
        if timing and timing.block is not None:
            blocks.setdefault(cell, Counter())[timing.block] += 1
    usual = {cell: counted.most_common(1)[0][0] for cell, counted in blocks.items()}
    apart = [group for group, cell, timing in timed if timing and usual.get(cell) not in (None, timing.block)]
    return list({id(group): group for group in apart}.values())
