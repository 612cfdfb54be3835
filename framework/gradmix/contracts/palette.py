"""Colors and style of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.rows import Matrix

GROUP_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
"""Okabe & Ito's palette, which color-blind readers can distinguish; gray replaces its yellow, which is hard to see."""

PICTURE_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": True,
    "axes.grid": True,
    "axes.labelcolor": "0.15",
    "axes.linewidth": 0.8,
    "axes.prop_cycle": f"cycler('color', {list(GROUP_COLORS)})",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": 100,
    "font.size": 10.5,
    "grid.color": "0.92",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "patch.linewidth": 0.8,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "gradmix",
    "xtick.color": "0.3",
    "ytick.color": "0.3",
}
"""The style of all pictures, for Matplotlib's `rc_context`."""


_NOISE_COLOR = "#A8AEB5"
_MOST_ROWS = 1000
"""About as many rows are used to find the principal component that orders the groups."""


def group_color(group: int) -> str:
    """Return the color of a group by its number; gray for noise, -1. It is the same in all pictures.

    >>> group_color(0), group_color(8), group_color(-1)
    ('#0072B2', '#0072B2', '#A8AEB5')
    """
    return GROUP_COLORS[int(group) % len(GROUP_COLORS)] if group >= 0 else _NOISE_COLOR


def group_colors(X: Matrix, groups: NDArray[np.intp]) -> Mapping[int, str]:
    """Return the color of each group by its position in the data, so that two fits color the same group alike.

    Parameters
    ----------
    X
        Data, shape (n, d).
    groups
        The group of each row, shape (n,); negative numbers are noise, which is gray.

    Returns
    -------
    Mapping
        Group → color, the groups in the order of their means along the leading principal component of the data.

    Examples
    --------
    >>> X = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> group_colors(X, np.array([0, 0, 1, 1]))[0] == group_colors(X, np.array([1, 1, 0, 0]))[1]
    True
    """
    some = X[:: max(1, len(X) // _MOST_ROWS)] - X.mean(axis=0)
    direction = np.linalg.svd(some, full_matrices=False)[2][0]
    along = (X @ direction) * np.sign(direction[np.argmax(np.abs(direction))])
    means = {int(group): float(along[groups == group].mean()) for group in np.unique(groups)}
    ordered = sorted((group for group in means if group >= 0), key=lambda group: means[group])
    return {group: group_color(place) for place, group in enumerate(ordered)} | {
        group: _NOISE_COLOR for group in means if group < 0
    }
