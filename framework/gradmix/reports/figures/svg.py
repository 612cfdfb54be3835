"""A view as an SVG image within a page, with the data that a script needs for tooltips."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

from gradmix.reports.figures.drawing import SIZE, draw, placed
from gradmix.reports.figures.figure import Axis, Grid, View

_MOST_HELD = 600
"""Largest number of points with tooltips; of more, only every second, third, … point has one."""
_OF_NO_USE = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_SHORTER = {
    r"'DejaVu Sans', [^;\"]*sans-serif": "var(--font)",
    r' transform="rotate\(-0 [^"]*"': "",
    r"\s*\n\s*": " ",
    r"> <": "><",
    r' id="[^"]*\.axis_\d"| id="(?:[xy]tick|line2d|text|patch|axes|figure)_\d+"': "",
}
"""Long patterns in Matplotlib's SVG, and their shorter replacements."""
_PLACES = re.compile(r' (?:d|x|y)="[^"]*"')
_TOO_FINE = re.compile(r"(?<=\.\d\d)\d+")
"""Digits of coordinates beyond a hundredth of a point."""
_IDENTIFIER = re.compile(r'(\bid="|href="#|url\(#)')
_NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_HEAD = re.compile(r"<svg .*?>", re.DOTALL)


def drawn(view: View, prefix: str) -> tuple[str, Mapping[str, Any]]:
    """Return the image, with a prefix before all identifiers, and its points as plain values for JSON."""
    figure = draw(view)
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=150)
    text = _OF_NO_USE.sub("", stream.getvalue())
    for pattern, shorter in _SHORTER.items():
        text = re.sub(pattern, shorter, text)
    text = _PLACES.sub(lambda found: _TOO_FINE.sub("", found[0]), text)
    text = _IDENTIFIER.sub(rf"\g<1>{prefix}", text)
    width, height = (72 * inches for inches in SIZE)
    head = f'<svg {_NAMES} viewBox="0 0 {width:g} {height:g}" role="img">'
    axes = figure.axes[0]
    left, bottom, right, top = (72 * SIZE[i % 2] * end for i, end in enumerate(axes.get_position().extents))
    return _HEAD.sub(head, text, count=1), {
        "x": _places(view.x, axes.get_xlim(), left, right),
        "y": _places(view.y, axes.get_ylim(), height - bottom, height - top),
        "series": _points(view),
        "within": sorted(axes.get_ylim()),
        "entries": [[i for i, each in enumerate(view.series) if entry in each.entries] for entry in view.entries],
        "prefix": prefix,
    }


def _places(axis: Axis, ends: Sequence[float], start: float, end: float) -> Mapping[str, Any]:
    """Return `start` and `slope` of the linear map from values, or their logarithms, to coordinates in the image."""
    low, high = (math.log10(value) if axis.is_log else value for value in ends)
    slope = (end - start) / (high - low)
    return {"log": axis.is_log, "slope": slope, "start": start - slope * low}


def _points(view: View) -> Sequence[Mapping[str, Any]]:
    if view.grid is not None:
        return [_cells(view.grid)]
    step = math.ceil(sum(len(each.x) for each in view.series) / _MOST_HELD)
    found = []
    for each in view.series:
        chosen = range(len(each.x) - 1, -1, -step) if len(each.texts) == 1 else range(len(each.x))
        xs, ys = placed(each.x, view.x), placed(each.y, view.y)
        found.append({"x": [_short(xs[i]) for i in chosen], "y": [_short(ys[i]) for i in chosen], "texts": each.texts})
    return found


def _cells(grid: Grid) -> Mapping[str, Any]:
    places = [(i, j) for j in range(len(grid.down)) for i in range(len(grid.across)) if grid.texts[j][i]]
    return {
        "x": [i + 0.5 for i, _ in places],
        "y": [j + 0.5 for _, j in places],
        "texts": [f"{grid.across[i]}, {grid.down[j]}: {grid.texts[j][i]}" for i, j in places],
    }


def _short(value: float) -> float:
    return float(f"{value:.7g}")
