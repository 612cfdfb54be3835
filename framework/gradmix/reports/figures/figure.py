"""A plot as plain values: views, series and axes. `drawing` draws them, alike for pages, files and notebooks."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gradmix.contracts.meaning import Meaning
from gradmix.reports.figures.looks import Entry, Look
from gradmix.reports.figures.scale import Scale

MOST_VIEWS = 8
"""Largest number of views that a figure offers."""

_PREFIXED = ("s", "B")
"""Units shown with prefixes: µs, ms, kB."""


@dataclass(frozen=True)
class Axis:
    """An axis of a view.

    Ticks have SI prefixes of the `unit`, if any. If `whole`, ticks are integers. On a logarithmic axis zeros are drawn
    at `zero`, with the tick 0. Points outside `within`, the ends of the axis, are cut off.
    """

    title: str
    is_log: bool = False
    whole: bool = False
    unit: str = ""
    zero: float | None = None
    within: tuple[float, float] | None = None


@dataclass(frozen=True)
class Series:
    """Points with one look, optionally joined by a line, with markers for all points, only the last one, or none.

    `texts` has a tooltip for each point, or a single one for all points, with ``{x}`` and ``{y}`` in it. `spans` has
    the ends of the interval around each point.
    """

    look: Look
    x: Sequence[float]
    y: Sequence[float]
    texts: Sequence[str]
    entries: tuple[Entry, ...] = ()
    joined: bool = False
    marks: Literal["all", "last", "none"] = "all"
    spans: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Grid:
    """A heat map: names of columns and rows, and the shade of each cell from 0, the best, to 1; None if empty."""

    across: Sequence[str]
    down: Sequence[str]
    shades: Sequence[Sequence[float | None]]
    numbers: Sequence[Sequence[str]]
    texts: Sequence[Sequence[str]]
    ticks: Sequence[tuple[float, str]]
    label: str


@dataclass(frozen=True)
class View:
    """One view of a figure: series in two axes, or a grid."""

    name: str
    x: Axis
    y: Axis
    series: Sequence[Series] = ()
    grid: Grid | None = None

    @property
    def entries(self) -> list[Entry]:
        """The entries of the legend: colours, which may stand for other groups in other views, and what differs."""
        found = list(dict.fromkeys(entry for each in self.series for entry in each.entries))
        channels = [entry.channel for entry in found]
        kept = [each for each in found if each.channel == "color" or channels.count(each.channel) > 1]
        return sorted(kept, key=lambda each: each.order)


@dataclass(frozen=True)
class Figure:
    """A plot, with a choice of views; `note` explains how to read it. Some views may be left out."""

    name: str
    title: str
    note: str
    views: Sequence[View] = field(default_factory=list)
    n_more: int = 0


def figure_of(name: str, title: str, note: str, views: Sequence[View]) -> Figure:
    """Return a figure that offers the first views."""
    return Figure(name, title, note, views[:MOST_VIEWS], max(len(views) - MOST_VIEWS, 0))


def near_best(view: View, metric: Meaning, values: Collection[float]) -> list[View]:
    """Return a copy of the view limited to values near the best, if others are far behind; else nothing."""
    within = Scale(values, metric).near_best if metric.better and not view.y.is_log else None
    if within is None:
        return []
    name, _, given = view.name.partition(" · ")
    near = f"{name}, near the best" + (f" · {given}" if given else "")
    return [replace(view, name=near, y=replace(view.y, within=within))]


def axis_title(metric: Meaning, with_prefixes: bool = False) -> str:
    """Return a metric's name with its unit, unless each value is shown with a prefixed unit."""
    has_unit = metric.unit and not (with_prefixes and metric.unit in _PREFIXED)
    return f"{metric.name} ({metric.unit})" if has_unit else metric.name


def axis(metric: Meaning, values: Collection[float]) -> Axis:
    """Return a linear axis, or a logarithmic one if values differ by orders of magnitude."""
    least, most = min(values, default=0.0), max(values, default=0.0)
    has_prefixes = metric.unit in _PREFIXED and least >= 0
    title, unit = axis_title(metric, has_prefixes), metric.unit if has_prefixes else ""
    if metric.by_ratio and least > 0 and most > 10 * least:
        return Axis(title, is_log=True, unit=unit)
    positive = min((value for value in values if value > 0), default=1.0)
    if (
        metric.by_ratio and least == 0 and most > 10 * positive
    ):  # exact results beside inexact ones, such as errors of 0 and 1e-9
        return Axis(title, is_log=True, unit=unit, zero=positive / 100)
    return Axis(title, unit=unit, whole=all(float(value).is_integer() for value in values))


def spread_axis(title: str, values: Collection[float]) -> Axis:
    """Return an axis for the values of an option: logarithmic if they are positive and spread over decades."""
    spreads = min(values) > 0 and max(values) >= 50 * min(values)
    return Axis(title, is_log=spreads, whole=all(float(value).is_integer() for value in values))


def finite(value: Any) -> float | None:
    """Return the value if it is a finite number, else None."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None
