"""Draw views of figures with Matplotlib, for pages, papers and screens."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis as DrawnAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    EngFormatter,
    FixedLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullLocator,
    ScalarFormatter,
)

from gradmix.contracts.palette import PICTURE_STYLE
from gradmix.reports.figures.figure import Axis, Grid, View
from gradmix.reports.figures.looks import Entry

SIZE = (6.5, 3.9)
"""Inches: the width of a column of text on A4 or letter paper."""
STYLE = {
    **PICTURE_STYLE,
    "font.size": 9.0,
    "legend.fontsize": 8.5,
    "axes.titlesize": 9.5,
    "axes.formatter.use_mathtext": False,
}

_SHADES = LinearSegmentedColormap.from_list("shades", ["#16212e", "#5d6b7a", "#b4bdc7", "#f1f3f6"])
"""Shades from the best to the worst: grey, as hues represent groups."""
_MARGIN = 0.04
"""Free room at the ends of an axis, as a share of its length."""
_CROWDED = 40
"""From this many lines on, lines are thin."""
_MOST_POINTS = 20_000
"""Up to this many points, lines are vector graphics; above it, an image."""
_GRID = (4.2, 2.9)
"""Approximate size of the cells of a heat map in inches."""
_LEGIBLE = 5.5
"""Smallest font size in points."""
_LONG_LABEL = 24
"""Up to this many letters of the longest label, the legend is beside the axes."""
_MOST_LETTERS = 60
"""Number of letters of column names that fit side by side."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw(view: View, title: str = "") -> Figure:
    """Draw a view, ready to be saved as SVG, PDF or PNG."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        if view.grid is not None:
            _draw_grid(axes, view.grid)
        else:
            _draw_series(axes, view)
            xs, ys = [x for each in view.series for x in each.x], [y for each in view.series for y in each.y]
            set_scales(axes, view.x, view.y, xs, ys)
            if view.y.within is not None:
                low, high = view.y.within
                axes.set_ylim(low - _MARGIN * (high - low), high + _MARGIN * (high - low))
            _draw_legend(figure, view)
        axes.set_xlabel(view.x.title, parse_math=False)
        axes.set_ylabel(view.y.title, parse_math=False)
        if title:
            axes.set_title(title, parse_math=False)
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
            figure.set_layout_engine(None)  # keep the layout: do not compute it again when saving
    return figure


def placed(values: Sequence[float], axis: Axis) -> Sequence[float]:
    """Return values as they are drawn: a logarithmic axis has a place for zeros."""
    return values if axis.zero is None else [max(value, axis.zero) for value in values]


def _draw_series(axes: Axes, view: View) -> None:
    n_points = sum(len(each.x) for each in view.series)
    is_crowded = sum(each.joined for each in view.series) > _CROWDED
    for index, each in enumerate(view.series):
        xs, ys = placed(each.x, view.x), placed(each.y, view.y)
        common: dict[str, Any] = {"color": each.look.color, "alpha": 0.6 if is_crowded else 0.9}
        axes.plot(
            xs,
            ys,
            **common,
            gid=f"series-{index}-points",
            linestyle=each.look.dashes if each.joined else "none",
            linewidth=0.8 if is_crowded else 1.4,
            marker=each.look.marker if each.marks != "none" else "none",
            markevery=[-1] if each.marks == "last" else None,
            markersize=4 if each.joined else 5.5,
            markeredgewidth=0,
            rasterized=n_points > _MOST_POINTS,
            zorder=2 if each.joined else 3,
        )
        for x, (low, high) in zip(xs, each.spans, strict=False):
            if low < high:
                axes.plot([x, x], placed([low, high], view.y), **common, gid=f"series-{index}-interval", linewidth=1.4)


def set_scales(axes: Axes, x: Axis, y: Axis, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Set scales and ticks of both axes to fit their values; no ticks on an axis without values."""
    axes.margins(_MARGIN)
    if xs:
        axes.set_xscale("log" if x.is_log else "linear")
        _set_axis(axes.xaxis, x, xs)
    if ys:
        axes.set_yscale("log" if y.is_log else "linear")
        _set_axis(axes.yaxis, y, ys)


def _set_axis(drawn: DrawnAxis, axis: Axis, values: Sequence[float]) -> None:
    """Set the ticks: integers, SI prefixes, powers of ten, and a zero on a logarithmic axis with zeros."""
    if axis.is_log:
        positive = [value for value in values if value > 0]
        decades = math.log10(max(positive) / min(positive))
        locator: Locator = LogLocator(subs=(1.0,) if decades > 2 else (1.0, 2.0, 5.0), numticks=8)
        if axis.zero is not None:
            found = locator.tick_values(min(positive), max(positive))
            locator = FixedLocator([axis.zero, *(value for value in found if value > 5 * axis.zero)])
        drawn.set_major_locator(locator)
        drawn.set_minor_locator(NullLocator())
    else:
        drawn.set_major_locator(MaxNLocator(nbins=7, integer=axis.whole, steps=[1, 2, 5, 10], min_n_ticks=1))
    if axis.unit:
        drawn.set_major_formatter(EngFormatter(unit=axis.unit))
    elif axis.is_log:
        drawn.set_major_formatter(FuncFormatter(partial(_log_text, zero=axis.zero)))
    else:
        formatter = ScalarFormatter(useOffset=False)
        formatter.set_powerlimits((-4, 6))
        drawn.set_major_formatter(formatter)


def _log_text(value: float, position: int | None, zero: float | None) -> str:
    """Return the text of a tick of a logarithmic axis.

    >>> _log_text(1e-16, None, None), _log_text(20.0, None, None), _log_text(1e-18, None, 1e-18)
    ('10⁻¹⁶', '20', '0')
    """
    if value == zero:
        return "0"
    power = math.floor(math.log10(value) + 1e-9)
    if -3 <= power <= 4:
        return f"{value:g}"
    factor = round(value / 10.0**power)
    return ("" if factor == 1 else f"{factor}·") + "10" + str(power).translate(_SUPERSCRIPTS)


def _draw_legend(figure: Figure, view: View) -> None:
    entries = view.entries
    if not entries:
        return
    joined = any(each.joined for each in view.series)
    # with several channels, markers and lines represent the other choices
    colors_alone = len({entry.channel for entry in entries}) > 1
    handles = [_handle(entry, joined, colors_alone) for entry in entries]
    longest = max(len(entry.text) for entry in entries)
    if longest <= _LONG_LABEL:
        legend = figure.legend(handles=handles, loc="outside right upper", handlelength=1.8)
    else:
        columns = max(1, 96 // (min(longest, 90) + 8))
        legend = figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=1.8)
    for index, (text, handle) in enumerate(zip(legend.get_texts(), legend.get_lines(), strict=True)):
        text.set_parse_math(False)
        text.set_gid(f"entry-{index}-text")
        handle.set_gid(f"entry-{index}-sign")


def _handle(entry: Entry, joined: bool, colors_alone: bool) -> Line2D:
    """Return the handle of a legend entry: a line, a marker, or a bar if the entry shows only a colour."""
    look, is_bar = entry.look, colors_alone and entry.channel == "color"
    has_line = is_bar or (joined and entry.channel != "marker")
    return Line2D(
        [],
        [],
        label=textwrap.shorten(entry.text, 90, placeholder="…"),
        color=look.color,
        marker="none" if is_bar or entry.channel == "dashes" else look.marker,
        linestyle=look.dashes if has_line else "none",
        linewidth=4 if is_bar else 1.4,
        solid_capstyle="butt",
        markeredgewidth=0,
        markersize=5.5,
    )


def _number_size(grid: Grid) -> float:
    """Return the font size at which numbers fit into their cells; 0 if that is not legible."""
    longest = max((len(text) for texts in grid.numbers for text in texts), default=1)
    width, height = 72 * _GRID[0] / len(grid.across), 72 * _GRID[1] / len(grid.down)
    size = min(8.0, width / (0.75 * longest), height / 1.6)
    return size if size >= _LEGIBLE else 0.0


def _draw_grid(axes: Axes, grid: Grid) -> None:
    shades = np.array([[math.nan if shade is None else shade for shade in row] for row in grid.shades])
    mesh = axes.pcolormesh(shades, cmap=_SHADES, vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    axes.set_yticks(np.arange(len(grid.down)) + 0.5, grid.down, parse_math=False)
    rotation = 0 if sum(map(len, grid.across)) < _MOST_LETTERS else 30
    axes.set_xticks(np.arange(len(grid.across)) + 0.5, grid.across, parse_math=False, rotation=rotation)
    if rotation:
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    size = _number_size(grid)
    for row, texts in enumerate(grid.numbers if size else ()):
        for column, text in enumerate(texts):
            shade = shades[row, column]
            color = "white" if shade < 0.5 else "black"
            weight = "bold" if shade == 0 else "normal"
            axes.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", color=color, weight=weight, fontsize=size
            )
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, pad=0.02)
    bar.set_label(grid.label, labelpad=8, parse_math=False)
    bar.set_ticks([place for place, _ in grid.ticks], labels=[text for _, text in grid.ticks])
    bar.ax.invert_yaxis()
    bar.outline.set_visible(False)
