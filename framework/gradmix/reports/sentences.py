"""A comparison in sentences: which is better, by how much, and whether that is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.cells import amount, better_text, is_bounded, mark, ratio_text, runs_text, summary_text
from gradmix.reports.comparison import Comparison, Standing
from gradmix.reports.effects import TIME, Effect
from gradmix.reports.factors import value_of
from gradmix.reports.grouping import Group, Section, Settings, timed_apart
from gradmix.reports.intervals import FEWEST
from gradmix.reports.pairs import Difference, Verdict

_MOST_NAMED = 4
_REPEAT_HINT = "Repeat over seeds to tell noise from difference: seed=range(10)."


def headline(comparison: Comparison) -> list[str]:
    """The answer, in one to three sentences: the best, what it cannot be told from, and what came next."""
    primary = comparison.primary
    if primary is None:
        return ["No run has a metric yet."]
    if not comparison.is_ranked:
        return list(_unranked(comparison, primary))
    ranked = [section for section in comparison.sections if section.is_ranked]
    said = _overall(comparison, primary) if comparison.standings else _best(comparison, ranked[0], primary)
    return [*said, *_caveats(comparison, primary)]


def effects(comparison: Comparison) -> list[str]:
    """One choice at a time, all else being equal."""
    return [effect_sentence(comparison, effect) for effect in comparison.effects]


def counts(comparison: Comparison) -> str:
    """How many runs there are, and how they ended: ``60 runs: 58 finished, 2 failed``."""
    words = [f"{n} {status.replace('_', ' ')}" for status, n in comparison.counts.items()]
    words += [f"{comparison.n_unreadable} unreadable"] if comparison.n_unreadable else []
    words += [f"{comparison.n_missing} not reached"] if comparison.n_missing else []
    n_reused = sum(run.is_reused for run in comparison.runs)
    words += [f"{n_reused} of them reused"] if n_reused else []
    n_stopped = sum(run.is_stopped for run in comparison.runs)
    words += [f"{n_stopped} of them stopped early"] if n_stopped else []
    words += [f"repeated over {_repeats(comparison)}"] if comparison.factors.repeats else []
    n = len(comparison.runs) + comparison.n_unreadable + comparison.n_missing
    return f"{n} run{'s' if n != 1 else ''}: {', '.join(words)}"


def _repeats(comparison: Comparison) -> str:
    """All that was repeated over, and over how many values: ``2 values of clusterer and 5 values of seed``."""
    factors = comparison.factors
    repeats = [key for key in factors.repeats if key == "seed" or not _follows_seed(key, comparison.runs)]
    return " and ".join(f"{len(factors.values[key])} values of {factors.short[key]}" for key in repeats)


def _follows_seed(key: str, runs: Sequence[Run]) -> bool:
    """Whether it is a component's own seed, and always the one of the run: then it is no second thing to name."""
    return key.endswith(".random_state") and all(value_of(run, key) in (None, value_of(run, "seed")) for run in runs)


def effect_sentence(comparison: Comparison, effect: Effect) -> str:
    """One value of a choice against another: ``tape is 1.8 times faster than dual, 95 % 1.7 to 1.9 (20 pairs)``."""
    one, reference = (comparison.factors.said(effect.factor, value) for value in (effect.value, effect.reference))
    return difference_sentence(effect.difference, one, reference)


def difference_sentence(found: Difference, one: str, reference: str) -> str:
    """What pairs say about one against a reference."""
    name, verdict = found.metric.name, found.verdict
    if found.estimate is None:
        return f"{one} and {reference} have no runs in common to compare {name} by."
    if verdict is Verdict.EQUAL:
        return f"{one} and {reference} are equal in {name} ({_pairs(found)})."
    if verdict is Verdict.NOISE:
        kind = "ratio" if found.is_ratio else "difference"
        return (
            f"{one} and {reference} do not differ in {name} beyond noise: {kind} "
            f"{amount(found.estimate.median, found)}{_interval(found)} ({_pairs(found)})."
        )
    worse = (found.estimate.median - found.neutral) * found.metric.sign > 0
    better, other = (reference, one) if worse else (one, reference)
    if not found.is_finite:
        return f"{better} has a finite {name}, {other} none in most pairs ({_n_pairs(found)})."
    return f"{better} {_by_how_much(found, other)}{_interval(found)} ({_pairs(found, _reservation(found))})."


def _best(comparison: Comparison, section: Section, primary: Meaning) -> Iterator[str]:
    best, *others = section.groups
    label = comparison.factors.label
    yield (
        f"{label(best.settings)} is best by {primary.name}: {_value(best, primary, plain=True)} "
        f"({better_text(primary)}){_where(comparison, section.given)}."
    )
    level = [group for group in others if group.versus_best and group.versus_best.verdict.is_level]
    if level:
        equal = all(group.versus_best and group.versus_best.verdict is Verdict.EQUAL for group in level)
        what = "Equal to it" if equal else "Within noise of it"
        yield f"{what}: {_listed([label(group.settings) for group in level])}."
    following = next((group for group in others if group not in level), None)
    if following is not None and following.versus_best is not None and _tells(primary, best, following):
        yield difference_sentence(following.versus_best, label(following.settings), label(best.settings))


def _tells(metric: Meaning, *groups: Group) -> bool:
    """Whether groups may be set against each other in words: by times only if these come from rounds."""
    return metric.name != TIME or all(group.is_timed for group in groups)


def _overall(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    standings, label = comparison.standings, comparison.factors.label
    first = standings[0]
    ties = [each for each in standings if each.mean_rank == first.mean_rank]
    names = _listed([label(each.settings) for each in ties], "and")
    verb = "is" if len(ties) == 1 else "are"
    where = f"best, or level with the best, on {_share(first)} {_what_was_given(comparison)}"
    yield f"{names} {verb} {where}, by {primary.name} ({better_text(primary)})."
    others = [each for each in standings if each not in ties]
    if others:
        yield f"The others: {_listed([f'{label(each.settings)} on {_share(each)}' for each in others])}."


def _share(standing: Standing) -> str:
    return f"{standing.n_level or 'none'} of {standing.n_sections}"


def _what_was_given(comparison: Comparison) -> str:
    """``problems``, or ``cases (problem × n)`` if several things were given."""
    short = [comparison.factors.short[key] for key in comparison.factors.given]
    return f"{short[0]}s" if short in (["problem"], ["dataset"]) else f"cases ({' × '.join(short)})"


def _unranked(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    groups = [group for section in comparison.sections for group in section.groups]
    if not any(primary.name in group.summaries for group in groups):
        yield "No run has finished: there is nothing to compare yet."
    elif len(groups) == 1:
        (group,) = groups
        yield f"{primary.name} {_value(group, primary)}."
        yield "Nothing varies but what is repeated over: there is nothing to rank."
    elif primary.better is None:
        yield (
            f"Nothing is ranked: nobody says which way {primary.name} is better. "
            f"Say --metric {primary.name}:lower or --metric {primary.name}:higher."
        )
    else:
        varies = ", ".join(comparison.factors.short[key] for key in comparison.factors.given)
        yield f"Only what was given varies ({varies}): there is nothing to rank. To rank it, say --by KEY."


def _caveats(comparison: Comparison, primary: Meaning) -> Iterator[str]:
    if comparison.is_confounded:
        freedom = [key for key in comparison.factors.choices if key.rpartition(".")[2] in primary.confounded_by]
        names = _listed([comparison.factors.short[key] for key in freedom], "and")
        yield f"Take care: {primary.name} improves with {names} by itself, so it does not tell which is right."
    ranked = [section for section in comparison.sections if section.is_ranked]
    if primary.name == TIME:
        yield from _caveats_of_time(comparison, ranked)
    best = ranked[0].groups[0]
    if len(ranked) == 1 and len(best.finished) < len(best.runs):
        yield f"Take care: only {runs_text(best)} runs of the best have a result."
    unranked = [section for section in comparison.sections if not section.is_ranked and len(section.groups) > 1]
    if unranked:
        names = _listed([comparison.factors.label(section.given) for section in unranked], "and")
        yield f"Not ranked, because {primary.name} is missing there: {names}."
    verdicts = {mark(group) for section in ranked for group in section.groups}
    if "worse?" in verdicts and any(group.versus_best and group.versus_best.n > 1 for group in ranked[0].groups):
        yield f"With {FEWEST} seeds or more, differences get 95 % intervals."
    if all(len(group.finished) <= 1 for section in ranked for group in section.groups) and not any(
        group.versus_best and group.versus_best.n > 1 for section in ranked for group in section.groups
    ):
        yield _REPEAT_HINT


def _caveats_of_time(comparison: Comparison, ranked: Sequence[Section]) -> Iterator[str]:
    runs = [run for section in ranked for group in section.groups for run in group.finished]
    n_single = sum(run.timing is None and TIME in run.metrics for run in runs)
    if n_single:
        which = "these times" if n_single == len(runs) else f"the times of {n_single} of {len(runs)} runs"
        yield (
            f"Take care: {which} are single ones without warm-up, in which the first run of a process pays for what it "
            f"loads. timing.repeats=20 timing.paired=true gives times that can be compared."
        )
    apart = [group.settings for section in ranked for group in timed_apart(section, comparison.factors.repeats)]
    if apart:
        names = _listed(list(dict.fromkeys(map(comparison.factors.label, apart))))
        yield f"Take care: not timed in turns with the others: {names}. reuse=false times all anew."


def _value(group: Group, metric: Meaning, plain: bool = False) -> str:
    """What a group reached: ``13.5, the median of 8 runs``; how many of these have no number is said at the end."""
    summary = group.summaries[metric.name]
    is_told = summary.n_broken > 0 and math.isfinite(summary.estimate.median)
    text = summary_text(replace(summary, n_broken=0) if is_told else summary, metric, plain)
    median = f", the median of {runs_text(group)} runs" if len(group.runs) > 1 else ""
    return f"{text}{median}{_without_number(summary.n_broken) if is_told else ''}"


def _without_number(n: int) -> str:
    return f", {n} of them without a number, which counts as worst" if n else ""


def _where(comparison: Comparison, given: Settings) -> str:
    return f" on {comparison.factors.label(given)}" if given else ""


def _by_how_much(found: Difference, other: str) -> str:
    assert found.estimate is not None
    name, median = found.metric.name, found.estimate.median
    if not found.is_ratio:
        return f"has a {found.metric.better} {name} than {other}, by {amount(abs(median), found)}"
    times = ratio_text(max(median, 1 / median) if median > 0 else median)
    if name == TIME:
        return f"is {times} times faster than {other}"
    direction = "less" if found.metric.better == "lower" else "more"
    return f"has {times} times {direction} {name} than {other}"


def _interval(found: Difference) -> str:
    assert found.estimate is not None
    if found.is_unvarying or not found.estimate.has_interval:
        return ""
    low, high = found.estimate.low, found.estimate.high
    if found.verdict is not Verdict.NOISE:  # said from the better one's side
        flips = found.estimate.median < found.neutral
        if found.is_ratio:
            low, high = (1 / high, 1 / low if low else math.inf) if flips else (low, high)
        else:
            low, high = sorted((abs(low), abs(high)))
    return _range(low, high, found)


def _range(low: float, high: float, found: Difference) -> str:
    """An interval in words; open where a pair in which one has no number is its end."""
    ends = [amount(end, found) if is_bounded(end, found) else "" for end in (low, high)]
    if all(ends):
        return f", 95 % {ends[0]} to {ends[1]}"
    if not any(ends):
        return ""
    return f", 95 % at least {ends[0]}" if ends[0] else f", 95 % at most {ends[1]}"


def _pairs(found: Difference, reservation: str = "") -> str:
    return f"{_n_pairs(found)}{reservation}{_without_number(found.n_broken)}"


def _n_pairs(found: Difference) -> str:
    return f"{found.n} pair{'s' if found.n != 1 else ''}"


def _reservation(found: Difference) -> str:
    if found.verdict in (Verdict.LIKELY_WORSE, Verdict.LIKELY_BETTER):
        return ", all of them so, but too few for an interval"
    if found.verdict is Verdict.SINGLE:
        return ", which cannot tell noise"
    return ", the same in each" if found.is_unvarying else ""


def _listed(names: Sequence[str], last: str = "") -> str:
    if len(names) > _MOST_NAMED + 1:
        return "; ".join(names[:_MOST_NAMED]) + f"; and {len(names) - _MOST_NAMED} more"
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return "; ".join(names)
