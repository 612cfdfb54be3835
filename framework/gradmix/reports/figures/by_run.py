"""Figures with a line or a point for each run: the objective by iteration, and results against their cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import (
    MOST_VARIANTS,
    SYMBOLS,
    Figure,
    Styles,
    Trace,
    axis,
    axis_title,
    finite,
    view,
)
from gradmix.reports.grouping import Group, Section, Settings

_MOST_SINGLE_LINES = 80
"""Curves that are drawn one by one, each with its name; more are drawn by group."""

_MOST_SINGLE_TICKS = 12
"""Iterations up to which each has its tick."""


def curves(comparison: Comparison, styles: Styles) -> Figure | None:
    """The objective by iteration: what is ranked by if iterations have it, else the first metric of each run."""
    primary = comparison.primary.name if comparison.primary else ""
    variants, shown = [], []
    for section in comparison.sections[:MOST_VARIANTS]:
        last = [run.iterations[-1]["metrics"] for group in section.groups for run in group.runs if run.iterations]
        for name in dict.fromkeys(primary if primary in found else next(iter(found)) for found in last if found):
            traces = _lines(section, name, styles)
            if traces:
                most = max(x for trace in traces for x in trace["x"] if x is not None)
                xaxis: dict[str, Any] = {"title": {"text": "iteration"}}
                xaxis |= {"dtick": 1} if most <= _MOST_SINGLE_TICKS else {}
                yaxis = {"title": {"text": axis_title(comparison.meaning(name))}}
                variants.append(view(comparison.factors, name, section.given, traces, xaxis, yaxis))
                shown.append(name)
    directions = {comparison.meaning(name).better for name in shown}
    title = f"{shown[0]} by iteration" if len(shown) == 1 else "By iteration"
    note = "One line a run, the start that counts. A click in the legend hides a group, a double click shows it alone."
    return Figure("curves", title, note, variants, directions.pop() if len(directions) == 1 else None)


def _lines(section: Section, name: str, styles: Styles) -> list[Trace]:
    """A trace for each run; for each group, with gaps between its lines, where there are too many."""
    is_crowded = sum(len(group.runs) for group in section.groups) > _MOST_SINGLE_LINES
    traces: list[Trace] = []
    for group in sorted(section.groups, key=styles.rank, reverse=True):  # the best is drawn last, on top
        look = {
            **styles.trace(group),
            "legendrank": 1000 + styles.rank(group),
            "isCrowded": is_crowded,
        }
        drawn: list[Trace] = []
        for run in group.runs:
            y = [finite(event["metrics"].get(name)) for event in run.iterations]
            if sum(each is not None for each in y) > 1:
                x = [event["step"] for event in run.iterations]
                drawn.append({**look, "x": x, "y": y, "text": styles.repeat(group, run)})
        if drawn and is_crowded:
            xs, ys = ([value for trace in drawn for value in (*trace[key], None)] for key in "xy")
            drawn = [{**look, "x": xs, "y": ys, "text": styles.label(group)}]
        traces += drawn
    return traces


def cost(comparison: Comparison, styles: Styles) -> Figure | None:
    """The metric that is ranked by against each cost that varies."""
    primary = comparison.primary
    if primary is None or primary.is_cost:
        return None
    costs = [metric for name, metric in comparison.declared.items() if metric.is_cost and name in comparison.names]
    shown: list[tuple[Settings, Sequence[Group]]]
    shown = [(section.given, section.groups) for section in comparison.sections[:MOST_VARIANTS]]
    if primary.by_ratio and len(shown) > 1:  # such a metric means the same on all that was given
        shown.insert(0, ({}, comparison.groups))
    variants = []
    for given, groups in shown:
        for metric in costs:
            traces = _points(groups, metric.name, primary.name, styles)
            xs, ys = ({value for trace in traces for value in trace[key]} for key in "xy")
            if len(xs) > 1:
                axes = axis(metric, xs), axis(primary, ys)
                variants.append(view(comparison.factors, metric.name, given, traces, *axes))
    note = f"One point a run. {'Lower' if primary.better == 'lower' else 'Higher'} and to the left is better."
    return Figure("cost", f"{primary.name} against cost", note if primary.better else "One point a run.", variants)


def _points(groups: Sequence[Group], x: str, y: str, styles: Styles) -> list[Trace]:
    traces: list[Trace] = []
    for group in groups:
        runs = [run for run in group.finished if all(finite(run.metrics.get(name)) is not None for name in (x, y))]
        if runs:
            traces.append(
                {
                    **styles.trace(group),
                    "x": [run.metrics[x] for run in runs],
                    "y": [run.metrics[y] for run in runs],
                    "text": [", ".join([*map(str, group.given.values()), styles.repeat(group, run)]) for run in runs],
                    "symbol": SYMBOLS[styles.rank(group) % len(SYMBOLS)],
                }
            )
    return traces
