"""A plot as plain values that plotly.js draws, and what all plots have in common."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.grouping import Settings

MOST_VARIANTS = 40
"""Views that a figure offers to choose from."""

Trace = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One view of a figure.

    Parameters
    ----------
    name
        What tells it from the others.
    data, layout
        As plotly.js takes them.
    """

    name: str
    data: Sequence[Trace]
    layout: Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A plot, with a choice of views.

    Parameters
    ----------
    name
        Short name.
    title
        What it shows.
    note
        How to read it.
    variants
        Its views, at least one.
    best
        For curves: which way is better, so that the distance to the best can be shown, too.
    """

    name: str
    title: str
    note: str
    variants: Sequence[Variant]
    best: str | None = None


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


def view(
    comparison: Comparison,
    name: str,
    given: Settings,
    traces: Sequence[Trace],
    xaxis: Mapping[str, Any],
    yaxis: Mapping[str, Any],
) -> Variant:
    """A view of a metric on what was given; what several traces share has one line in the legend."""
    named: set[str] = set()
    for trace in traces:
        if "legendgroup" in trace:
            trace["showlegend"] = trace["name"] not in named
            named.add(trace["name"])
    title = f"{name} · {comparison.factors.label(given)}" if given else name
    return Variant(title, traces, {"xaxis": xaxis, "yaxis": yaxis})


def finite(value: Any) -> float | None:
    """A number, or None for what is none."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None
