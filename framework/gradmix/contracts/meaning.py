"""Metrics: what each name means, which way is better, and what it may be compared over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Direction = Literal["lower", "higher"]
_DIRECTIONS: tuple[Direction, ...] = ("lower", "higher")


@dataclass(frozen=True)
class Meaning:
    """What is known of a metric.

    Parameters
    ----------
    name
        As tasks and iterations report it.
    better
        Which way is better; None if neither is.
    unit
        Unit, as an axis shows it; empty for a pure number.
    meaning
        What it is, in a few words.
    is_timing
        Whether it depends on the machine and the moment, so that it holds for one environment only.
    by_ratio
        Whether two values are best compared by their ratio.
    confounded_by
        Options that improve it by themselves, whatever the data: more clusters never fit worse. Over these it does not
        tell what is better.
    """

    name: str
    better: Direction | None = None
    unit: str = ""
    meaning: str = ""
    is_timing: bool = False
    by_ratio: bool = False
    confounded_by: frozenset[str] = frozenset()

    @property
    def sign(self) -> float:
        """What to multiply with, so that less is better; 0 if neither way is."""
        return {"lower": 1.0, "higher": -1.0, None: 0.0}[self.better]


_FREEDOM = frozenset({"n_clusters", "n_components", "covariance_type", "clusterer"})

_KNOWN = (
    Meaning("derivative_error", "lower", "", "largest error, relative to max(|exact|, 1)", by_ratio=True),
    Meaning("derivative_error_ulp", "lower", "ulp", "largest error in units in the last place", by_ratio=True),
    Meaning("bic", "lower", "", "Bayesian information criterion: fit, with a price for each parameter"),
    Meaning("aic", "lower", "", "Akaike's information criterion"),
    Meaning("icl", "lower", "", "BIC, with a price for groups that overlap"),
    Meaning("adjusted_rand_index", "higher", "", "agreement with the true groups; 1 is perfect, 0 is chance"),
    Meaning("normalized_mutual_information", "higher", "", "information shared with the true groups; 1 is perfect"),
    Meaning("log_likelihood", "higher", "nats", "total log-likelihood of the data", confounded_by=_FREEDOM),
    Meaning("inertia", "lower", "", "sum of squared distances to the centers", confounded_by=_FREEDOM),
    Meaning("conformance", "higher", "", "share of the applicable checks that passed"),
    Meaning("checks.failed", "lower", "checks", "checks that failed"),
    Meaning("checks.passed", "higher", "checks", "checks that passed"),
    Meaning("n_iter", None, "iterations", "iterations made"),
    Meaning("converged", None, "", "whether it converged"),
    Meaning("function_evaluations", "lower", "calls", "calls of the user's function", by_ratio=True),
    Meaning("time.seconds", "lower", "s", "time", is_timing=True, by_ratio=True),
    Meaning("time.per_iteration", "lower", "s", "median time of an iteration", is_timing=True, by_ratio=True),
    Meaning(
        "time.ratio_to_function", "lower", "", "time, in calls of the plain function", is_timing=True, by_ratio=True
    ),
    Meaning("memory.peak_bytes", "lower", "B", "most memory held at once", is_timing=True, by_ratio=True),
)

METRICS: Mapping[str, Meaning] = {metric.name: metric for metric in _KNOWN}
"""Name → metric, for those that gradmix's own tasks report."""

COSTS = ("time.seconds", "function_evaluations")
"""What a result costs."""

PRIMARY = ("derivative_error", "bic", "adjusted_rand_index", "log_likelihood", "inertia", *COSTS)
"""Metrics to rank by: of those that fit, the first."""

_TIMING_PREFIXES = ("time.", "memory.")

RESERVED = frozenset({"time", "memory", "start", "system"})
"""First parts of names by which metrics of gradmix's own are known."""


def metrics_from_journal(journalled: Any) -> Mapping[str, Meaning]:
    """What a run's journal tells of metrics that plugins have brought; whatever is not as a run writes it is left out.

    >>> metrics_from_journal({"silhouette": {"better": "higher", "meaning": "how far apart"}})["silhouette"].better
    'higher'
    """
    told = journalled.items() if isinstance(journalled, Mapping) else ()
    return {
        str(name): Meaning(str(name), _direction(what), str(what.get("unit", "")), str(what.get("meaning", "")))
        for name, what in told
        if isinstance(what, Mapping)
    }


def _direction(what: Mapping[str, Any]) -> Direction | None:
    return next((each for each in _DIRECTIONS if each == what.get("better")), None)


def metric_named(name: str, told: Mapping[str, Meaning] | None = None) -> Meaning:
    """What is known of a metric; for a plugin's, what journals record (`metrics_from_journal`), else its name.

    >>> metric_named("bic").better, metric_named("loss").better, metric_named("time.compile").is_timing
    ('lower', None, True)
    """
    if name in METRICS:
        return METRICS[name]
    if name.startswith(_TIMING_PREFIXES):
        unit = "s" if name.startswith("time.") else "B"
        return Meaning(name, "lower", unit, is_timing=True, by_ratio=True)
    owner = (told or {}).get(name) or (told or {}).get(name.partition(".")[0])
    return Meaning(name) if owner is None else replace(owner, name=name)


def is_confounded(metric: Meaning, keys: Iterable[str]) -> bool:
    """Whether one of the options that vary improves the metric by itself.

    >>> is_confounded(METRICS["inertia"], ["clusterer.n_clusters"]), is_confounded(METRICS["bic"], ["clusterer"])
    (True, False)
    """
    return any(key.rpartition(".")[2] in metric.confounded_by for key in keys)


def ranking_metric(runs: Sequence[Mapping[str, float]], varies: Iterable[str]) -> Meaning | None:
    """The metric by which runs are ranked: the first of `PRIMARY` that all have and that what varies does not flatter.

    What a run costs ranks nothing by itself: the cheapest is rarely meant.

    >>> ranking_metric([{"log_likelihood": -9.0, "bic": 20.0}], ["clusterer.n_components"]).name
    'bic'
    """
    keys = list(varies)
    for name in PRIMARY[: -len(COSTS)] if runs else ():
        values = [run.get(name, math.nan) for run in runs]
        if all(map(math.isfinite, values)) and not is_confounded(METRICS[name], keys):
            return METRICS[name]
    return None
