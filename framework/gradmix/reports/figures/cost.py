"""The metric that is ranked by against what it costs: a point for each run."""

from __future__ import annotations

from collections.abc import Sequence

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.figure import MOST_VARIANTS, Figure, Trace, Variant, axis, finite, variant_name
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group, Section


def cost(comparison: Comparison, styles: Styles) -> Figure | None:
    """Ranked metric against each cost that varies."""
    primary = comparison.primary
    if primary is None or primary.is_cost:
        return None
    views = [(section, section.groups) for section in comparison.sections[:MOST_VARIANTS]]
    if primary.by_ratio and len(views) > 1:  # such a metric means the same on all that was given
        views.insert(0, (Section({}, ()), tuple(group for section in comparison.sections for group in section.groups)))
    variants = []
    for section, groups in views:
        for metric in comparison.costs:
            traces = _points(groups, metric.name, primary.name, styles)
            distinct = {x for trace in traces for x in trace["x"]}
            if len(distinct) > 1:
                layout = {
                    "xaxis": axis(metric, distinct),
                    "yaxis": axis(primary, {y for trace in traces for y in trace["y"]}),
                }
                variants.append(Variant(variant_name(comparison, section, metric.name), traces, layout))
    note = f"One point a run. {'Lower' if primary.better == 'lower' else 'Higher'} and to the left is better."
    return Figure("cost", f"{primary.name} against cost", note if primary.better else "One point a run.", variants)


def _points(groups: Sequence[Group], x: str, y: str, styles: Styles) -> list[Trace]:
    traces: list[Trace] = []
    named: set[str] = set()
    for group in groups:
        runs = [run for run in group.finished if finite(run.metrics.get(x)) is not None]
        runs = [run for run in runs if finite(run.metrics.get(y)) is not None]
        if runs:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": styles.legend(group),
                    "legendgroup": styles.legend(group),
                    "showlegend": styles.legend(group) not in named,
                    "x": [run.metrics[x] for run in runs],
                    "y": [run.metrics[y] for run in runs],
                    "text": [", ".join([*map(str, group.given.values()), styles.repeat(group, run)]) for run in runs],
                    "marker": {"color": styles.color(group), "symbol": styles.symbol(group), "size": 9, "opacity": 0.8},
                    "hovertemplate": f"{y} %{{y:.6g}}<br>{x} %{{x:.4g}}<br>%{{text}}",
                }
            )
            named.add(styles.legend(group))
    return traces
