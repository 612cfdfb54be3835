"""Drawing rows and Gaussians in the plane: blended colours, ellipses, contours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Data, group_color
from gradmix_lecture.topics.mixtures import names_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradmix.arrays import Array

_MOST_STRETCH = 4.0
"""Maximum ratio of the columns' spreads for which both axes have the same scale."""

_SHADES = 12
"""Number of levels of red, green and blue in blended colours: few levels make smaller files."""

MARKERS = "os^Dv*pX"
"""Markers of the means, so that components can be distinguished without colours."""


def blended(responsibilities: Array) -> Array:
    """Return the colour of each row, shape (n, 3): the components' colours, mixed by responsibilities."""
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(group_color(k)) for k in range(responsibilities.shape[1])])
    mixed: Array = np.clip(responsibilities @ colors, 0.0, 1.0)
    return mixed


def draw_rows(axes: Axes, X: Array, colors: Any, size: float = 3.6) -> None:
    """Draw rows as dots, in one colour, or in a colour for each row, shape (n, 3).

    Dots of nearly the same colour are a single path of extremely short strokes with round ends: the file is half as
    large as with markers, and a quarter as large as with a scatter plot.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    shades = np.round(np.broadcast_to(np.atleast_2d(_rgb(colors)), (len(X), 3)) * _SHADES) / _SHADES
    ends = X + (X.max(axis=0) - X.min(axis=0)) * 1e-5
    strokes = np.stack([X, ends], axis=1)
    for shade in np.unique(shades, axis=0):
        own = strokes[(shades == shade).all(axis=1)].reshape(-1, 2)
        path = Path(own, [Path.MOVETO, Path.LINETO] * (len(own) // 2))
        path.should_simplify = False
        axes.add_patch(PathPatch(path, edgecolor=shade, linewidth=size, capstyle="round", fill=False, alpha=0.8))
    axes.update_datalim(X)
    axes.autoscale_view()


def _rgb(colors: Any) -> Array:
    from matplotlib.colors import to_rgb

    return np.array(to_rgb(colors) if isinstance(colors, str) else colors, dtype=float)


def draw_gaussians(axes: Axes, mixture: Any, colors: Sequence[str] | None = None, style: str = "-") -> None:
    """Draw each component's mean and its ellipses of one and two standard deviations."""
    for k, (mean, matrix) in enumerate(zip(mixture.means, mixture.matrices, strict=True)):
        color = group_color(k) if colors is None else colors[k]
        for deviations, width in ((1, 1.8), (2, 1.0)):
            outline = mean + deviations * _circle(matrix)
            axes.plot(outline[:, 0], outline[:, 1], style, color=color, linewidth=width)
        axes.plot(*mean, MARKERS[k % len(MARKERS)], color=color, markeredgecolor="white", markersize=7)


def _circle(matrix: Array) -> Array:
    """Return the closed ellipse of one standard deviation around 0, shape (73, 2)."""
    turn = np.linspace(0, 2 * np.pi, 73)
    variances, directions = np.linalg.eigh(matrix)
    outline: Array = np.column_stack([np.cos(turn), np.sin(turn)]) * np.sqrt(variances) @ directions.T
    return outline


def name_axes(axes: Axes, data: Data) -> None:
    """Name the axes after the columns."""
    across, up = names_of(data)
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def limits(X: Array, margin: float = 0.12) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return ranges of both axes that show all rows, with a margin relative to their spread."""
    low, high = X.min(axis=0), X.max(axis=0)
    edge = margin * (high - low)
    (left, bottom), (right, top) = (low - edge).tolist(), (high + edge).tolist()
    return (left, right), (bottom, top)


def scale_alike(axes: Axes, X: Array) -> None:
    """Show all rows, with the same scale on both axes unless the columns' spreads are too different."""
    across, up = limits(X)
    axes.set(xlim=across, ylim=up)
    spread = np.ptp(X, axis=0)
    if spread.max() <= _MOST_STRETCH * spread.min():
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_autoscale_on(True)  # the range may grow to fill the panel, without a warning


def grid(across: tuple[float, float], up: tuple[float, float], n: int = 90) -> tuple[Array, Array, Array]:
    """Return a grid in a rectangle: both coordinates, shape (n, n), and all points, shape (n², 2)."""
    xs, ys = np.meshgrid(np.linspace(*across, n), np.linspace(*up, n))
    return xs, ys, np.column_stack([xs.ravel(), ys.ravel()])
