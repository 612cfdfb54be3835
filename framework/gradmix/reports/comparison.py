"""Compare runs: group them by the factors, rank the groups, and compare each with the best. No files, no printing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.errors import ConfigError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.meaning import Direction, Meaning, meaning_of, merged
from gradmix.journal.reading import Run
from gradmix.reports.effects import Effect, find_effects
from gradmix.reports.factors import Factors, find_factors, values_of
from gradmix.reports.grouping import Group, Section, Settings, group_runs
from gradmix.reports.pairs import contrast
from gradmix.reports.shared_names import by_shared_names


@dataclass(frozen=True)
class Standing:
    """The performance of one combination of choices over all sections.

    The choices occur in `n_sections` sections, and are best, or indistinguishable from the best, in `n_level` of them.
    Equal groups share their ranks.
    """

    settings: Settings
    n_level: int
    n_sections: int
    mean_rank: float


@dataclass(frozen=True)
class Comparison:
    """A comparison of runs, ready for display.

    The first of the `metrics` ranks the groups. `standings`, over all sections if there are several, begin with the
    best. `names` has every metric of any run, `declared` the meanings that the journals declare. `n_unreadable` counts
    the runs that had to be left out, `n_missing` the jobs that were never started.
    """

    runs: tuple[Run, ...]
    factors: Factors
    metrics: tuple[Meaning, ...]
    sections: tuple[Section, ...]
    effects: tuple[Effect, ...]
    standings: tuple[Standing, ...]
    names: tuple[str, ...]
    declared: Mapping[str, Meaning]
    n_unreadable: int = 0
    n_missing: int = 0

    @property
    def primary(self) -> Meaning | None:
        """The metric to rank by, if runs have any."""
        return self.metrics[0] if self.metrics else None

    @property
    def groups(self) -> list[Group]:
        """All groups of all sections."""
        return [group for section in self.sections for group in section.groups]

    @property
    def ranked(self) -> list[Section]:
        """The sections that are ranked: they have several groups, and a metric with a better direction."""
        return [section for section in self.sections if section.is_ranked]

    def meaning(self, name: str) -> Meaning:
        """Return the meaning of a metric, with the better direction that the user requested, if any."""
        return next((metric for metric in self.metrics if metric.name == name), meaning_of(name, self.declared))


def compare(
    runs: Sequence[Run],
    metrics: Sequence[str] = (),
    by: Sequence[str] = (),
    over: Sequence[str] = (),
    n_unreadable: int = 0,
    n_missing: int = 0,
) -> Comparison:
    """Compare runs by the keys `by`, with the keys `over` as repeats; the first of the `metrics` ranks.

    A metric is requested as ``name``, ``name:lower`` or ``name:higher``; the suffix sets the better direction. Any
    other suffix raises a `ConfigError`; a metric or key that no run has raises an `UnknownNameError`. A metric that is
    meaningless in a run, such as the likelihood of a degenerate mixture, counts as the worst. Options with different
    names and a common alias are compared under the alias.
    """
    runs = by_shared_names([run.without_spoiled() for run in runs])
    factors = find_factors(runs, by, over)
    names = tuple(dict.fromkeys(name for run in runs if run.is_finished for name in run.metrics))
    declared = merged(run.declared.meanings for run in runs)
    chosen = tuple(_asked_metric(metric, names, declared) for metric in metrics)
    chosen = chosen or _usual_metrics(runs, names, declared, factors)
    sections = tuple(_ranked(section, factors, chosen) for section in group_runs(runs, factors, chosen))
    ranked = [section for section in sections if section.is_ranked]
    standings = _standings(ranked) if len(ranked) > 1 else ()
    best = [*(each.settings for each in standings), *(section.groups[0].settings for section in ranked), {}][0]
    effects = find_effects([group for section in ranked for group in section.groups], best, factors, chosen)
    return Comparison(
        tuple(runs), factors, chosen, sections, tuple(effects), standings, names, declared, n_unreadable, n_missing
    )


def _asked_metric(asked: str, names: Sequence[str], declared: Mapping[str, Meaning]) -> Meaning:
    """Return the metric requested as ``name``, ``name:lower`` or ``name:higher``; raise an error if no run has it."""
    name, _, direction = asked.partition(":")
    if name not in names:
        raise UnknownNameError(f"no run has a metric {name!r}.{did_you_mean(name, names)} There are: {listing(names)}.")
    metric = meaning_of(name, declared)
    ways: Mapping[str, Direction | None] = {"": metric.better, "lower": "lower", "higher": "higher"}
    if direction not in ways:
        raise ConfigError(f"{asked!r}: use {name}:lower or {name}:higher, which states the better direction.")
    return replace(metric, better=ways[direction])


def _usual_metrics(
    runs: Sequence[Run], names: Sequence[str], declared: Mapping[str, Meaning], factors: Factors
) -> tuple[Meaning, ...]:
    """Return the default metrics: the one to rank by, costs, then all others in the order declared, timings last."""
    primary = _primary_metric(runs, names, declared, factors)
    ordered = dict.fromkeys([*(name for name in declared if name in names), *names])
    metrics = [meaning_of(name, declared) for name in ordered]
    return tuple(sorted(metrics, key=lambda metric: (metric.name != primary, not metric.is_cost, metric.is_timing)))


def _primary_metric(
    runs: Sequence[Run], names: Sequence[str], declared: Mapping[str, Meaning], factors: Factors
) -> str | None:
    """Return the metric to rank by.

    Candidates are the metrics declared with a better direction, in their order, costs last. The first of these is
    chosen that exists: a metric of all finished runs that no choice improves by itself; one of all runs in at least one
    section; one of all runs, even if a choice confounds it; one of some runs; a cost; any other metric.
    """
    finished = [run for run in runs if run.is_finished]
    found = [metric for name, metric in declared.items() if name in names and metric.better]
    known = [metric.name for metric in sorted(found, key=lambda metric: metric.is_cost)]
    shared = [name for name in known if all(name in run.metrics for run in finished)]
    fair = [name for name in known if not declared[name].is_cost and not declared[name].is_confounded(factors.choices)]

    def is_whole_somewhere(name: str) -> bool:
        lacking = {values_of(run, factors.given) for run in finished if name not in run.metrics}
        return any(values_of(run, factors.given) not in lacking for run in finished)

    preferred = [
        *(name for name in fair if name in shared),
        *filter(is_whole_somewhere, fair),
        *(name for name in shared if not declared[name].is_cost),
        *(name for name in names if meaning_of(name) == Meaning(name) and name not in declared),
        *fair,
        *shared,
        *known,
        *names,
    ]
    return preferred[0] if preferred else None


def _ranked(section: Section, factors: Factors, metrics: Sequence[Meaning]) -> Section:
    """Rank a section: the best group first, each other group compared with it; unchanged if it cannot be ranked."""
    primary = metrics[0] if metrics else None
    if primary is None or primary.better is None or not any(primary.name in each.summaries for each in section.groups):
        return section

    def rank(group: Group) -> tuple[bool, float]:
        found = group.summaries.get(primary.name)
        return found is None, found.median * primary.sign if found else 0.0

    best, *others = sorted(section.groups, key=rank)
    compared = [
        replace(group, versus_best=contrast(group.finished, best.finished, primary, factors.repeats, factors.seeds))
        for group in others
    ]
    return Section(section.given, (best, *compared), is_ranked=bool(others))


def _standings(sections: Sequence[Section]) -> tuple[Standing, ...]:
    """Rank choices by their mean rank over all sections; choices that are missing in some sections come last."""
    ranks: dict[tuple[Any, ...], list[float]] = {}
    n_level: Counter[tuple[Any, ...]] = Counter()
    for section in sections:
        are_level = [group.versus_best is None or group.versus_best.verdict.is_level for group in section.groups]
        n_tied = [*are_level, False].index(False)  # all groups that are level with the best share their rank
        for index, (group, is_level) in enumerate(zip(section.groups, are_level, strict=True)):
            choices = tuple(group.settings.items())
            ranks.setdefault(choices, []).append((n_tied + 1) / 2 if index < n_tied else index + 1.0)
            n_level[choices] += is_level
    standings = [
        Standing(dict(choices), n_level[choices], len(each), sum(each) / len(each)) for choices, each in ranks.items()
    ]
    return tuple(sorted(standings, key=lambda each: (each.n_sections < len(sections), each.mean_rank, -each.n_level)))
