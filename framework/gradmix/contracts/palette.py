"""Colors of groups in pictures."""

from __future__ import annotations

GROUP_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
"""Okabe & Ito's palette, which color-blind readers can tell apart, with gray for its yellow, which is hard to see."""


def group_color(group: int) -> str:
    """The color of a group, the same in all pictures that use this function.

    >>> group_color(0), group_color(8)
    ('#0072B2', '#0072B2')
    """
    return GROUP_COLORS[int(group) % len(GROUP_COLORS)]
