"""The picture of a solution: error and residual by iteration, on a logarithmic scale, or steps in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradmix import PICTURE_STYLE, FinishedRun, group_color

_WIDTH, _HEIGHT = 5.6, 4.2
_MARKED = 60
"""Most points of a curve whose points are marked."""


def draw_convergence(path: Path, run: FinishedRun) -> None:
    """Draw error and residual by iteration. Where the convergence is quadratic, the curve of the error bends down.

    Parameters
    ----------
    path
        Path of the picture.
    run
        The run.
    """
    with _picture(path, run) as axes:
        for color, name in enumerate(("error", "residual")):
            _curve(axes, run.curves(name).get(run.best_start, ()), name, color)


def draw_steps(path: Path, run: FinishedRun) -> None:
    """Draw the steps in time by iteration.

    Parameters
    ----------
    path, run
        As for `draw_convergence`.
    """
    with _picture(path, run) as axes:
        for color, name in enumerate(("t", "time_step")):
            _curve(axes, run.curves(name).get(run.best_start, ()), name.replace("_", " "), color)


@contextmanager
def _picture(path: Path, run: FinishedRun) -> Iterator[Axes]:
    """Yield axes to draw in; afterwards add their title, and save the picture."""
    with matplotlib.rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        # Fixed margins, in inches: an automatic layout measures every text and takes as long as the drawing itself.
        figure.subplots_adjust(left=0.8 / _WIDTH, right=1 - 0.3 / _WIDTH, bottom=0.14, top=0.87)
        yield axes
        _finish(axes, run)
        figure.savefig(path)


def _curve(axes: Axes, values: Sequence[float], name: str, color: int) -> None:
    """Draw one curve; zeros, which have no logarithm, are triangles at the lower edge."""
    iterations, heights = np.arange(1, len(values) + 1), np.abs(np.array(values, dtype=float))
    above = heights > 0
    if not above.any():
        return
    marker = "." if len(values) <= _MARKED else None
    axes.semilogy(iterations[above], heights[above], color=group_color(color), marker=marker, linewidth=1.4, label=name)
    if not above.all():
        edge = axes.get_xaxis_transform()
        axes.plot(iterations[~above], np.zeros(np.sum(~above)) + 0.02, "v", color=group_color(color), transform=edge)


def _finish(axes: Axes, run: FinishedRun) -> None:
    n = int(run.metrics.get("n_iter", len(run.iterations)))
    end = "converged" if run.metrics.get("converged") else "did not converge"
    reached = [f"{name} {run.metrics[name]:.3g}" for name in ("error", "residual") if name in run.metrics]
    axes.set_title("\n".join([f"{end} after {n} iteration{'s' if n != 1 else ''}", ", ".join(reached)]).strip())
    axes.set_xlabel("iteration")
    axes.set_xlim(0.5, max((np.max(line.get_xdata()) for line in axes.lines), default=1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if axes.get_legend_handles_labels()[1]:
        axes.legend()
    else:
        axes.text(0.5, 0.5, "exact after the first iteration", ha="center", transform=axes.transAxes)
