"""The picture of a fit: the objective by iteration, and the groups in the plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from gradmix import PICTURE_STYLE, Clusterer, Data, Meaning, group_color
from gradmix.arrays import Array, IntArray

_MOST_ROWS = 5000
"""Rows that are drawn, at most; of more, some at random."""
_MOST_STRETCH = 4.0
"""Axes have one scale unless one feature spreads so many times as far as the other: circles look like circles."""


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
        Where to.
    objective
        What the clusterer improves.
    curves
        Start → its values by iteration.
    best_start
        The start that counts.
    model, groups, data, clusterer
        The answer of the task.
    """
    has_plane = data.X.shape[1] > 1
    width = 10.4 if has_plane else 5.6
    with matplotlib.rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(width, 4.2))
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2 if has_plane else 1, squeeze=False)[0]
        # Fixed margins, in inches: a layout that measures every text costs as much as the drawing itself.
        figure.subplots_adjust(left=1.05 / width, right=1 - 0.15 / width, bottom=0.14, top=0.91, wspace=0.22)
        _draw_curves(axes[0], objective, curves, best_start)
        if has_plane:
            _draw_plane(axes[1], model, groups, data)
        figure.savefig(path)


def _draw_curves(axes: Axes, objective: Meaning, curves: Mapping[int, Sequence[float]], best_start: int) -> None:
    for start, curve in curves.items():
        if start != best_start:
            axes.plot(range(1, len(curve) + 1), curve, color="0.8", linewidth=0.8, zorder=1)
    curve = curves[best_start]
    n, name, unit = len(curve), objective.name.replace("_", "-"), objective.unit
    axes.plot(range(1, n + 1), curve, color=group_color(0), marker="." if n > 1 else "o", linewidth=1.4, zorder=2)
    axes.set_xlabel("iteration")
    axes.set_ylabel(f"{name} ({unit})" if unit else name)
    reached = f"{name} {curve[-1]:.6g} {unit}".rstrip().replace(" -", " \N{MINUS SIGN}")
    starts = f", best of {len(curves)} starts" if len(curves) > 1 else ""
    axes.set_title(f"{reached} after {n} iteration{'s' if n > 1 else ''}{starts}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(len(curve) for curve in curves.values()) + 0.5)
    axes.ticklabel_format(axis="y", useOffset=False)


@dataclass(frozen=True)
class _Plane:
    """The plane that is drawn: the features themselves if they are two, else the two leading principal components."""

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
        shares = [f"principal component {i} ({variances[-i] / variances.sum():.0%} of the variance)" for i in (1, 2)]
        return cls(data.X.mean(axis=0), directions[:, :-3:-1], (shares[0], shares[1]))

    def project(self, points: Array) -> Array:
        return (points - self.origin) @ self.directions

    def project_covariance(self, covariance: Array) -> Array:
        return self.directions.T @ covariance @ self.directions


def _draw_plane(axes: Axes, model: Any, groups: IntArray, data: Data) -> None:
    plane = _Plane.of(data)
    n = len(data.X)
    shown = np.arange(n) if n <= _MOST_ROWS else np.random.default_rng(0).choice(n, _MOST_ROWS, replace=False)
    points, groups = plane.project(data.X[shown]), groups[shown]
    for group in np.unique(groups):
        own = points[groups == group]
        axes.scatter(own[:, 0], own[:, 1], s=14, color=group_color(group), alpha=0.65, linewidths=0)
    centers = getattr(model, "means", getattr(model, "centers", None))
    matrices = getattr(model, "matrices", None)
    for group, center in enumerate(() if centers is None else plane.project(centers)):
        axes.plot(*center, marker="x", color="black", markersize=8, markeredgewidth=2)
        if matrices is not None:
            covariance = plane.project_covariance(matrices[group])
            for deviations in (1, 2):
                axes.add_patch(_ellipse(center, covariance, deviations, group_color(group)))
    axes.set_xlabel(plane.names[0])
    axes.set_ylabel(plane.names[1])
    axes.set_title(_title(centers, matrices, n))
    spread = np.ptp(points, axis=0)
    if spread.max() <= _MOST_STRETCH * spread.min():
        axes.set_aspect("equal", adjustable="datalim")


def _title(centers: Array | None, matrices: Array | None, n: int) -> str:
    marks = ", 1σ and 2σ ellipses" if matrices is not None else " and centers" if centers is not None else ""
    return f"groups{marks}" + (f" ({_MOST_ROWS:,} of {n:,} rows)" if n > _MOST_ROWS else "")


def _ellipse(center: Array, covariance: Array, deviations: float, color: str) -> Ellipse:
    variances, directions = np.linalg.eigh(covariance)
    small, large = 2 * deviations * np.sqrt(np.maximum(variances, 0.0))
    angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
    return Ellipse((center[0], center[1]), large, small, angle=float(angle), fill=False, color=color, linewidth=1.4)
