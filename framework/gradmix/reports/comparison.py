"""A comparison of runs: grouped by what varies, ranked, each against the best. Pure: no files, no printing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix.contracts.meaning import Meaning, meaning_of, merged
from gradmix.journal.reading import Run
from gradmix.reports.effects import Effect, find_effects
from gradmix.reports.factors import Factors, find_factors
from gradmix.reports.grouping import Group, Section, Settings, group_runs
from gradmix.reports.metric_choice import asked_metric, usual_metrics
from gradmix.reports.pairs import contrast


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
    """A comparison of runs, ready to be shown.

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
    declared
        What the runs' journals declare of their metrics.
    n_unreadable, n_missing
        Runs that had to be left out, and jobs that were never reached.
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
        """The groups of all sections."""
        return [group for section in self.sections for group in section.groups]

    @property
    def ranked(self) -> list[Section]:
        """Sections with more than one group to rank, by a metric that has a better and a worse."""
        return [section for section in self.sections if section.is_ranked]

    def meaning(self, name: str) -> Meaning:
        """What is known of a metric; which way is better as a person said, who asked for it so."""
        return next((metric for metric in self.metrics if metric.name == name), meaning_of(name, self.declared))


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
        Runs that had to be left out, and jobs that were never reached: counted, not compared.

    Raises
    ------
    UnknownNameError
        If no run has a metric or key.
    ConfigError
        If a direction is neither ``lower`` nor ``higher``.
    """
    factors = find_factors(runs, by, over)
    names = tuple(dict.fromkeys(name for run in runs if run.is_finished for name in run.metrics))
    declared = merged(run.declared.meanings for run in runs)
    chosen = tuple(asked_metric(metric, names, declared) for metric in metrics)
    chosen = chosen or usual_metrics(runs, names, declared, factors)
    groups = group_runs(runs, factors, chosen)
    sections = tuple(_section(given, members, factors, chosen) for given, members in groups.items())
    ranked = [section for section in sections if section.is_ranked]
    standings = _standings(ranked) if len(ranked) > 1 else ()
    effects: Iterable[Effect] = ()
    if ranked:
        best = standings[0].settings if standings else ranked[0].groups[0].settings
        effects = find_effects([group for section in ranked for group in section.groups], best, factors, chosen)
    return Comparison(
        runs=tuple(runs),
        factors=factors,
        metrics=chosen,
        sections=sections,
        effects=tuple(effects),
        standings=standings,
        names=names,
        declared=declared,
        n_unreadable=n_unreadable,
        n_missing=n_missing,
    )


def _section(given: tuple[Any, ...], groups: Sequence[Group], factors: Factors, metrics: Sequence[Meaning]) -> Section:
    settings, primary = dict(zip(factors.given, given, strict=True)), metrics[0] if metrics else None
    if primary is None or primary.better is None or not any(primary.name in group.summaries for group in groups):
        return Section(settings, tuple(groups))

    def rank(group: Group) -> tuple[bool, float]:
        summary = group.summaries.get(primary.name)
        return summary is None, summary.estimate.median * primary.sign if summary else 0.0

    best, *others = sorted(groups, key=rank)
    compared = [
        replace(group, versus_best=contrast(group.finished, best.finished, primary, factors.repeats, factors.seeds))
        for group in others
    ]
    return Section(settings, (best, *compared), is_ranked=bool(others))


def _standings(sections: Sequence[Section]) -> tuple[Standing, ...]:
    """Rank choices over all sections by their mean rank in each; those that are missing in some come last."""
    ranks: dict[tuple[Any, ...], list[float]] = {}
    n_level: Counter[tuple[Any, ...]] = Counter()
    settings: dict[tuple[Any, ...], Settings] = {}
    for section in sections:
        are_level = [group.versus_best is None or group.versus_best.verdict.is_level for group in section.groups]
        n_tied = [*are_level, False].index(False)  # all that are level with the best share their rank
        for index, (group, is_level) in enumerate(zip(section.groups, are_level, strict=True)):
            values = tuple(group.settings.values())
            settings[values] = group.settings
            ranks.setdefault(values, []).append((n_tied + 1) / 2 if index < n_tied else index + 1.0)
            n_level[values] += is_level
    standings = [
        Standing(settings[values], n_level[values], len(each), sum(each) / len(each)) for values, each in ranks.items()
    ]
    n = len(sections)
    return tuple(sorted(standings, key=lambda each: (each.n_sections < n, each.mean_rank, -each.n_level)))
