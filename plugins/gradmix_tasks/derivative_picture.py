"""The picture of a derivative: the error of each entry, and the cost in calls of the function."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from gradmix import PICTURE_STYLE, FinishedRun, group_color
from gradmix.arrays import Array

_WIDTH, _HEIGHT = 10.4, 3.6
_EXACT = 1e-18
"""Value at which errors of zero are drawn."""
_COSTS = {"function_evaluations": "function\nevaluations", "time.ratio_to_function": "time"}
"""Metric → label of its bar; costs are in calls of the function."""


def draw_derivative(path: Path, run: FinishedRun) -> None:
    """Draw the error and the cost of a derivative.

    Parameters
    ----------
    path
        Path of the picture.
    run
        The run; its answer has the derivative as ``computed`` and as ``exact``, which is None if unknown.
    """
    computed = np.ravel(np.asarray(run.answer["computed"], dtype=float))
    exact = run.answer["exact"]
    costs = {name: run.metrics[metric] for metric, name in _COSTS.items() if run.metrics.get(metric, 0.0) > 0}
    with matplotlib.rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        FigureCanvasAgg(figure)
        entries, bars = figure.subplots(1, 2, width_ratios=(3, 2))
        # Fixed margins, in inches: an automatic layout measures every text and takes as long as the drawing itself.
        figure.subplots_adjust(left=0.85 / _WIDTH, right=1 - 0.2 / _WIDTH, bottom=0.16, top=0.88, wspace=0.34)
        if exact is None:
            _draw_values(entries, computed)
        else:
            _draw_errors(
                entries, computed, np.ravel(np.asarray(exact, dtype=float)), run.metrics.get("estimated_error")
            )
        entries.set_xlabel("entry of the derivative")
        entries.set_xlim(0.5, len(computed) + 0.5)
        entries.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _draw_costs(bars, costs, np.size(np.asarray(run.answer["point"], dtype=float)))
        figure.savefig(path)


def _draw_errors(axes: Axes, computed: Array, exact: Array, estimated: float | None) -> None:
    """Draw the error of each entry on a logarithmic scale; exact entries are triangles at the lower edge."""
    errors = np.abs(computed - exact) / np.maximum(np.abs(exact), 1)
    numbers = np.arange(1, len(errors) + 1)
    is_exact, is_inexact = errors == 0, np.isfinite(errors) & (errors > 0)
    color, size = group_color(0), 5.0 if len(errors) <= 200 else 2.0
    axes.set_yscale("log")
    axes.plot(numbers[is_inexact], errors[is_inexact], "o", color=color, markersize=size, markeredgewidth=0)
    axes.plot(numbers[is_exact], np.full(is_exact.sum(), _EXACT), "v", color=color, markersize=size, markeredgewidth=0)
    epsilon, largest = float(np.finfo(float).eps), float(errors[is_inexact].max(initial=0.0))
    lines = {"precision of float64": epsilon}
    if estimated is not None and 0 < estimated < math.inf:
        lines["estimated by the differentiator"] = estimated
    for (name, height), dashes in zip(lines.items(), ("--", ":"), strict=False):
        axes.axhline(height, color="0.35", linestyle=dashes, linewidth=1, label=name)
    low, top = _EXACT / 3, max(largest, *lines.values())
    high = top * (top / low) ** 0.25  # room for the legend
    found = LogLocator(numticks=8).tick_values(low, high)
    powers = [tick for tick in found if np.log(tick / _EXACT) > 0.08 * np.log(high / low)]
    axes.set_yticks([_EXACT, *powers], ["exact", *(f"$10^{{{np.log10(power):.0f}}}$" for power in powers)])
    axes.set_ylim(low, high)
    axes.yaxis.set_minor_locator(NullLocator())
    n_lost = int(np.sum(~np.isfinite(errors)))
    reached = "exact" if largest == 0 and not n_lost else f"largest error {largest:.2g}"
    axes.set_title(reached + (f", {n_lost} entries not finite" if n_lost else ""))
    axes.set_ylabel("error, relative to max(|exact|, 1)")
    axes.legend(loc="upper right", ncols=2)


def _draw_values(axes: Axes, computed: Array) -> None:
    axes.plot(np.arange(1, len(computed) + 1), computed, "o", color=group_color(0), markeredgewidth=0)
    axes.set_title("the exact derivative is not known")
    axes.set_ylabel("entry, as computed")


def _draw_costs(axes: Axes, costs: dict[str, float], n: int) -> None:
    """Draw bars on a logarithmic scale, beside the n + 1 calls of forward differences."""
    axes.set_xscale("log")
    for row, value in enumerate(costs.values()):
        axes.barh(row, value - 0.5, left=0.5, height=0.5, color=group_color(0), alpha=0.8)
        axes.annotate(f" {float(f'{value:.3g}'):,g}", (max(value, 0.5), row), va="center")
    axes.axvline(
        n + 1, ymax=0.82, color="0.35", linestyle="--", linewidth=1, label=f"n + 1 = {n + 1:,}: forward differences"
    )
    axes.set_yticks(range(len(costs)), list(costs))
    axes.set_ylim(len(costs) - 0.4, -1.0)
    most = max(*costs.values(), n + 1, 1.0)
    axes.set_xlim(0.5, most * (most / 0.5) ** 0.4)  # room for the number beside the longest bar
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("calls of the function")
    axes.set_title("cost")
    axes.legend(loc="upper right")
