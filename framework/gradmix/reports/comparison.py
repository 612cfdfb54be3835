"""A comparison of runs: grouped by what varies, ranked, each against the best. Pure: no files, no printing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.errors import ConfigError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.metrics import COSTS, METRICS, PRIMARY, Direction, Metric, is_flattered, metric_named
from gradmix.reports.factors import Factors, find_factors, value_of
from gradmix.reports.intervals import Estimate, estimate
from gradmix.reports.pairs import Difference, Verdict, difference, pair_up
from gradmix.runs.reading import Run

TIME = "time.seconds"
_BESIDE = ("adjusted_rand_index", "log_likelihood", "inertia", "function_evaluations", "n_iter", TIME)
"""Metrics to show beside the primary one, where runs have them."""

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
    versus_best
        Paired against the best group that had to solve the same; None for the best, and where nothing is ranked.
    """

    settings: Settings
    given: Settings
    runs: tuple[Run, ...]
    summaries: Mapping[str, Summary]
    versus_best: Difference | None = None

    @property
    def finished(self) -> tuple[Run, ...]:
        """Its runs that have a result."""
        return tuple(run for run in self.runs if run.is_finished)


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


@dataclass(frozen=True)
class Standing:
    """How some choices did over all that was given.

    Parameters
    ----------
    settings
        The choices.
    n_level
        Where it was best, or not to be told from the best.
    n_sections
        Where it took part.
    mean_rank
        Its mean rank; equals share theirs.
    """

    settings: Settings
    n_level: int
    n_sections: int
    mean_rank: float


@dataclass(frozen=True)
class Comparison:
    """All that is to be told.

    Parameters
    ----------
    runs
        The runs compared.
    factors
        What varies.
    metrics
        Metrics to show; the first is the one to rank by.
    sections
        Groups, by what they had to solve.
    effects
        One choice at a time.
    standings
        Over all sections, if there are several; best first.
    names
        Every metric that a run has.
    n_unreadable, n_missing
        Runs that had to be left out, and jobs that were never reached.
    """

    runs: tuple[Run, ...]
    factors: Factors
    metrics: tuple[Metric, ...]
    sections: tuple[Section, ...]
    effects: tuple[Effect, ...]
    standings: tuple[Standing, ...]
    names: tuple[str, ...]
    n_unreadable: int = 0
    n_missing: int = 0

    @property
    def primary(self) -> Metric | None:
        """The metric to rank by, if runs have any."""
        return self.metrics[0] if self.metrics else None

    @property
    def is_ranked(self) -> bool:
        """Whether the primary metric has a better and a worse, and there is more than one group to rank."""
        return any(section.is_ranked for section in self.sections)

    @property
    def is_flattered(self) -> bool:
        """Whether something that varies improves the primary metric by itself."""
        return self.primary is not None and is_flattered(self.primary, self.factors.choices)

    @property
    def counts(self) -> Mapping[str, int]:
        """Status → how many runs."""
        return Counter(run.status for run in self.runs)


def compare(
    runs: Sequence[Run],
    metrics: Sequence[str] = (),
    by: Sequence[str] = (),
    over: Sequence[str] = (),
    n_unreadable: int = 0,
    n_missing: int = 0,
) -> Comparison:
    """Compare runs.

    Parameters
    ----------
    runs
        The runs.
    metrics
        What to show, the first to rank by; ``name:lower`` or ``name:higher`` says which way is better.
    by, over
        Keys to compare by, and to repeat over.
    n_unreadable, n_missing
        Runs that had to be left out, and jobs that were never reached: told, not compared.

    Raises
    ------
    UnknownNameError
        If no run has a metric or key.
    ConfigError
        If a direction is neither ``lower`` nor ``higher``.
    """
    factors = find_factors(runs, by, over)
    names = tuple(dict.fromkeys(name for run in runs if run.is_finished for name in run.metrics))
    chosen = tuple(_asked(metric, names) for metric in metrics) or _usual(runs, names, factors)
    groups = _groups(runs, factors, chosen)
    sections = tuple(_section(given, members, factors, chosen) for given, members in groups.items())
    ranked = [section for section in sections if section.is_ranked]
    standings = _standings(ranked) if len(ranked) > 1 else ()
    return Comparison(
        runs=tuple(runs),
        factors=factors,
        metrics=chosen,
        sections=sections,
        effects=tuple(_effects(ranked, standings, factors, chosen)),
        standings=standings,
        names=names,
        n_unreadable=n_unreadable,
        n_missing=n_missing,
    )


def _asked(asked: str, names: Sequence[str]) -> Metric:
    name, _, direction = asked.partition(":")
    if name not in names:
        raise UnknownNameError(f"no run has a metric {name!r}.{did_you_mean(name, names)} There are: {listing(names)}.")
    if direction not in ("", "lower", "higher"):
        raise ConfigError(f"{asked!r}: say {name}:lower or {name}:higher, for which way is better.")
    better: Direction | None = "lower" if direction == "lower" else "higher" if direction else None
    metric = metric_named(name)
    return replace(metric, better=better) if better else metric


def _usual(runs: Sequence[Run], names: Sequence[str], factors: Factors) -> tuple[Metric, ...]:
    """What to show if nobody says: the metric to rank by, what belongs beside it, else what there is."""
    primary = primary_metric(runs, names, factors)
    shown = dict.fromkeys([*([primary] if primary else []), *(name for name in _BESIDE if name in names)])
    return tuple(metric_named(name) for name in [*shown, *(name for name in names if name not in shown)])


def primary_metric(runs: Sequence[Run], names: Sequence[str], factors: Factors) -> str | None:
    """The metric to rank by.

    Of those in `PRIMARY`, which run from results to costs: one that all finished runs have and that nothing that varies
    improves by itself; else one that at least all runs on something given have; else one that all have, whatever
    flatters it; then any metric at all.
    """
    finished = [run for run in runs if run.is_finished]
    known = [name for name in PRIMARY if name in names]
    shared = [name for name in known if all(name in run.metrics for run in finished)]
    results = [name for name in known if name not in COSTS and not is_flattered(metric_named(name), factors.choices)]
    fair = [name for name in results if name in shared]
    somewhere = [name for name in results if _is_whole_somewhere(name, finished, factors)]
    strangers = [name for name in names if name not in METRICS]
    return next(iter([*fair, *somewhere, *shared, *strangers, *known, *names]), None)


def _is_whole_somewhere(name: str, runs: Sequence[Run], factors: Factors) -> bool:
    """Whether all runs on something given have a metric."""
    lacking = {tuple(value_of(run, key) for key in factors.given) for run in runs if name not in run.metrics}
    return any(tuple(value_of(run, key) for key in factors.given) not in lacking for run in runs)


def _groups(runs: Sequence[Run], factors: Factors, metrics: Sequence[Metric]) -> dict[tuple[Any, ...], list[Group]]:
    """Values of what was given → the groups there, both in the order of values."""
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
        summaries = _summaries(members[values], metrics)
        group = Group(settings, given, tuple(members[values]), summaries)
        groups.setdefault(tuple(given.values()), []).append(group)
    return groups


def _summaries(runs: Iterable[Run], metrics: Sequence[Metric]) -> dict[str, Summary]:
    finished = [run for run in runs if run.is_finished]
    summaries: dict[str, Summary] = {}
    for metric in metrics:
        values = [value for run in finished for value in run.samples(metric.name)]
        if values:
            summaries[metric.name] = _summary(values, metric)
    return summaries


def _summary(values: Sequence[float], metric: Metric) -> Summary:
    worst = math.copysign(math.inf, metric.sign or 1.0)
    sound = [value if math.isfinite(value) else worst for value in values]
    return Summary(estimate(sound), sum(map(math.isinf, sound)))


def _section(given: tuple[Any, ...], groups: Sequence[Group], factors: Factors, metrics: Sequence[Metric]) -> Section:
    settings = dict(zip(factors.given, given, strict=True))
    if not metrics or metrics[0].better is None:
        return Section(settings, tuple(groups))
    primary = metrics[0]
    best, *others = sorted(groups, key=lambda group: _rank_key(group, primary))
    if primary.name not in best.summaries:
        return Section(settings, tuple(groups))
    compared = [replace(group, versus_best=_against(group, best, primary, factors.repeats)) for group in others]
    return Section(settings, (best, *compared), is_ranked=bool(others))


def _rank_key(group: Group, metric: Metric) -> float:
    summary = group.summaries.get(metric.name)
    return summary.estimate.median * metric.sign if summary else math.inf


def _against(one: Group, reference: Group, metric: Metric, same: Sequence[str]) -> Difference:
    return difference(pair_up(one.finished, reference.finished, metric, same), metric)


def _standings(sections: Sequence[Section]) -> tuple[Standing, ...]:
    """Rank choices over all sections by their mean rank in each."""
    ranks: dict[tuple[Any, ...], list[float]] = {}
    level: Counter[tuple[Any, ...]] = Counter()
    settings: dict[tuple[Any, ...], Settings] = {}
    for section in sections:
        for group, rank in zip(section.groups, _shared_ranks(section.groups), strict=True):
            values = tuple(group.settings.values())
            settings[values] = group.settings
            ranks.setdefault(values, []).append(rank)
            level[values] += group.versus_best is None or group.versus_best.verdict.is_level
    standings = [
        Standing(settings[values], level[values], len(each), sum(each) / len(each)) for values, each in ranks.items()
    ]
    return tuple(sorted(standings, key=lambda each: (each.mean_rank, -each.n_level)))


def _shared_ranks(groups: Sequence[Group]) -> list[float]:
    """Ranks from 1; all that are level with the best share theirs, as far down as they are."""
    level = [group.versus_best is None or group.versus_best.verdict.is_level for group in groups]
    n_level = level.index(False) if False in level else len(groups)
    shared = (n_level + 1) / 2
    return [shared if index < n_level else index + 1.0 for index in range(len(groups))]


def _effects(
    sections: Sequence[Section], standings: Sequence[Standing], factors: Factors, metrics: Sequence[Metric]
) -> Iterable[Effect]:
    """For each choice its values against the best one; for the metric to rank by, and for time."""
    groups = [group for section in sections for group in section.groups]
    told = [metric for metric in metrics[:1] if metric.better] + [m for m in metrics[1:] if m.name == TIME]
    for factor in factors.choices:
        present = [value for value in factors.values[factor] if any(g.settings[factor] == value for g in groups)]
        if len(present) < 2:
            continue
        for metric in told:
            best = standings[0].settings if standings else sections[0].groups[0].settings
            reference = best[factor] if metric is metrics[0] else _best_value(groups, factor, present, metric)
            for value in present:
                if value != reference:
                    found = _effect(groups, factor, value, reference, metric, factors)
                    if found.verdict is not Verdict.UNPAIRED:
                        yield Effect(factor, value, reference, found)


def _best_value(groups: Sequence[Group], factor: str, values: Sequence[Any], metric: Metric) -> Any:
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
    groups: Sequence[Group], factor: str, value: Any, reference: Any, metric: Metric, factors: Factors
) -> Difference:
    ones = [run for group in groups if group.settings[factor] == value for run in group.finished]
    references = [run for group in groups if group.settings[factor] == reference for run in group.finished]
    same = [key for key in factors.varying if key != factor and not _depends(key, ones, references)]
    if _is_ambiguous(ones, same, factors) or _is_ambiguous(references, same, factors):
        return Difference(metric)
    return difference(pair_up(ones, references, metric, same), metric)


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
