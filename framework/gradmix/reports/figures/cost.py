"""The metric that is ranked by against what it costs: a point for each run."""

from __future__ import annotations

from collections.abc import Sequence

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, axis, finite, view
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group, Settings


def cost(comparison: Comparison, styles: Styles) -> Figure | None:
    """Ranked metric against each cost that varies."""
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
                variants.append(view(comparison, metric.name, given, traces, axis(metric, xs), axis(primary, ys)))
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
                    "mode": "markers",
                    "x": [run.metrics[x] for run in runs],
                    "y": [run.metrics[y] for run in runs],
                    "text": [", ".join([*map(str, group.given.values()), styles.repeat(group, run)]) for run in runs],
                    "marker": {"color": styles.color(group), "symbol": styles.symbol(group), "size": 9, "opacity": 0.8},
                    "hovertemplate": f"{y} %{{y:.6g}}<br>{x} %{{x:.4g}}<br>%{{text}}",
                }
            )
    return traces
