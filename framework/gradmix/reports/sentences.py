"""Summarize a comparison in a few sentences: the best groups, those indistinguishable from them, the next, caveats."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradmix.contracts.meaning import TIME, Meaning
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import follows_seed
from gradmix.reports.grouping import Group, timed_apart
from gradmix.reports.intervals import FEWEST
from gradmix.reports.pairs import Verdict
from gradmix.reports.tables import evidence, runs_text, summary_text, versus

_MOST_NAMED = 4


def headline(comparison: Comparison) -> list[str]:
    """Return one to three sentences: the best groups, those indistinguishable from them, and the next best."""
    primary = comparison.primary
    if primary is None:
        return ["No run has a metric yet."]
    if not comparison.ranked:
        return list(_unranked(comparison, primary))
    said = _overall(comparison, primary) if comparison.standings else _best(comparison, primary)
    return [*said, *_caveats(comparison, primary)]


def counts(comparison: Comparison) -> str:
    """Return the number of runs and their statuses: ``60 runs: 58 finished, 2 failed``."""
    runs, factors = comparison.runs, comparison.factors
    n_of = {
        **Counter(run.status.replace("_", " ") for run in runs),
        "unreadable": comparison.n_unreadable,
        "not reached": comparison.n_missing,
        "of them reused": sum(run.is_reused for run in runs),
        "of them stopped early": sum(bool(run.stopped_by) for run in runs),
    }
    words = [f"{n} {what}" for what, n in n_of.items() if n]
    repeats = [key for key in factors.repeats if key == "seed" or not follows_seed(key, runs)]
    values = " and ".join(f"{len(factors.values[key])} values of {factors.short[key]}" for key in repeats)
    words += [f"repeated over {values}"] if repeats else []
    n = len(runs) + comparison.n_unreadable + comparison.n_missing
    return f"{n} run{'s' if n != 1 else ''}: {', '.join(words)}"


def _best(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    (section,) = comparison.ranked
    best, *others = section.groups
    label = comparison.factors.label
    where = f" on {label(section.given)}" if section.given else ""
    reached = f"{_value(best, primary)} ({primary.better} is better)"
    yield f"{label(best.settings)} is best by {primary.name}: {reached}{where}."
    compared = [(label(group.settings), found) for group in others if (found := group.versus_best)]
    level = [(name, found) for name, found in compared if found.verdict.is_level]
    if level:
        is_equal = all(found.verdict is Verdict.EQUAL for _, found in level)
        names = _listed([name for name, _ in level])
        yield f"{'Equal to the best' if is_equal else 'Within noise of the best'}: {names}."
    behind = [(name, found) for name, found in compared if not found.verdict.is_level]
    if behind and behind[0][1].is_finite:
        name, found = behind[0]
        yield f"Next: {name}, {versus(found)} ({evidence(found)})."


def _overall(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    label, n_sections = comparison.factors.label, len(comparison.ranked)
    everywhere = [each for each in comparison.standings if each.n_sections == n_sections]
    partial = [each for each in comparison.standings if each.n_sections < n_sections]
    keys = comparison.factors.given
    kinds = {part.kind for run in comparison.runs for key in keys if (part := run.declared.parts.get(key))}
    given = f"cases ({' × '.join(comparison.factors.short[key] for key in keys)})"
    given = f"{kinds.pop()}s" if len(keys) == len(kinds) == 1 else given
    by = f"by {primary.name} ({primary.better} is better)"
    if not everywhere:
        bests = [f"{label(each.groups[0].settings)} on {label(each.given)}" for each in comparison.ranked]
        yield f"No combination of choices ran on all {n_sections} {given}. Best {by}: {_listed(bests)}."
        return
    shares = [
        (each.mean_rank, label(each.settings), f"{each.n_level or 'none'} of {n_sections}") for each in everywhere
    ]
    best, _, share = shares[0]
    ties = [name for rank, name, _ in shares if rank == best]
    verb = "is" if len(ties) == 1 else "are"
    yield f"{_listed(ties, 'and')} {verb} best, or level with the best, on {share} {given}, {by}."
    others = [f"{name} on {share}" for rank, name, share in shares if rank != best]
    if others:
        yield f"The others: {_listed(others)}."
    if partial:
        tried = [f"{label(each.settings)} on {each.n_sections} of {n_sections}" for each in partial]
        yield f"Tried on some {given} only, and not ranked over all: {_listed(tried)}."


def _unranked(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    groups = comparison.groups
    if not any(primary.name in group.summaries for group in groups):
        yield "No run has finished: there is nothing to compare yet."
    elif len(groups) == 1:
        (group,) = groups
        yield f"{primary.name} {_value(group, primary, plain=False)}."
        yield "There is only one group of runs, so there is nothing to rank."
    elif primary.better is None:
        yield (
            f"The groups are not ranked, because it is unknown whether lower or higher {primary.name} is better. "
            f"Use --metric {primary.name}:lower or --metric {primary.name}:higher."
        )
    else:
        varies = ", ".join(comparison.factors.short[key] for key in comparison.factors.given)
        yield f"The runs differ only in given values ({varies}), which are not ranked. To rank them, use --by KEY."


def _caveats(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    factors, ranked = comparison.factors, comparison.ranked
    groups = [group for section in ranked for group in section.groups]
    if primary.is_confounded(factors.choices):
        names = _listed([factors.short[key] for key in factors.choices if key in primary.confounded_by], "and")
        yield f"Take care: {primary.name} always improves with {names}, so it does not show which value is right."
    if primary.name == TIME.name:
        yield from _caveats_of_time(comparison, [run for group in groups for run in group.finished])
    best = groups[0]
    if len(ranked) == 1 and len(best.finished) < len(best.runs):
        yield f"Take care: only {runs_text(best)} runs of the best have a result."
    unranked = [section for section in comparison.sections if not section.is_ranked and len(section.groups) > 1]
    if unranked:
        names = _listed([factors.label(section.given) for section in unranked], "and")
        yield f"Not ranked, because {primary.name} is missing there: {names}."
    if lacking := [group for group in groups if group.finished and primary.name not in group.summaries]:
        names = _listed([factors.label(group.settings) for group in lacking], "and")
        yield f"Without {primary.name}, and so not ranked: {names}."
    if any(each.versus_best and each.versus_best.verdict is Verdict.LIKELY_WORSE for each in groups):
        yield f"With {FEWEST} seeds or more, differences get 95 % intervals."
    if all(len(group.finished) <= 1 and not all(run.timing for run in group.finished) for group in groups):
        yield "Nothing was repeated. If results depend on the seed, repeat: seed=range(10)."


def _caveats_of_time(comparison: Comparison, runs: Sequence[Run]) -> Iterator[str]:
    n_single = sum(run.timing is None and TIME.name in run.metrics for run in runs)
    if n_single:
        which = "these times" if n_single == len(runs) else f"the times of {n_single} of {len(runs)} runs"
        yield (
            f"Take care: {which} are single measurements without warm-up; the first run of a process includes loading "
            f"modules. "
            f"timing.repeats=20 timing.paired=true gives times that can be compared."
        )
    factors = comparison.factors
    apart = [group for section in comparison.ranked for group in timed_apart(section, factors.repeats)]
    if apart:
        names = _listed(list(dict.fromkeys(factors.label(group.settings) for group in apart)), "and")
        yield f"Take care: these were not timed in turns with the others: {names}. reuse=false times all of them again."


def _value(group: Group, metric: Meaning, plain: bool = True) -> str:
    """Describe a group's value: ``13.5, the median of 8 runs``; runs without a number are counted at the end."""
    found = group.summaries[metric.name]
    has_broken = found.n_broken > 0 and math.isfinite(found.median)
    text = summary_text(replace(found, n_broken=0) if has_broken else found, metric, plain)
    median = f", the median of {runs_text(group)} runs" if len(group.runs) > 1 else ""
    broken = f", {found.n_broken} of them without a number, which counts as worst" if has_broken else ""
    return text + median + broken


def _listed(names: Sequence[str], last: str = "") -> str:
    if len(names) > _MOST_NAMED + 1:
        return "; ".join(names[:_MOST_NAMED]) + f"; and {len(names) - _MOST_NAMED} more"
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return "; ".join(names)
