"""Which metrics to show, and which of them to rank by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gradmix.contracts.errors import ConfigError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.meaning import Direction, Meaning, meaning_of
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, values_of


def asked_metric(asked: str, names: Sequence[str], declared: Mapping[str, Meaning]) -> Meaning:
    """The metric that a person names, as ``name``, ``name:lower`` or ``name:higher``; an error if no run has it."""
    name, _, direction = asked.partition(":")
    if name not in names:
        raise UnknownNameError(f"no run has a metric {name!r}.{did_you_mean(name, names)} There are: {listing(names)}.")
    metric = meaning_of(name, declared)
    ways: Mapping[str, Direction | None] = {"": metric.better, "lower": "lower", "higher": "higher"}
    if direction not in ways:
        raise ConfigError(f"{asked!r}: say {name}:lower or {name}:higher, for which way is better.")
    return replace(metric, better=ways[direction])


def usual_metrics(
    runs: Sequence[Run], names: Sequence[str], declared: Mapping[str, Meaning], factors: Factors
) -> tuple[Meaning, ...]:
    """What to show unless asked: the metric to rank by, costs, then all others in the order declared, timings last."""
    primary = _primary_metric(runs, names, declared, factors)
    ordered = dict.fromkeys([*(name for name in declared if name in names), *names])
    metrics = [meaning_of(name, declared) for name in ordered]
    return tuple(sorted(metrics, key=lambda metric: (metric.name != primary, not metric.is_cost, metric.is_timing)))


def _primary_metric(
    runs: Sequence[Run], names: Sequence[str], declared: Mapping[str, Meaning], factors: Factors
) -> str | None:
    """The metric to rank by.

    Of those declared with a better way, in their order and costs last: one that all finished runs have and that nothing
    that varies improves by itself; else one that at least all runs on something given have; else one that all have,
    whatever confounds it; then any metric at all.
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
        *shared,
        *known,
        *names,
    ]
    return preferred[0] if preferred else None
