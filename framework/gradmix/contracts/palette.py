"""Colors and style of pictures."""

from __future__ import annotations

from typing import Any

GROUP_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
"""Okabe & Ito's palette, which color-blind readers can tell apart, with gray for its yellow, which is hard to see."""

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
"""How all pictures look, for Matplotlib's `rc_context`."""


def group_color(group: int) -> str:
    """The color of a group, the same in all pictures that use this function.

    >>> group_color(0), group_color(8)
    ('#0072B2', '#0072B2')
    """
    return GROUP_COLORS[int(group) % len(GROUP_COLORS)]
