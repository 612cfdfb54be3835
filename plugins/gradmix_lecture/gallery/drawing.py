"""Figures in the project's style, and what becomes of them: files, and images within a page."""

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
"""Size of a picture, in inches: that of a slide."""
_LINE_GAP = 1.2
"""Between the lines of a formula, in tenths of an inch."""


@contextmanager
def in_style() -> Iterator[None]:
    """Within it, whatever Matplotlib draws has the project's style."""
    import matplotlib

    with matplotlib.rc_context(PICTURE_STYLE):
        yield


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> Figure:
    """An empty figure whose parts arrange themselves so that none covers another."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # without pyplot, which takes as long as all the rest

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_board() -> tuple[Figure, Axes]:
    """An empty figure to write and draw on anywhere: its axes cover all of it, are not seen, and count in inches."""
    figure = new_figure()
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    return figure, axes


def svg_of(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes for the same figure."""
    stream = BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def formula_svg(formula: str) -> bytes:
    """A formula of one or several lines, as SVG that fits it closely."""
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
    """A text with true minus signs before its numbers."""
    return re.sub(r"-(?=[\d.])", "\N{MINUS SIGN}", text)


def data_address(svg: bytes) -> str:
    """An image as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
