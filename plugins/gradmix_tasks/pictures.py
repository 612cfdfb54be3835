"""The picture of a fit: the objective by iteration and, for two features, the groups with their ellipses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from gradmix import Data, Iteration
from gradmix.arrays import Array

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe & Ito's palette, which colour-blind readers can tell apart."""


def draw_fit(path: Path, metric: str, curves: Sequence[Sequence[float]], best: Iteration[Any], data: Data) -> None:
    """Draw one PNG.

    Parameters
    ----------
    path
        Where to.
    metric
        Name of the objective.
    curves
        Its values by iteration, one curve a start.
    best
        Last iteration of the best start.
    data
        What was clustered.
    """
    has_plane = data.X.shape[1] == 2
    width = 10.4 if has_plane else 5.6
    figure = Figure(figsize=(width, 4.2), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if has_plane else 1, squeeze=False)[0]
    # Fixed margins, in inches: a layout that measures every text costs as much as the drawing itself.
    figure.subplots_adjust(left=0.95 / width, right=1 - 0.15 / width, bottom=0.14, top=0.91, wspace=0.22)
    _draw_curves(axes[0], metric, curves, best.start)
    if has_plane:
        _draw_plane(axes[1], best.estimate, data)
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def _draw_curves(axes: Axes, metric: str, curves: Sequence[Sequence[float]], best: int) -> None:
    for start, curve in enumerate(curves):
        if start != best:
            axes.plot(range(1, len(curve) + 1), curve, color="0.8", linewidth=0.8, zorder=1)
    curve = curves[best]
    axes.plot(range(1, len(curve) + 1), curve, color=COLOURS[0], marker=".", linewidth=1.4, zorder=2)
    axes.set_xlabel("iteration")
    axes.set_ylabel(metric.replace("_", "-") + (" (nats)" if metric == "log_likelihood" else ""))
    starts = f"best of {len(curves)} starts: " if len(curves) > 1 else ""
    axes.set_title(f"{starts}{curve[-1]:.4f} after {len(curve)} iterations", fontsize="medium")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", useOffset=False)


def _draw_plane(axes: Axes, model: Any, data: Data) -> None:
    groups = model.predict(data.X)
    for group in np.unique(groups):
        rows = data.X[groups == group]
        axes.scatter(rows[:, 0], rows[:, 1], s=14, color=_colour(group), alpha=0.65, linewidths=0)
    centers = getattr(model, "means", getattr(model, "centers", None))
    matrices = getattr(model, "matrices", None)
    for group, center in enumerate(centers if centers is not None else ()):
        axes.plot(*center, marker="x", color="black", markersize=8, markeredgewidth=2)
        if matrices is not None:
            for deviations in (1, 2):
                axes.add_patch(_ellipse(center, matrices[group], deviations, _colour(group)))
    first, second = data.feature_names or ("x₁", "x₂")
    axes.set_xlabel(first)
    axes.set_ylabel(second)
    axes.set_title(
        "groups" + (", with 1σ and 2σ ellipses" if matrices is not None else " and centers"), fontsize="medium"
    )


def _colour(group: int) -> str:
    return COLOURS[int(group) % len(COLOURS)]


def _ellipse(center: Array, covariance: Array, deviations: float, colour: str) -> Ellipse:
    variances, directions = np.linalg.eigh(covariance)
    small, large = 2 * deviations * np.sqrt(variances)
    angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
    return Ellipse((center[0], center[1]), large, small, angle=float(angle), fill=False, color=colour, linewidth=1.4)
