"""A plot as plain values that plotly.js draws, and what all plots have in common: views, axes, scales, styles."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import Factors, value_of
from gradmix.reports.grouping import Group, Section, Settings
from gradmix.reports.wording import measured

MOST_VARIANTS = 40
"""Views that a figure offers to choose from."""

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#332288")
"""Colours that people with any colour vision tell apart (after Okabe and Ito), best group first."""
_OTHERS = "#B8BEC6"
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star", "pentagon")

_CONTENDERS = 5
"""How many groups behind the best a scale tells apart; what is much worse is off it."""
_LEAST = 1e-17
"""What stands for zero on a logarithmic scale."""

Trace = dict[str, Any]
"""A line, a cloud of points or a heat map, as data; ``page.js`` says how each figure draws its own."""


@dataclass(frozen=True)
class Figure:
    """A plot, with a choice of views; `note` says how to read it.

    For curves, `best` says which way is better, so that the distance to the best can be shown, too.
    """

    name: str
    title: str
    note: str
    variants: Sequence[Mapping[str, Any]]
    best: str | None = None


def view(
    factors: Factors, name: str, given: Settings, traces: Sequence[Trace], xaxis: Any, yaxis: Any
) -> Mapping[str, Any]:
    """One view of a figure, as plotly.js takes it; what several traces share has one line in the legend."""
    named: set[str] = set()
    for trace in traces:
        if "legendgroup" in trace:
            trace["showlegend"] = trace["name"] not in named
            named.add(trace["name"])
    said = [name] if name else []
    said += [factors.label(given)] if given else []
    return {"name": " · ".join(said), "data": traces, "layout": {"xaxis": xaxis, "yaxis": yaxis}}


def axis_title(metric: Meaning) -> str:
    """A metric's name with its unit."""
    return f"{metric.name} ({metric.unit})" if metric.unit else metric.name


def axis(metric: Meaning, values: Collection[float]) -> dict[str, Any]:
    """A linear axis; a logarithmic one where values differ by orders of magnitude."""
    axis: dict[str, Any] = {"title": {"text": axis_title(metric)}, "exponentformat": "power"}
    least, most = min(values, default=0.0), max(values, default=0.0)
    if metric.unit == "s" and least >= 0:
        axis |= {"exponentformat": "SI", "ticksuffix": "s", "title": {"text": metric.name}}
    if metric.by_ratio and least > 0 and most > 10 * least:
        return {**log_scale(values), **axis}
    if metric.by_ratio and 0 in values and most > 0:  # exact results beside inexact ones
        return {**axis, "type": "log", "zeros": min(value for value in values if value > 0) / 100}
    return axis


def log_scale(values: Collection[float]) -> dict[str, Any]:
    """A logarithmic axis for positive values, with at most about eight powers of ten named.

    >>> log_scale([1e-16, 1.0])["dtick"], log_scale([1.0, 100.0])["dtick"]
    (2, 1)
    """
    decades = math.log10(max(values) / min(values))
    return {"type": "log", "exponentformat": "power", "dtick": max(1, math.ceil(decades / 8))}


def finite(value: Any) -> float | None:
    """A number, or None for what is none."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def color_of(rank: int) -> str:
    """A colour; grey beyond the palette."""
    return PALETTE[rank] if rank < len(PALETTE) else _OTHERS


class Styles:
    """A colour and a name for each group, the same in all figures; the best groups get the colours."""

    def __init__(self, comparison: Comparison) -> None:
        ranked = [tuple(each.settings.values()) for each in comparison.standings]
        groups = [tuple(group.settings.values()) for group in comparison.groups]
        self._rank = {values: rank for rank, values in enumerate(dict.fromkeys([*ranked, *groups]))}
        self._factors = comparison.factors

    def rank(self, group: Group) -> int:
        """Its place, from 0."""
        return self._rank[tuple(group.settings.values())]

    def color(self, group: Group) -> str:
        """Its colour."""
        return color_of(self.rank(group))

    def trace(self, group: Group) -> Trace:
        """What all its traces have in common: groups without a colour of their own share one line of the legend."""
        is_colored = self.rank(group) < len(PALETTE)
        name = self.label(group) if is_colored else f"{len(self._rank) - len(PALETTE)} others"
        return {"name": name, "legendgroup": name, "color": self.color(group)}

    def label(self, group: Group) -> str:
        """Its settings in words."""
        return self._factors.label(group.settings)

    def repeat(self, group: Group, run: Run) -> str:
        """Which of its runs this is; with the group's name, if the legend does not say it."""
        said = [self.label(group)] if self.rank(group) >= len(PALETTE) else []
        said += [self._factors.label({key: value_of(run, key)}) for key in self._factors.repeats]
        return ", ".join(said) or run.folder.name


class Scale:
    """From the best of a section to the contenders by the metric that ranks, smaller values to the left.

    What is compared by ratios has a logarithmic one.
    """

    def __init__(self, section: Section, metric: Meaning) -> None:
        self._metric = metric
        found = [each.summaries[metric.name] for each in section.groups if metric.name in each.summaries]
        values = [value for each in found for value in (each.low, each.median, each.high) if math.isfinite(value)]
        self._is_log = metric.by_ratio and min(values, default=0.0) >= 0 and max(values, default=0.0) > 0
        best = min(values, key=lambda value: value * (metric.sign or 1.0), default=1.0)
        behind = sorted(self.distance(each.median, best) for each in found if math.isfinite(each.median))
        own = [self.distance(end, best) for each in found[:1] for end in (each.low, each.high) if math.isfinite(end)]
        near = [each for each in behind if each > 0][:_CONTENDERS]
        reached = [min(1.3 * near[-1], 3 * near[len(near) // 2])] if near else []
        reach = max([*own, *reached], default=0.0) or 1.0
        at_best = self._place(best)
        self._low, self._high = (at_best - reach, at_best) if metric.better == "higher" else (at_best, at_best + reach)
        ends = (10**end if self._is_log else end for end in (self._low, self._high))
        self.ends = [measured(float(f"{end:.4g}"), metric.unit) for end in ends] if values else ["", ""]
        """The values at both ends, as text; empty if there is nothing to show."""

    def _place(self, value: float) -> float:
        return math.log10(max(value, _LEAST)) if self._is_log else value

    def distance(self, value: float, best: float) -> float:
        """How far a value is from the best; in orders of magnitude on a logarithmic scale."""
        return abs(self._place(value) - self._place(best))

    def at(self, value: float) -> float | None:
        """Place in per cent; None off the scale."""
        if not math.isfinite(value):
            return None
        share = (self._place(value) - self._low) / (self._high - self._low)
        return 4 + 92 * share if -1e-9 <= share <= 1 + 1e-9 else None

    def end(self, value: float) -> float:
        """Place of an interval's end in per cent; off the scale, that of its worse end."""
        place = self.at(value)
        return place if place is not None else 0.0 if self._metric.better == "higher" else 100.0
