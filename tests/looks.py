"""What is wrong with a picture: what a person would see, measured in the drawing."""

from itertools import combinations

import numpy as np
from matplotlib.text import Text

_TOLERANCE = 1.5
"""Pixels by which texts may touch or reach over the edge."""


def faults(figure):
    """Each fault of a figure, in words."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    texts = [(text.get_text(), text.get_window_extent(renderer)) for text in _shown_texts(figure)]
    found = [
        f"nothing in the axes titled {axes.get_title(loc='left')!r}" for axes in figure.axes if not axes.has_data()
    ]
    found += [f"{text!r} reaches over the edge" for text, box in texts if not _within(box, figure.bbox)]
    found += [f"{one!r} covers {other!r}" for (one, a), (other, b) in combinations(texts, 2) if _covers(a, b)]
    return found + [fault for axes in figure.axes for fault in _faults_of_series(axes)]


def _shown_texts(figure):
    """Every text that is drawn; of ticks those in sight."""
    ticks = {}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            scaled = axis.get_transform().transform
            low, high = sorted(scaled(axis.get_view_interval()))
            margin = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                in_sight = low - margin <= scaled(tick.get_loc()) <= high + margin
                for label in (tick.label1, tick.label2):
                    ticks[label] = in_sight and axes.axison and axes.get_visible()
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and ticks.get(text, True) and _axes_shown(text):
            yield text


def _axes_shown(text):
    axes = text.axes
    return axes is None or (axes.get_visible() and (axes.axison or text not in (axes.xaxis.label, axes.yaxis.label)))


def _within(box, outer):
    return (
        box.x0 >= outer.x0 - _TOLERANCE
        and box.y0 >= outer.y0 - _TOLERANCE
        and box.x1 <= outer.x1 + _TOLERANCE
        and box.y1 <= outer.y1 + _TOLERANCE
    )


def _covers(a, b):
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return width > _TOLERANCE and height > _TOLERANCE


def _faults_of_series(axes):
    """Lines that say nothing, and labelled ones that no legend has."""
    legends = [legend for legend in (axes.get_legend(), *axes.figure.legends) if legend]
    named = {text.get_text() for legend in legends for text in legend.get_texts()}
    for line in axes.get_lines():
        label = str(line.get_label())
        x, y = (np.asarray(values, dtype=float) for values in (line.get_xdata(), line.get_ydata()))
        if not (len(x) and np.isfinite(x).any() and np.isfinite(y).any()):
            yield f"the line {label!r} has no points"
        elif label and not label.startswith("_") and label not in named:
            yield f"the line {label!r} is in no legend"
