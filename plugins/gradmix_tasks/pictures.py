"""The picture of a fit: the objective by iteration, and the groups in a plane or along a single feature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Patch
from matplotlib.ticker import MaxNLocator

from gradmix import PICTURE_STYLE, Clusterer, Data, Meaning, group_colors
from gradmix.arrays import Array, IntArray

_MOST_ROWS = 5000
"""Most rows that are drawn; of more rows, a random sample is drawn."""
_MOST_NAMED = 8
"""Most groups that are named beside the picture; further groups repeat colors."""
_LEGEND = 1.1
"""Width of these names, in inches."""
_LEAST_MARGIN = 0.95
"""Least distance of a panel from what is to its left, in inches."""
_MOST_STRETCH = 4.0
"""Largest ratio of the features' spreads at which both axes have the same scale, so that circles look like circles."""


def draw_fit(
    path: Path,
    objective: Meaning,
    curves: Mapping[int, Sequence[float]],
    best_start: int,
    model: Any,
    groups: IntArray,
    data: Data,
    clusterer: Clusterer[Any],
) -> None:
    """Draw one PNG.

    Parameters
    ----------
    path
        Path of the picture.
    objective
        Objective of the clusterer.
    curves
        Start → its values of the objective by iteration.
    best_start
        Number of the best start.
    model, groups, data, clusterer
        The answer of the task.
    """
    has_curve = max(map(len, curves.values())) > 1
    colors = group_colors(data.X, groups)
    has_legend = 1 < len(colors) <= _MOST_NAMED
    width = (10.4 if has_curve else 5.6) + (_LEGEND if has_legend else 0.0)
    with matplotlib.rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(width, 4.2))
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 2 if has_curve else 1, squeeze=False)[0]
        reached = _reached(objective, curves, best_start)
        if has_curve:
            _draw_curves(panels[0], objective, curves, best_start)
            panels[0].set_title(reached)
        draw = _draw_plane if data.X.shape[1] > 1 else _draw_histogram
        shown = draw(panels[-1], model, groups, data, colors)
        panels[-1].set_title(shown if has_curve else f"{reached}; {shown}")
        if has_legend:
            _name_groups(panels[-1], groups, colors)
        _place(panels, width - 0.15 - (_LEGEND if has_legend else 0.0), width)
        figure.savefig(path)


def _place(panels: Sequence[Axes], right: float, width: float) -> None:
    """Arrange panels of equal width up to `right`, in inches, with room for the numbers on their vertical axes.

    An automatic layout would measure every text, which takes as long as the drawing itself.
    """
    margins = []
    for axes in panels:
        numbers = axes.yaxis.get_major_formatter().format_ticks(axes.yaxis.get_majorticklocs().tolist())
        longest = max(len(number) for number in map(_written, numbers))
        margins.append(max(_LEAST_MARGIN, 0.42 + 0.095 * longest))
    each = (right - sum(margins)) / len(panels)
    for place, axes in enumerate(panels):
        left = sum(margins[: place + 1]) + place * each
        axes.set_position((left / width, 0.14, each / width, 0.73))


def _written(number: str) -> str:
    """Return the signs of a number that matplotlib writes as a formula."""
    return re.sub(r"[${}]|\\\w+", "", number)


def _reached(objective: Meaning, curves: Mapping[int, Sequence[float]], best_start: int) -> str:
    curve = curves[best_start]
    value = f"{objective.name.replace('_', '-')} {curve[-1]:.6g} {objective.unit}".rstrip()
    starts = f", best of {len(curves)} starts" if len(curves) > 1 else ""
    after = f"after {len(curve)} iteration{'s' if len(curve) > 1 else ''}"
    return value.replace(" -", " \N{MINUS SIGN}") + f"\n{after}{starts}"


def _draw_curves(axes: Axes, objective: Meaning, curves: Mapping[int, Sequence[float]], best_start: int) -> None:
    for start, curve in curves.items():
        if start != best_start:
            axes.plot(range(1, len(curve) + 1), curve, color="0.75", linewidth=0.8, zorder=1)
    curve = curves[best_start]
    axes.plot(range(1, len(curve) + 1), curve, color="0.15", marker=".", linewidth=1.4, zorder=2)
    axes.set_xlabel("iteration")
    name = objective.name.replace("_", "-")
    axes.set_ylabel(f"{name} ({objective.unit})" if objective.unit else name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(len(curve) for curve in curves.values()) + 0.5)
    axes.ticklabel_format(axis="y", useOffset=False)


def _name_groups(axes: Axes, groups: IntArray, colors: Mapping[int, str]) -> None:
    """Write the number of rows of each group beside the axes, in the order of the colors."""
    names = {
        group: f"{'noise' if group < 0 else f'group {group}'}\n{np.sum(groups == group):,} rows" for group in colors
    }
    handles = [Patch(color=color, label=names[group], linewidth=0) for group, color in colors.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=0.8, labelspacing=0.7)


@dataclass(frozen=True)
class _Plane:
    """The plane that is drawn: the features if there are two, else the two leading principal components."""

    origin: Array
    directions: Array
    names: tuple[str, str]

    @classmethod
    def of(cls, data: Data) -> _Plane:
        n_features = data.X.shape[1]
        if n_features == 2:
            first, second = data.feature_names or ("x₁", "x₂")
            return cls(np.zeros(2), np.eye(2), (first, second))
        variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(data.X, rowvar=False)))
        leading = directions[:, :-3:-1]
        leading = leading * np.sign(leading[np.argmax(np.abs(leading), axis=0), [0, 1]])  # a definite sign
        total = variances.sum()
        names = [f"principal component {i} ({100 * variances[-i] / total:.0f} % of variance)" for i in (1, 2)]
        return cls(data.X.mean(axis=0), leading, (names[0], names[1]))

    def project(self, points: Array) -> Array:
        return (points - self.origin) @ self.directions

    def project_covariance(self, covariance: Array) -> Array:
        return self.directions.T @ covariance @ self.directions


def _draw_plane(axes: Axes, model: Any, groups: IntArray, data: Data, colors: Mapping[int, str]) -> str:
    """Draw the rows in the plane, with centers and ellipses; return a description of the picture."""
    plane = _Plane.of(data)
    n = len(data.X)
    shown = np.arange(n) if n <= _MOST_ROWS else np.random.default_rng(0).choice(n, _MOST_ROWS, replace=False)
    points, groups = plane.project(data.X[shown]), groups[shown]
    for group, color in colors.items():
        own = points[groups == group]
        axes.scatter(own[:, 0], own[:, 1], s=14, color=color, alpha=0.65, linewidths=0)
    centers = getattr(model, "means", getattr(model, "centers", None))
    matrices = getattr(model, "matrices", None)
    for group, center in enumerate(() if centers is None else plane.project(centers)):
        axes.plot(*center, marker="x", color="black", markersize=8, markeredgewidth=2)
        if matrices is not None:
            covariance = plane.project_covariance(matrices[group])
            for deviations in (1, 2):
                axes.add_patch(_ellipse(center, covariance, deviations, colors.get(group, "black")))
    axes.set_xlabel(plane.names[0])
    axes.set_ylabel(plane.names[1])
    spread = np.ptp(points, axis=0)
    if spread.max() <= _MOST_STRETCH * spread.min():
        axes.set_aspect("equal", adjustable="datalim")
    return _title(centers, matrices, n)


def _draw_histogram(axes: Axes, model: Any, groups: IntArray, data: Data, colors: Mapping[int, str]) -> str:
    """Draw a histogram of a single feature by group, and the density of a mixture; return a description."""
    values = data.X[:, 0]
    edges = np.histogram_bin_edges(values, bins=min(60, max(10, int(2 * np.sqrt(len(values))))))
    axes.hist(
        [values[groups == group] for group in colors],
        edges.tolist(),
        stacked=True,
        color=[*colors.values()],
        alpha=0.65,
    )
    parts: tuple[Any, ...] = tuple(getattr(model, name, None) for name in ("means", "weights", "matrices"))
    has_density = all(part is not None for part in parts)
    if has_density:
        means, weights, matrices = parts
        x = np.linspace(edges[0], edges[-1], 400)[:, None]
        deviations = np.sqrt(matrices[:, 0, 0])
        densities = np.exp(-0.5 * ((x - means[:, 0]) / deviations) ** 2) / (deviations * np.sqrt(2 * np.pi))
        axes.plot(x[:, 0], densities @ weights * len(values) * (edges[1] - edges[0]), color="black", linewidth=1.4)
    axes.set_xlabel((data.feature_names or ("x",))[0])
    axes.set_ylabel("rows")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return "groups and the density of the mixture" if has_density else "groups"


def _title(centers: Array | None, matrices: Array | None, n: int) -> str:
    marks = ", 1σ and 2σ ellipses" if matrices is not None else " and centers" if centers is not None else ""
    return f"groups{marks}" + (f" ({_MOST_ROWS:,} of {n:,} rows)" if n > _MOST_ROWS else "")


def _ellipse(center: Array, covariance: Array, deviations: float, color: str) -> Ellipse:
    variances, directions = np.linalg.eigh(covariance)
    small, large = 2 * deviations * np.sqrt(np.maximum(variances, 0.0))
    angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
    return Ellipse((center[0], center[1]), large, small, angle=float(angle), fill=False, color=color, linewidth=1.4)
