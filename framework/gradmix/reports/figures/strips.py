"""The ranking as a picture: medians with their intervals, the best on top, a panel for each section."""

from __future__ import annotations

import math
import textwrap

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gradmix.contracts.meaning import Meaning
from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.drawing import STYLE, placed, set_scales
from gradmix.reports.figures.figure import Axis, axis
from gradmix.reports.figures.looks import Styles
from gradmix.reports.grouping import Group, Section
from gradmix.reports.intervals import Estimate

_MOST_BARS, _MOST_PANELS = 15, 4

Bar = tuple[Group, Estimate]


def draw_strips(comparison: Comparison) -> Figure | None:
    """Draw the best groups of the first sections, ready to be saved; return None if no group has a number."""
    primary = comparison.primary
    if primary is None:
        return None
    panels = [(section, bars) for section in comparison.sections if (bars := _bars(section, primary.name))]
    panels = panels[:_MOST_PANELS]
    if not panels:
        return None
    styles, label = Styles(comparison), comparison.factors.label
    heights = [0.75 + sum(0.1 + 0.14 * len(_wrapped(label(group.settings))) for group, _ in bars) for _, bars in panels]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.5, 0.3 + sum(heights)), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (section, bars) in zip(rows, panels, strict=True):
            _draw_panel(axes, bars, primary, styles)
            given = f"{label(section.given)}: " if section.given else ""
            axes.set_title(given + _kind(bars), parse_math=False)
        ways = f", {primary.better} is better" if primary.better else ""
        rows[-1].set_xlabel(rows[-1].get_xlabel() + ways, parse_math=False)
        for axes in rows[:-1]:
            axes.set_xlabel("")
    return figure


def _draw_panel(axes: Axes, bars: list[Bar], primary: Meaning, styles: Styles) -> None:
    values = [end for _, found in bars for end in (found.low, found.median, found.high) if math.isfinite(end)]
    across = axis(primary, set(values))
    for row, (group, found) in enumerate(bars):
        look = styles.look(group)
        if math.isfinite(found.low) and math.isfinite(found.high):
            axes.plot(placed([found.low, found.high], across), [row, row], color=look.color, linewidth=2.5, alpha=0.5)
        axes.plot(
            placed([found.median], across), [row], look.marker, color=look.color, markersize=5.5, markeredgewidth=0
        )
        axes.annotate(
            f"n = {found.n}", (1.01, row), xycoords=("axes fraction", "data"), va="center", color="0.35", fontsize=8
        )
    axes.set_yticks(range(len(bars)), ["\n".join(_wrapped(styles.label(group))) for group, _ in bars], parse_math=False)
    set_scales(axes, across, Axis(""), values, [])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlabel(across.title, parse_math=False)
    axes.grid(visible=False, axis="y")


def _wrapped(label: str) -> list[str]:
    """Wrap a label to at most two lines, to leave room for the dots."""
    return textwrap.wrap(label, 36, max_lines=2, placeholder="…")


def _kind(bars: list[Bar]) -> str:
    if any(found.has_interval for _, found in bars):
        return "medians with 95 % intervals"
    has_range = any(found.low < found.high for _, found in bars)
    return "medians with smallest and largest values" if has_range else "medians"


def _bars(section: Section, metric: str) -> list[Bar]:
    """Return the groups whose median is a number, the best first."""
    measured = [(group, group.summaries.get(metric)) for group in section.groups]
    return [(group, found) for group, found in measured if found and math.isfinite(found.median)][:_MOST_BARS]
