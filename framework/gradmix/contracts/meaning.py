"""The meaning of metrics: what each name measures, which direction is better, and when it can be compared."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

Direction = Literal["lower", "higher"]


@dataclass(frozen=True)
class Meaning:
    """The meaning of a metric, declared by the task, algorithm or metric component that reports it.

    Parameters
    ----------
    name
        The name among the metrics of an iteration or a result.
    better
        Which direction is better; None if neither is.
    unit
        The unit, as shown on an axis; empty for a pure number.
    meaning
        A description in a few words.
    is_timing
        Whether it depends on the machine and the time of the run, so that it can be compared in one environment only.
    is_cost
        Whether it measures the cost of a result. Costs do not rank results by default: the cheapest is rarely the best.
    by_ratio
        Whether two values are best compared by their ratio.
    rewards_freedom
        Whether it improves with every option that is marked `Freedom`, whatever the data: more clusters never fit
        worse. It may also improve with another algorithm for this reason. It cannot show which of these is better.
    is_criterion
        Whether it is an information criterion, such as BIC, whose differences have a usual scale: above 10 is decisive.
    spoiled_by
        Another metric, such as the number of collapsed components. If that metric is above 0, this one is meaningless,
        and the result is ranked last.
    confounded_by
        The parameters of a run that improve the metric whatever the data. Leave it empty: gradmix fills it in.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.Meaning("rmse", "lower", "K", "root mean square error").unit
    'K'
    """

    name: str
    better: Direction | None = None
    unit: str = ""
    meaning: str = ""
    is_timing: bool = False
    is_cost: bool = False
    by_ratio: bool = False
    rewards_freedom: bool = False
    is_criterion: bool = False
    spoiled_by: str = ""
    confounded_by: frozenset[str] = frozenset()

    @property
    def sign(self) -> float:
        """Factor that makes lower values better; 0 if neither direction is better."""
        return {"lower": 1.0, "higher": -1.0, None: 0.0}[self.better]

    def is_spoiled(self, metrics: Mapping[str, float]) -> bool:
        """Return whether it is meaningless in a result with these metrics."""
        return bool(self.spoiled_by) and metrics.get(self.spoiled_by, 0.0) > 0

    def loss(self, metrics: Mapping[str, float]) -> float:
        """Return the value by which to rank a result with these metrics; lower is better."""
        return math.inf if self.is_spoiled(metrics) else self.sign * metrics[self.name]

    def is_confounded(self, keys: Iterable[str]) -> bool:
        """Return whether one of these parameters of a run improves the metric whatever the data."""
        return not self.confounded_by.isdisjoint(keys)


_measured = partial(Meaning, better="lower", is_timing=True, by_ratio=True)

TIME = _measured("time.seconds", unit="s", meaning="time", is_cost=True)

MEASURED = {
    metric.name: metric
    for metric in (
        TIME,
        _measured("time.per_iteration", unit="s", meaning="median time of an iteration"),
        _measured("time.load", unit="s", meaning="time to load the data"),
        _measured("time.startup", unit="s", meaning="time to import and build the components"),
        _measured("time.compile", unit="s", meaning="time to compile what the components need"),
        _measured("time.ratio_to_function", meaning="time, in multiples of one call of the plain function"),
        _measured("memory.peak_bytes", unit="B", meaning="peak memory"),
        _measured(
            "memory.ratio_to_function", meaning="peak memory of Python and NumPy, in multiples of that of the function"
        ),
    )
}
"""Metrics that gradmix itself measures."""

_UNITS = {"time": "s", "memory": "B"}
"""First part of a name → unit of gradmix's own metrics whose names begin so."""

RESERVED = frozenset({*_UNITS, "start", "system"})
"""First parts of the names of gradmix's own metrics."""


def meaning_of(name: str, declared: Mapping[str, Meaning] | None = None) -> Meaning:
    """Return the meaning of a metric: gradmix's own, else the declared one, else one with nothing but the name.

    A metric component that measures several values declares one meaning for all of them, under its own name.

    >>> meaning_of("time.compile").is_timing, meaning_of("loss").better
    (True, None)
    >>> meaning_of("silhouette.worst", {"silhouette": Meaning("silhouette", "higher")}).better
    'higher'
    """
    first = name.partition(".")[0]
    if name in MEASURED:
        return MEASURED[name]
    if first in _UNITS:
        return _measured(name, unit=_UNITS[first])
    owner = (declared or {}).get(name) or (declared or {}).get(first)
    return Meaning(name) if owner is None else replace(owner, name=name)


_FLAGS = ("is_timing", "is_cost", "by_ratio", "rewards_freedom", "is_criterion")


def recorded(meaning: Meaning) -> dict[str, Any]:
    """Return a meaning in the form that journals contain; flags that are not set are left out."""
    said = {"better": meaning.better, "unit": meaning.unit, "meaning": meaning.meaning}
    flags = {flag: True for flag in _FLAGS if getattr(meaning, flag)}
    spoiled = {"spoiled_by": meaning.spoiled_by} if meaning.spoiled_by else {}
    confounded = {"confounded_by": sorted(meaning.confounded_by)} if meaning.confounded_by else {}
    return {**said, **flags, **spoiled, **confounded}


def read_meanings(record: Any) -> dict[str, Meaning]:
    """Read meanings from a journal, by name; anything that `recorded` would not write is ignored.

    >>> read_meanings({"silhouette": {"better": "higher", "meaning": "how far apart"}})["silhouette"].better
    'higher'
    """
    found = {}
    for name, what in record.items() if isinstance(record, Mapping) else ():
        if isinstance(what, Mapping):
            confounded_by = what.get("confounded_by")
            found[str(name)] = Meaning(
                str(name),
                better=next((each for each in get_args(Direction) if each == what.get("better")), None),
                unit=str(what.get("unit", "")),
                meaning=str(what.get("meaning", "")),
                **{flag: what.get(flag) is True for flag in _FLAGS},
                spoiled_by=str(what.get("spoiled_by", "")),
                confounded_by=frozenset(map(str, confounded_by)) if isinstance(confounded_by, list) else frozenset(),
            )
    return found


def merged(meanings: Iterable[Mapping[str, Meaning]]) -> dict[str, Meaning]:
    """Merge the meanings that several runs declare: parameters that confound a metric in one run count for all."""
    found: dict[str, Meaning] = {}
    for each in meanings:
        for name, meaning in each.items():
            known = found.get(name, meaning)
            found[name] = replace(known, confounded_by=known.confounded_by | meaning.confounded_by)
    return found


def ranking_metric(
    runs: Sequence[Mapping[str, float]], declared: Mapping[str, Meaning], varies: Collection[str]
) -> Meaning | None:
    """Return the metric by which to rank runs, each given by its metrics; None if there is none.

    It is the first declared metric that is finite in every run, is not a cost, and is not confounded by a parameter
    that varies.
    """
    for meaning in declared.values() if runs else ():
        is_fair = meaning.better and not meaning.is_cost and not meaning.is_confounded(varies)
        if is_fair and all(math.isfinite(run.get(meaning.name, math.nan)) for run in runs):
            return meaning
    return None
