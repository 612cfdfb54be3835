"""Which metrics to show, and which of them to rank by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gradmix.contracts.errors import ConfigError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.meaning import (
    COSTS,
    METRICS,
    PRIMARY,
    Direction,
    Meaning,
    is_confounded,
    metric_named,
    metrics_from_journal,
)
from gradmix.journal.reading import Run
from gradmix.reports.factors import Factors, value_of

_BESIDE = ("adjusted_rand_index", "log_likelihood", "inertia", "function_evaluations", "n_iter", "time.seconds")
"""Metrics to show beside the primary one, where runs have them."""


def told_metrics(runs: Sequence[Run]) -> Mapping[str, Meaning]:
    """What the runs' journals tell of metrics that their configs have added."""
    return {name: metric for run in runs for name, metric in metrics_from_journal(run.started.get("metrics")).items()}


def asked_metric(asked: str, names: Sequence[str], told: Mapping[str, Meaning]) -> Meaning:
    """The metric that a person names, as ``name``, ``name:lower`` or ``name:higher``; `told` is what journals tell.

    Raises
    ------
    UnknownNameError
        If no run has it.
    ConfigError
        If what follows the colon is no direction.
    """
    name, _, direction = asked.partition(":")
    if name not in names:
        raise UnknownNameError(f"no run has a metric {name!r}.{did_you_mean(name, names)} There are: {listing(names)}.")
    if direction not in ("", "lower", "higher"):
        raise ConfigError(f"{asked!r}: say {name}:lower or {name}:higher, for which way is better.")
    better: Direction | None = "lower" if direction == "lower" else "higher" if direction else None
    metric = metric_named(name, told)
    return replace(metric, better=better) if better else metric


def usual_metrics(runs: Sequence[Run], names: Sequence[str], factors: Factors) -> tuple[Meaning, ...]:
    """What to show if nobody says: the metric to rank by, what belongs beside it, else what there is."""
    primary = primary_metric(runs, names, factors)
    shown = dict.fromkeys([*([primary] if primary else []), *(name for name in _BESIDE if name in names)])
    told = told_metrics(runs)
    return tuple(metric_named(name, told) for name in [*shown, *(name for name in names if name not in shown)])


def primary_metric(runs: Sequence[Run], names: Sequence[str], factors: Factors) -> str | None:
    """The metric to rank by.

    Of those in `PRIMARY`, which run from results to costs: one that all finished runs have and that nothing that varies
    improves by itself; else one that at least all runs on something given have; else one that all have, whatever
    flatters it; then any metric at all.
    """
    finished = [run for run in runs if run.is_finished]
    known = [name for name in PRIMARY if name in names]
    shared = [name for name in known if all(name in run.metrics for run in finished)]
    results = [name for name in known if name not in COSTS and not is_confounded(metric_named(name), factors.choices)]
    fair = [name for name in results if name in shared]
    somewhere = [name for name in results if _is_whole_somewhere(name, finished, factors)]
    strangers = [name for name in names if name not in METRICS]
    return next(iter([*fair, *somewhere, *shared, *strangers, *known, *names]), None)


def _is_whole_somewhere(name: str, runs: Sequence[Run], factors: Factors) -> bool:
    """Whether all runs on something given have a metric."""
    lacking = {tuple(value_of(run, key) for key in factors.given) for run in runs if name not in run.metrics}
    return any(tuple(value_of(run, key) for key in factors.given) not in lacking for run in runs)
