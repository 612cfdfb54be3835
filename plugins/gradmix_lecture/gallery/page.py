"""The page of a topic: heading, text, formula, picture, command and numbers in one self-contained file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix_lecture import TOPICS
from gradmix_lecture.gallery.drawing import data_address, formula_svg, in_style, svg_of

if TYPE_CHECKING:
    from jinja2 import Template

    from gradmix_lecture.topic import Table, Topic

NAVIGATION = "<!-- navigation -->"
"""Placeholder in a page, which the gallery replaces by its links."""
_MOST_ROWS = 60
"""Maximum number of rows in the page's table."""


@dataclass(frozen=True)
class Description:
    """The heading and text of a topic, from its docstring.

    Parameters
    ----------
    heading
        The first line.
    text
        The paragraphs before the first section.
    """

    heading: str
    text: Sequence[str]

    @classmethod
    def of(cls, topic: type[Topic]) -> Description:
        """Read the docstring."""
        heading, *paragraphs = inspect.cleandoc(topic.__doc__ or topic.__name__).split("\n\n")
        sections = [i for i, each in enumerate(paragraphs) if "\n---" in each]
        shown = paragraphs[: sections[0]] if sections else paragraphs
        return cls(heading.strip().rstrip("."), [" ".join(each.split()) for each in shown])


@dataclass(frozen=True)
class Number:
    """A number that the page quotes: its value, its unit and what it is."""

    value: str
    unit: str
    meaning: str


def write_picture(path: Path, topic: Topic, table: Table) -> None:
    """Draw the topic's picture, in the format of the path's suffix."""
    with in_style():
        figure = topic.plot(table)
        if path.suffix == ".svg":
            path.write_bytes(svg_of(figure))
        else:
            figure.savefig(path, dpi=150)


def write_page(path: Path, topic: Topic, table: Table, metrics: Mapping[str, float]) -> None:
    """Write the page."""
    description = Description.of(type(topic))
    with in_style():
        picture = data_address(svg_of(topic.plot(table)))
        frames = [{"label": label, "image": data_address(svg_of(figure))} for label, figure in topic.frames(table)]
    html = template("page.html").render(
        description=description,
        formula=data_address(formula_svg(topic.formula)),
        formula_text=topic.formula,
        name=name_of(topic),
        picture=picture,
        frames=frames,
        counted=topic.counted,
        numbers=_numbers(topic, metrics),
        columns=table.names(),
        rows=[[_shown(row.get(name)) for name in table.names()] for row in table.rows[:_MOST_ROWS]],
        n_rows=len(table),
        texts=topic.texts(),
        navigation=NAVIGATION,
        style=file_of_gallery("page.css"),
        script=file_of_gallery("page.js"),
    )
    path.write_text(html, encoding="utf-8")


def name_of(topic: Topic) -> str:
    """Return the topic's name in a config, or the name of its class if another plugin offers the topic."""
    place = f"{type(topic).__module__}:{type(topic).__name__}"
    return next((name for name, its in TOPICS.items() if its == place), type(topic).__name__)


def _numbers(topic: Topic, metrics: Mapping[str, float]) -> Sequence[Number]:
    return [
        Number(_shown(metrics[each.name]), each.unit, each.meaning or each.name)
        for each in topic.metrics()
        if each.name in metrics
    ]


def _shown(value: float | None) -> str:
    """Format a number: integers without decimals, others with six digits, with a true minus sign."""
    if value is None:
        return ""
    text = f"{value:.0f}" if value == round(value) and abs(value) < 1e7 else f"{value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")


@cache
def file_of_gallery(name: str) -> str:
    """Return the content of a file in the folder of this module."""
    return files("gradmix_lecture.gallery").joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """Return the template of a page."""
    from jinja2 import Environment, StrictUndefined

    environment: Any = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made: Template = environment.from_string(file_of_gallery(name))
    return made
