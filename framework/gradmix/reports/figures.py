"""Plots of a comparison, as plain values that plotly.js draws. Each comes only if the data has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.metrics import COSTS, Metric, metric_named
from gradmix.reports.comparison import TIME, Comparison, Group, Section
from gradmix.reports.factors import text_of, value_of
from gradmix.reports.sentences import summary_text
from gradmix.runs.reading import Run

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#332288")
"""Colours that people with any colour vision tell apart (after Okabe and Ito), best group first."""
OTHERS = "#B8BEC6"
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star", "pentagon")

_MOST_SINGLE_LINES = 80
"""Curves that are drawn one by one, each with its name; more are drawn by group."""
_MOST_VARIANTS = 40
_FEWEST_FOR_LINE = 3

Trace = dict[str, Any]
Values = tuple[Any, ...]


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


def figures(comparison: Comparison) -> list[Figure]:
    """All figures that the data has something for."""
    styles = Styles(comparison)
    made = [
        _heat_map(comparison),
        _by_option(comparison, styles),
        _curves(comparison, styles),
        _cost(comparison, styles),
    ]
    return [figure for figure in made if figure is not None and figure.variants]


class Styles:
    """A colour and a symbol for each group, the same in all figures.

    Parameters
    ----------
    comparison
        The comparison; its best groups get the colours.
    """

    def __init__(self, comparison: Comparison) -> None:
        ranked = [tuple(each.settings.values()) for each in comparison.standings]
        groups = [tuple(group.settings.values()) for section in comparison.sections for group in section.groups]
        self._rank = {values: rank for rank, values in enumerate(dict.fromkeys([*ranked, *groups]))}
        self._factors = comparison.factors

    def color(self, group: Group) -> str:
        """Its colour; grey beyond the palette."""
        rank = self.rank(group)
        return PALETTE[rank] if rank < len(PALETTE) else OTHERS

    def symbol(self, group: Group) -> str:
        """Its symbol."""
        return SYMBOLS[self.rank(group) % len(SYMBOLS)]

    def label(self, group: Group) -> str:
        """Its settings in words."""
        return self._factors.label(group.settings)

    def legend(self, group: Group) -> str:
        """Its name in a legend: groups without a colour of their own share one line."""
        return self.label(group) if self.rank(group) < len(PALETTE) else f"{len(self._rank) - len(PALETTE)} others"

    def repeat(self, group: Group, run: Run) -> str:
        """Which of its runs this is; with the group's name, if the legend does not say it."""
        said = [self.label(group)] if self.rank(group) >= len(PALETTE) else []
        said += [self._factors.label({key: value_of(run, key)}) for key in self._factors.repeats]
        return ", ".join(said) or run.folder.name

    def rank(self, group: Group) -> int:
        """Where it stands, from 0."""
        return self._rank[tuple(group.settings.values())]


def axis_title(metric: Metric) -> str:
    """A metric's name with its unit."""
    return f"{metric.name} ({metric.unit})" if metric.unit else metric.name


# --- curves by iteration ---------------------------------------------------------------------------------------------


def _curves(comparison: Comparison, styles: Styles) -> Figure | None:
    variants: list[Variant] = []
    directions: set[str] = set()
    for section in comparison.sections[:_MOST_VARIANTS]:
        for name in _iteration_metrics(comparison, section):
            traces = _curve_traces(comparison, section, name, styles)
            if traces:
                metric = metric_named(name)
                directions.add(metric.better or "")
                layout = {"xaxis": {"title": {"text": "iteration"}}, "yaxis": {"title": {"text": axis_title(metric)}}}
                variants.append(Variant(_variant_name(comparison, section, name), traces, layout))
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
        if run.lines and run.iterations:
            names = list(run.iterations[-1]["metrics"])
            firsts.update(dict.fromkeys([primary] if primary is not None and primary in names else names[:1]))
    return list(firsts)


def _curve_traces(comparison: Comparison, section: Section, name: str, styles: Styles) -> list[Trace]:
    is_crowded = sum(len(group.runs) for group in section.groups) > _MOST_SINGLE_LINES
    traces: list[Trace] = []
    named: set[str] = set()
    for group in sorted(section.groups, key=styles.rank, reverse=True):  # the best is drawn last, on top
        lines = [(run, *_curve(run, name)) for run in group.runs if run.lines]
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
    return [event["step"] for event in events], [_finite(event["metrics"].get(name)) for event in events]


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


# --- metric against cost ---------------------------------------------------------------------------------------------


def _cost(comparison: Comparison, styles: Styles) -> Figure | None:
    primary = comparison.primary
    if primary is None or primary.name in COSTS:
        return None
    views = [(section, section.groups) for section in comparison.sections[:_MOST_VARIANTS]]
    if primary.by_ratio and len(views) > 1:  # such a metric means the same on all that was given
        views.insert(0, (Section({}, ()), tuple(group for section in comparison.sections for group in section.groups)))
    variants = []
    for section, groups in views:
        for name in COSTS:
            traces = _points(groups, name, primary.name, styles)
            distinct = {x for trace in traces for x in trace["x"]}
            if len(distinct) > 1:
                layout = {
                    "xaxis": _axis(metric_named(name), distinct),
                    "yaxis": _axis(primary, {y for trace in traces for y in trace["y"]}),
                }
                variants.append(Variant(_variant_name(comparison, section, name), traces, layout))
    note = f"One point a run. {'Lower' if primary.better == 'lower' else 'Higher'} and to the left is better."
    return Figure("cost", f"{primary.name} against cost", note if primary.better else "One point a run.", variants)


def _points(groups: Sequence[Group], x: str, y: str, styles: Styles) -> list[Trace]:
    traces: list[Trace] = []
    named: set[str] = set()
    for group in groups:
        runs = [run for run in group.finished if _finite(run.metrics.get(x)) is not None]
        runs = [run for run in runs if _finite(run.metrics.get(y)) is not None]
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


def _axis(metric: Metric, values: Iterable[float]) -> dict[str, Any]:
    """A linear axis; a logarithmic one where values differ by orders of magnitude."""
    axis: dict[str, Any] = {"title": {"text": axis_title(metric)}, "exponentformat": "power"}
    present = list(values)
    if metric.unit == "s" and min(present, default=0.0) >= 0:
        axis |= {"exponentformat": "SI", "ticksuffix": "s", "title": {"text": metric.name}}
    if metric.by_ratio and min(present, default=0.0) > 0 and max(present) > 10 * min(present):
        return {**axis, "type": "log", "dtick": 1}
    if metric.by_ratio and 0 in present and max(present) > 0:  # exact results beside inexact ones
        return {**axis, "type": "log", "zeros": min(value for value in present if value > 0) / 100}
    return axis


# --- heat map over two options ---------------------------------------------------------------------------------------


def _heat_map(comparison: Comparison) -> Figure | None:
    primary = comparison.primary
    keys = _two_widest(comparison)
    if primary is None or primary.better is None or keys is None:
        return None
    facets: dict[Values, list[tuple[Section, Group]]] = {}
    rest = [key for key in (*comparison.factors.given, *comparison.factors.choices) if key not in keys]
    for section in comparison.sections:
        for group in section.groups:
            if primary.name in group.summaries:
                facet = tuple(_setting(group, key) for key in rest)
                facets.setdefault(facet, []).append((section, group))
    variants = [
        Variant(
            comparison.factors.label(dict(zip(rest, facet, strict=True))) if rest else "",
            [_heat(comparison, cells, keys, primary)],
            {
                "xaxis": {"title": {"text": comparison.factors.short[keys[0]]}, "type": "category"},
                "yaxis": {
                    "title": {"text": comparison.factors.short[keys[1]]},
                    "type": "category",
                    "autorange": "reversed",
                },
            },
        )
        for facet, cells in list(facets.items())[:_MOST_VARIANTS]
        if all(len({_setting(group, key) for _, group in cells}) > 1 for key in keys)
    ]
    short = [comparison.factors.short[key] for key in keys]
    where = (
        " of the same " + " and ".join(comparison.factors.short[k] for k in comparison.factors.given)
        if comparison.factors.given
        else ""
    )
    note = f"Medians; the darker, the nearer to the best{where}."
    return Figure("heat", f"{primary.name} over {short[1]} and {short[0]}", note, variants)


def _two_widest(comparison: Comparison) -> tuple[str, str] | None:
    """The two varying keys with the most values, the wider one first; choices before what was given."""
    factors = comparison.factors
    keys = [key for key in (*factors.choices, *factors.given) if len(factors.values[key]) > 1]
    if len(keys) < 2:
        return None
    pool = list(factors.choices) if len(factors.choices) >= 2 else keys
    first, second = sorted(pool, key=lambda key: -len(factors.values[key]))[:2]
    return first, second


def _heat(
    comparison: Comparison, cells: Sequence[tuple[Section, Group]], keys: tuple[str, str], metric: Metric
) -> Trace:
    across = [
        value for value in comparison.factors.values[keys[0]] if any(_setting(g, keys[0]) == value for _, g in cells)
    ]
    down = [
        value for value in comparison.factors.values[keys[1]] if any(_setting(g, keys[1]) == value for _, g in cells)
    ]
    at = {(_setting(group, keys[0]), _setting(group, keys[1])): (section, group) for section, group in cells}
    distance = [[_distance_at(at.get((x, y)), metric) for x in across] for y in down]
    texts = [[_text_at(at.get((x, y)), metric) for x in across] for y in down]
    full = [[_text_at(at.get((x, y)), metric, plain=False) for x in across] for y in down]
    return {
        "type": "heatmap",
        "x": [text_of(value) for value in across],
        "y": [text_of(value) for value in down],
        "z": distance,
        "text": texts,
        "customdata": full,
        "texttemplate": "%{text}" if len(across) * len(down) <= 150 else "",
        "hovertemplate": "%{x}, %{y}<br>%{customdata}<extra></extra>",
        "colorscale": "Cividis",
        "zmin": 0,
        "zmax": reach([each for row in distance for each in row if each is not None]),
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }


def _setting(group: Group, key: str) -> Any:
    return group.settings.get(key, group.given.get(key))


def _distance_at(cell: tuple[Section, Group] | None, metric: Metric) -> float | None:
    if cell is None:
        return None
    section, group = cell
    best = min(
        (each.summaries[metric.name].estimate.median for each in section.groups if metric.name in each.summaries),
        key=lambda value: value * metric.sign,
    )
    return _finite(distance(group.summaries[metric.name].estimate.median, best, metric))


def distance(value: float, best: float, metric: Metric) -> float:
    """How far a value is from the best: a difference; orders of magnitude, for what is compared by ratios."""
    if metric.by_ratio and value > 0 and best >= 0:
        return math.log10(value / max(best, 1e-17)) if best < value else 0.0
    return abs(value - best)


def reach(distances: Sequence[float]) -> float:
    """How far a scale should reach, so that a few bad values do not make all good ones look the same."""
    ordered = sorted(each for each in distances if each > 0)
    return min(ordered[-1], 3 * ordered[2 * len(ordered) // 5]) if ordered else 1.0


def _text_at(cell: tuple[Section, Group] | None, metric: Metric, plain: bool = True) -> str:
    if cell is None:
        return ""
    return summary_text(cell[1].summaries[metric.name], metric, plain=plain)


# --- a metric over a numeric option ----------------------------------------------------------------------------------


def _by_option(comparison: Comparison, styles: Styles) -> Figure | None:
    key = _numeric_option(comparison)
    if key is None:
        return None
    metrics = [*comparison.metrics[:1], *(metric for metric in comparison.metrics[1:] if metric.name == TIME)]
    rest = [each for each in comparison.factors.given if each != key]
    groups = [group for section in comparison.sections for group in section.groups]
    variants = []
    for metric in metrics:
        for given in dict.fromkeys(tuple(group.given[each] for each in rest) for group in groups):
            members = [
                g for g in groups if tuple(g.given[each] for each in rest) == given and metric.name in g.summaries
            ]
            traces = _option_lines(comparison, members, key, metric)
            if traces:
                xs = [x for trace in traces for x in trace["x"]]
                is_log = min(xs) > 0 and max(xs) >= 50 * min(xs)
                xaxis = {
                    "title": {"text": comparison.factors.short[key]},
                    **({"type": "log", "dtick": 1} if is_log else {}),
                }
                medians = {y for trace in traces for y in trace["y"]}
                name = " · ".join(
                    [metric.name, *([comparison.factors.label(dict(zip(rest, given, strict=True)))] if rest else [])]
                )
                variants.append(Variant(name, traces, {"xaxis": xaxis, "yaxis": _axis(metric, medians)}))
    short = comparison.factors.short[key]
    return Figure("option", f"By {short}", "Medians, with their intervals.", variants[:_MOST_VARIANTS])


def _numeric_option(comparison: Comparison) -> str | None:
    """The varying key with the most numbers."""
    counts = {
        key: sum(isinstance(value, int | float) for value in comparison.factors.values[key])
        for key in (*comparison.factors.choices, *comparison.factors.given)
    }
    widest = max(counts, key=lambda key: counts[key], default=None)
    return widest if widest is not None and counts[widest] >= _FEWEST_FOR_LINE else None


def _option_lines(comparison: Comparison, groups: Sequence[Group], key: str, metric: Metric) -> list[Trace]:
    lines: dict[Values, list[Group]] = {}
    others = [each for each in comparison.factors.choices if each != key]
    for group in groups:
        if isinstance(_setting(group, key), int | float):
            lines.setdefault(tuple(group.settings[each] for each in others), []).append(group)
    traces = []
    for index, (values, members) in enumerate(lines.items()):
        ordered = sorted(members, key=lambda group: _setting(group, key))
        found = [group.summaries[metric.name].estimate for group in ordered]
        if len(found) < 2 or not all(math.isfinite(each.median) for each in found):
            continue
        color = PALETTE[index] if index < len(PALETTE) else OTHERS
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": comparison.factors.label(dict(zip(others, values, strict=True))),
                "x": [_setting(group, key) for group in ordered],
                "y": [each.median for each in found],
                "text": [summary_text(group.summaries[metric.name], metric) for group in ordered],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_finite(each.high - each.median) or 0 for each in found],
                    "arrayminus": [_finite(each.median - each.low) or 0 for each in found],
                    "thickness": 1.2,
                },
                "line": {"color": color},
                "marker": {"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8},
                "hovertemplate": "%{x}: %{text}",
            }
        )
    return traces


# --- all -------------------------------------------------------------------------------------------------------------


def _variant_name(comparison: Comparison, section: Section, name: str) -> str:
    return " · ".join([name, *([comparison.factors.label(section.given)] if section.given else [])])


def _finite(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
