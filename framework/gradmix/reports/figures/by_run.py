"""Figures with a line or a point for each run: the objective by iteration, and results against their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradmix.contracts.meaning import Meaning
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import Axis, Figure, Series, View, axis, axis_title, figure_of, finite, near_best
from gradmix.reports.figures.looks import Styles
from gradmix.reports.grouping import Group, Section, Settings
from gradmix.reports.wording import measured

_MOST_LINES = 60
"""Up to this many runs, each has a line; above it, one run of each group."""
_LONG = 50
"""From this many iterations of the longest run on, beside one a tenth as long, the axis is logarithmic."""
_LEAST_DISTANCE = 1e-12
"""Smallest distance to the best, relative to the best, that is more than rounding noise."""


def curves(comparison: Comparison, styles: Styles) -> Figure | None:
    """Draw the objective by iteration: the metric that ranks if iterations have it, else the first metric of each run.

    If the better direction is known, another view shows the distance to the best.
    """
    primary = comparison.primary.name if comparison.primary else ""
    views, others, shown, n_twins = [], [], [], 0
    for section in comparison.sections:
        last = [run.iterations[-1]["metrics"] for group in section.groups for run in group.runs if run.iterations]
        for name in dict.fromkeys(primary if primary in found else next(iter(found)) for found in last if found):
            series = _curves(section, name, styles, comparison.primary)
            if series:
                metric = comparison.meaning(name)
                values, *more = _views(comparison, section, metric, series)
                views.append(values)
                others += more
                shown.append(name)
                n_twins += len(series) - len({(each.look, tuple(each.x), tuple(each.y)) for each in series})
    title = f"{shown[0]} by iteration" if len({*shown}) == 1 else "By iteration"
    note = "One line per run: its best start, with a marker at the end."
    if any(sum(len(group.runs) for group in section.groups) > _MOST_LINES for section in comparison.sections):
        note = "One line per group: the run with its median result."
    if any(len(section.groups) > _MOST_LINES for section in comparison.sections):
        note = f"One line for each of the {_MOST_LINES} best groups: the run with its median result."
    note += f" {n_twins} coincide with others of their group." if n_twins else ""
    return figure_of("curves", title, note, [*views, *others])


def _views(comparison: Comparison, section: Section, metric: Meaning, series: Sequence[Series]) -> list[View]:
    lengths = sorted(max(each.x) for each in series)
    is_long = lengths[-1] >= _LONG and lengths[-1] >= 10 * lengths[0]
    x = Axis("iteration", is_log=is_long, whole=True)
    given = [comparison.factors.label(section.given)] if section.given else []
    values = View(" · ".join([metric.name, *given]), x, Axis(axis_title(metric)), series)
    near = near_best(values, metric, {each.y[-1] for each in series})
    found = [value for each in series for value in each.y]
    best = (max if metric.better == "higher" else min)(found)
    least = _LEAST_DISTANCE * max(abs(best), 1e-300)
    apart = [_apart(each, best, least) for each in series]
    if metric.better is None or len({value for each in apart for value in each.y}) < 2:
        return [values, *near]
    title = f"distance to the best {axis_title(metric)}"
    name = " · ".join([f"distance to the best {metric.name}", *given])
    return [values, *near, View(name, x, Axis(title, is_log=True), [each for each in apart if each.x])]


def _apart(series: Series, best: float, least: float) -> Series:
    """Return the series as distances to the best value of all series, without points at distance 0."""
    kept = [(x, abs(y - best)) for x, y in zip(series.x, series.y, strict=True) if abs(y - best) > least]
    x, y = zip(*kept, strict=True) if kept else ((), ())
    return replace(series, x=x, y=y)


def _curves(section: Section, name: str, styles: Styles, primary: Meaning | None) -> list[Series]:
    series: list[Series] = []
    is_crowded = sum(len(group.runs) for group in section.groups) > _MOST_LINES
    for group in reversed(section.groups[:_MOST_LINES]):  # the best is drawn last, on top
        look, entries = styles.of(group.settings)
        for run in _middle(group, primary) if is_crowded else group.runs:
            points = [(event["step"], finite(event["metrics"].get(name))) for event in run.iterations]
            sound = [(x, y) for x, y in points if y is not None]
            if sound:
                said = styles.said(group, run)
                x, y = zip(*sound, strict=True)
                text = f"{said}: {{y}} at iteration {{x}}"
                series.append(Series(look, x, y, [text], entries, joined=True, marks="last"))
    return series if any(len(each.x) > 1 for each in series) else []


def _middle(group: Group, primary: Meaning | None) -> Sequence[Run]:
    """Return the run whose result is the median of its group, or next to the median."""
    name = primary.name if primary else ""
    measured = sorted((run for run in group.finished if name in run.metrics), key=lambda run: run.metrics[name])
    return [measured[(len(measured) - 1) // 2]] if measured else group.runs[:1]


def cost(comparison: Comparison, styles: Styles) -> Figure | None:
    """Draw the metric that ranks against each cost that differs among runs."""
    primary = comparison.primary
    if primary is None or primary.is_cost:
        return None
    costs = [metric for name, metric in comparison.declared.items() if metric.is_cost and name in comparison.names]
    shown: list[tuple[Settings, Sequence[Group]]]
    shown = [(section.given, section.groups) for section in comparison.sections]
    if primary.by_ratio and len(shown) > 1:  # such a metric means the same in all sections
        shown.insert(0, ({}, comparison.groups))
    views = []
    for given, groups in shown:
        for metric in costs:
            series = _points(groups, metric, primary, styles)
            xs, ys = ({value for each in series for value in each.x}, {value for each in series for value in each.y})
            if len(xs) > 1:
                name = " · ".join([metric.name, *([comparison.factors.label(given)] if given else [])])
                views.append(View(name, axis(metric, xs), axis(primary, ys), series))
    corner = f" Best is {'low' if primary.better == 'lower' else 'high'} and to the left." if primary.better else ""
    return figure_of("cost", f"{primary.name} against cost", f"One point per run.{corner}", views)


def _points(groups: Sequence[Group], x: Meaning, y: Meaning, styles: Styles) -> list[Series]:
    series: list[Series] = []
    for group in reversed(groups):
        runs = [run for run in group.finished if all(finite(run.metrics.get(each.name)) is not None for each in (x, y))]
        if runs:
            look, entries = styles.of(group.settings)
            texts = [f"{styles.said(group, run)}: {_said(run, y)}, {_said(run, x)}" for run in runs]
            xs, ys = ([run.metrics[each.name] for run in runs] for each in (x, y))
            series.append(Series(look, xs, ys, texts, entries))
    return series


def _said(run: Run, metric: Meaning) -> str:
    return f"{metric.name} {measured(run.metrics[metric.name], metric.unit)}"
