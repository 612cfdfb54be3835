"""The objective by iteration: a line for each run."""

from __future__ import annotations

from typing import Any

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, axis_title, finite, view
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Section

_MOST_SINGLE_LINES = 80
"""Curves that are drawn one by one, each with its name; more are drawn by group."""

_MOST_SINGLE_TICKS = 12
"""Iterations up to which each has its tick."""


def curves(comparison: Comparison, styles: Styles) -> Figure | None:
    """Curves by iteration, within each section."""
    variants: list[Variant] = []
    shown: list[str] = []
    for section in comparison.sections[:MOST_VARIANTS]:
        for name in _iteration_metrics(comparison, section):
            traces = _lines(section, name, styles)
            if traces:
                last = max(x for trace in traces for x in trace["x"] if x is not None)
                xaxis: dict[str, Any] = {"title": {"text": "iteration"}}
                xaxis |= {"dtick": 1} if last <= _MOST_SINGLE_TICKS else {}
                yaxis = {"title": {"text": axis_title(comparison.meaning(name))}}
                variants.append(view(comparison, name, section.given, traces, xaxis, yaxis))
                shown.append(name)
    directions = {comparison.meaning(name).better for name in shown}
    title = f"{shown[0]} by iteration" if len(shown) == 1 else "By iteration"
    note = "One line a run, the start that counts. A click in the legend hides a group, a double click shows it alone."
    return Figure("curves", title, note, variants, directions.pop() if len(directions) == 1 else None)


def _iteration_metrics(comparison: Comparison, section: Section) -> list[str]:
    """What to draw: the metric that is ranked by if iterations have it, else the first of each run."""
    primary = comparison.primary.name if comparison.primary else ""
    last = [run.iterations[-1]["metrics"] for group in section.groups for run in group.runs if run.iterations]
    return list(dict.fromkeys(primary if primary in found else next(iter(found)) for found in last if found))


def _lines(section: Section, name: str, styles: Styles) -> list[Trace]:
    """A trace for each run; for each group, with gaps between its lines, where there are too many."""
    is_crowded = sum(len(group.runs) for group in section.groups) > _MOST_SINGLE_LINES
    traces: list[Trace] = []
    for group in sorted(section.groups, key=styles.rank, reverse=True):  # the best is drawn last, on top
        look = {
            **styles.trace(group),
            "mode": "lines",
            "legendrank": 1000 + styles.rank(group),
            "line": {"color": styles.color(group), "width": 1 if is_crowded else 1.8},
            "opacity": 0.5 if is_crowded else 0.85,
            "hovertemplate": "%{y:.6g} at iteration %{x}<br>%{text}",
        }
        drawn: list[Trace] = []
        for run in group.runs:
            y = [finite(event["metrics"].get(name)) for event in run.iterations]
            if sum(each is not None for each in y) > 1:
                x = [event["step"] for event in run.iterations]
                drawn.append({**look, "x": x, "y": y, "text": styles.repeat(group, run)})
        if drawn and is_crowded:
            xs, ys = ([value for trace in drawn for value in (*trace[key], None)] for key in "xy")
            drawn = [{**look, "x": xs, "y": ys, "text": styles.label(group), "connectgaps": False}]
        traces += drawn
    return traces
