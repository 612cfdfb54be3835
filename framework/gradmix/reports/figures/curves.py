"""The objective by iteration: a line for each run."""

from __future__ import annotations

from collections.abc import Iterable

from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, axis_title, finite, variant_name
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group, Section

_MOST_SINGLE_LINES = 80
"""Curves that are drawn one by one, each with its name; more are drawn by group."""

_MOST_SINGLE_TICKS = 12
"""Iterations up to which each has its tick."""


def curves(comparison: Comparison, styles: Styles) -> Figure | None:
    """Curves by iteration, within each section."""
    variants: list[Variant] = []
    directions: set[str] = set()
    for section in comparison.sections[:MOST_VARIANTS]:
        for name in _iteration_metrics(comparison, section):
            traces = _curve_traces(comparison, section, name, styles)
            if traces:
                metric = comparison.meaning(name)
                directions.add(metric.better or "")
                last = max(x for trace in traces for x in trace["x"] if x is not None)
                ticks = {"dtick": 1} if last <= _MOST_SINGLE_TICKS else {}
                layout = {
                    "xaxis": {"title": {"text": "iteration"}, **ticks},
                    "yaxis": {"title": {"text": axis_title(metric)}},
                }
                variants.append(Variant(variant_name(comparison, section, name), traces, layout))
    best = directions.pop() if len(directions) == 1 else ""
    title = "By iteration" if len(variants) != 1 else f"{variants[0].name.partition(' · ')[0]} by iteration"
    note = "One line a run, the start that counts. A click in the legend hides a group, a double click shows it alone."
    return Figure("curves", title, note, variants, best or None)


def _iteration_metrics(comparison: Comparison, section: Section) -> list[str]:
    """What to draw: the metric that is ranked by if iterations have it, else the first of each run."""
    runs = [run for group in section.groups for run in group.runs]
    firsts: dict[str, None] = {}
    primary = comparison.primary.name if comparison.primary else None
    for run in runs:
        if run.iterations:
            names = list(run.iterations[-1]["metrics"])
            firsts.update(dict.fromkeys([primary] if primary is not None and primary in names else names[:1]))
    return list(firsts)


def _curve_traces(comparison: Comparison, section: Section, name: str, styles: Styles) -> list[Trace]:
    is_crowded = sum(len(group.runs) for group in section.groups) > _MOST_SINGLE_LINES
    traces: list[Trace] = []
    named: set[str] = set()
    for group in sorted(section.groups, key=styles.rank, reverse=True):  # the best is drawn last, on top
        lines = [(run, *_curve(run, name)) for run in group.runs]
        lines = [(run, x, y) for run, x, y in lines if sum(each is not None for each in y) > 1]
        if not lines:
            continue
        look = _curve_look(group, styles, is_crowded)
        if is_crowded:
            drawn = [{**look, **_joined([(x, y) for _, x, y in lines]), "text": styles.label(group)}]
        else:
            drawn = [{**look, "x": x, "y": y, "text": styles.repeat(group, run)} for run, x, y in lines]
        traces += [
            {**trace, "showlegend": look["name"] not in named and not index} for index, trace in enumerate(drawn)
        ]
        named.add(look["name"])
    return traces


def _curve(run: Run, name: str) -> tuple[list[int], list[float | None]]:
    events = run.iterations
    return [event["step"] for event in events], [finite(event["metrics"].get(name)) for event in events]


def _curve_look(group: Group, styles: Styles, is_crowded: bool) -> Trace:
    label = styles.legend(group)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "legendgroup": label,
        "legendrank": 1000 + styles.rank(group),
        "line": {"color": styles.color(group), "width": 1 if is_crowded else 1.8},
        "opacity": 0.5 if is_crowded else 0.85,
        "hovertemplate": "%{y:.6g} at iteration %{x}<br>%{text}",
    }


def _joined(lines: Iterable[tuple[list[int], list[float | None]]]) -> Trace:
    """Many lines as one trace, with gaps between them."""
    xs: list[int | None] = []
    ys: list[float | None] = []
    for x, y in lines:
        xs += [*x, None]
        ys += [*y, None]
    return {"x": xs, "y": ys, "connectgaps": False}
