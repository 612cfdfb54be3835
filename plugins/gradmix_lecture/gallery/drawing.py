"""Figures in the project's style, and their conversion to files and to images within a page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from gradmix import PICTURE_STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.6, 5.4
"""Size of a picture in inches, the same as a slide's."""
_LINE_GAP = 1.2
"""Distance between the lines of a formula, in tenths of an inch."""


@contextmanager
def in_style() -> Iterator[None]:
    """Draw everything within this context in the project's style."""
    import matplotlib

    with matplotlib.rc_context(PICTURE_STYLE):
        yield


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> Figure:
    """Return an empty figure with automatic layout, so that no part covers another."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # not pyplot, whose import takes as long as everything else together

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_board() -> tuple[Figure, Axes]:
    """Return an empty figure and invisible axes that cover all of it; coordinates are in inches."""
    figure = new_figure()
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    return figure, axes


def svg_of(figure: Figure) -> bytes:
    """Return the figure as SVG; the same figure always gives the same bytes."""
    stream = BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def formula_svg(formula: str) -> bytes:
    """Return a formula of one or several lines as SVG, tightly cropped."""
    import matplotlib

    with matplotlib.rc_context({**PICTURE_STYLE, "mathtext.fontset": "stix"}):
        figure = new_figure(0.1, 0.1)
        figure.set_layout_engine("none")
        below = 0.0
        for line in formula.strip().splitlines():
            text = figure.text(0.0, below, f"${line.strip()}$", fontsize=17, va="top")
            below -= text.get_window_extent().height / figure.bbox.height + _LINE_GAP
        stream = BytesIO()
        figure.savefig(
            stream, format="svg", bbox_inches="tight", pad_inches=0.04, metadata={"Date": None, "Creator": None}
        )
    return stream.getvalue()


def with_minus(text: str) -> str:
    """Replace hyphens before numbers by true minus signs."""
    return re.sub(r"-(?=[\d.])", "\N{MINUS SIGN}", text)


def data_address(svg: bytes) -> str:
    """Return a data URL that contains the image."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
