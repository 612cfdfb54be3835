"""A program and the programs that compute its derivative."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import gradmix
from gradmix import ConfigError, Meaning, group_color
from gradmix_lecture.gallery.drawing import WIDTH, new_board
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics import programs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MODES = ("forward", "reverse")
_COLUMNS = (0.25, 3.0, 6.45)
"""Left edges of the columns, in inches: the program, forward, reverse."""
_TOP, _BOTTOM = 4.55, 0.2
_ORIGIN = re.compile(r"\s*# (\d+): ")
_NOT_SHOWN = re.compile(r": Any| -> Any")
_IN_SIGHT = re.compile(r"(^def |^    )")


@dataclass(frozen=True)
class Line:
    """A line of code, and the number of the original line from which it comes, or None."""

    text: str
    origin: int | None


@dataclass
class SourceTransformation(Topic):
    """Source transformation reads a program and writes another one, which computes the derivative as well.

    The forward program has, after each line, the line that computes its tangent. The reverse program first runs all
    lines, then goes through them backwards with adjoints; it keeps values of loops on a stack for the way back. Colour
    and number show from which original line a line comes. The result is plain code, for a reader or a compiler.

    Parameters
    ----------
    program
        Name of the program.
    x
        Point at which the derivatives of both are compared: two numbers; ``heron`` takes only the first one.
    """

    formula: ClassVar[str] = r"""
        \mathtt{w3 = x1 * x2} \quad\longmapsto\quad \mathtt{dw3 = dx1 * x2 + x1 * dx2}
    """

    program: Literal["lecture", "heron", "bend"] = "lecture"
    x: tuple[float, float] = (2.0, 3.0)

    def check(self) -> None:
        """Check that the program ends at this point."""
        super().check()
        if self.program == "heron" and not 0 < self.x[0] < 1e3:
            raise ConfigError("topic.x[0] must be above 0 and below 1000 for the program heron, a square root.")
        if self.program == "bend" and not self.x[1]:
            raise ConfigError("topic.x[1] must not be 0 for the program bend, which divides by it.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield each line of each program, 0 for the original, with its number and its origin's; then derivatives."""
        for number, lines in enumerate(self._programs().values()):
            for place, line in enumerate(lines, start=1):
                origin = {} if line.origin is None else {"origin": float(line.origin)}
                yield {"program": float(number), "line": float(place), **origin}
        function, arguments, by = self._call()
        for number, mode in enumerate(_MODES, start=1):
            gradient = gradmix.differentiator("source", mode=mode).gradient(function, *arguments, argnums=by)
            entries = {f"derivative.x{place}": float(each) for place, each in enumerate(gradient, start=1)}
            yield {"program": float(number), **entries}

    def _call(self) -> tuple[Any, tuple[float, ...], tuple[int, ...]]:
        """Return the program's function, its arguments, and their positions."""
        function = getattr(programs, self.program)
        count = len(inspect.signature(function).parameters)
        return function, self.x[:count], tuple(range(count))

    def _codes(self) -> Mapping[str, str]:
        function, arguments, by = self._call()
        differentiators = {mode: gradmix.differentiator("source", mode=mode) for mode in _MODES}
        return {mode: made.code(function, *arguments, argnums=by) for mode, made in differentiators.items()}

    def _programs(self) -> Mapping[str, Sequence[Line]]:
        """Return the original and the programs derived from it; the original's lines are counted from 1."""
        text, first = inspect.getsourcelines(self._call()[0])
        shown = [line for line in text if '"""' not in line]
        number = {first + place: shown.index(line) + 1 for place, line in enumerate(text) if '"""' not in line}
        original = [
            Line(re.sub(r"  # noqa.*|: Any| -> Any", "", line.rstrip()), at) for at, line in enumerate(shown, 1)
        ]
        return {"original": original, **{mode: _lines(code, number) for mode, code in self._codes().items()}}

    def texts(self) -> Mapping[str, str]:
        """Return the programs, each as a file."""
        original = "\n".join(line.text for line in self._programs()["original"])
        return {"program.py": f"import numpy as np\n\n\n{original}\n"} | {
            f"{mode}.py": code for mode, code in self._codes().items()
        }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: how long the programs are, and whether they agree."""
        return (
            Meaning("lines.original", None, "lines", "length of the program"),
            Meaning("lines.forward", "lower", "lines", "length of its forward derivative"),
            Meaning("lines.reverse", "lower", "lines", "length of its reverse derivative"),
            Meaning("disagreement", "lower", "", "largest difference between the two derivatives, a rounding error"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the lengths, and the largest difference."""
        counts = {
            f"lines.{name}": float(len(table.having("line").where("program", float(number))))
            for number, name in enumerate(("original", *_MODES))
        }
        by = table.names("derivative.")
        forward, reverse = (table.having(f"derivative.{by[0]}").where("program", each).rows[0] for each in (1.0, 2.0))
        return {**counts, "disagreement": max(abs(forward[f"derivative.{x}"] - reverse[f"derivative.{x}"]) for x in by)}

    def plot(self, table: Table) -> Figure:
        """Draw the three programs side by side, the forward one aligned with the original."""
        figure, axes = new_board()
        shown = list(self._programs().values())
        origins = [table.having("line").where("program", float(number)).rows for number in range(len(shown))]
        forward = [row.get("origin") for row in origins[1]]
        aligned = [forward.index(row["origin"]) if row["origin"] in forward else None for row in origins[0]]
        places = [_filled(aligned, len(forward)), list(range(len(forward))), list(range(len(shown[2])))]
        space = min(0.33, (_TOP - _BOTTOM) / (max(max(each) for each in places) + 1))
        size = min(11.0, space * 72 * 0.66, _most_that_fits(shown))
        axes.plot([_COLUMNS[1] - 0.22] * 2, [_BOTTOM, 5.1], color="0.85", linewidth=1)
        axes.plot([_COLUMNS[2] - 0.22] * 2, [_BOTTOM, 5.1], color="0.85", linewidth=1)
        for number, (lines, heading) in enumerate(zip(shown, _HEADINGS, strict=True)):
            axes.text(_COLUMNS[number], 4.95, heading, fontsize=12.5, weight="bold", va="center")
            for line, row, place in zip(lines, origins[number], places[number], strict=True):
                y = _TOP - space * (place + 0.5)
                _draw_line(axes, _COLUMNS[number], y, line.text, row.get("origin"), (space, size, _width(number)))
        return figure


_HEADINGS = ("program", "forward: with tangents", "reverse: with adjoints")


def _width(column: int) -> float:
    return (*_COLUMNS, WIDTH)[column + 1] - _COLUMNS[column] - 0.3


def _most_that_fits(shown: Sequence[Sequence[Line]]) -> float:
    """Return the font size at which the longest line fits into its column."""
    widths = [_width(number) / max(len(line.text) + 3 for line in lines) for number, lines in enumerate(shown)]
    return 72 * min(widths) / 0.61


def _filled(places: Sequence[int | None], n: int) -> list[int]:
    """Return places for all original lines; one without a place follows its predecessor, the last is last."""
    found: list[int] = []
    for place in places:
        found.append(max(place if place is not None else 0, found[-1] + 1 if found else 0))
    found[-1] = max(found[-1], n - 1)
    return found


def _lines(code: str, number: Mapping[int, int]) -> list[Line]:
    """Return the lines of the function that `source` has written, with their origins from its comments."""
    lines: list[Line] = []
    origin: int | None = None
    for text in code.splitlines():
        if found := _ORIGIN.match(text):
            origin = number[int(found[1])]
        elif _IN_SIGHT.match(text):
            is_own = text.startswith(("def ", "    return "))
            own = 1 if text.startswith("def ") else max(number.values())
            lines.append(Line(text, own if is_own else origin))
    return lines


def _draw_line(
    axes: Axes, x: float, y: float, text: str, origin: float | None, look: tuple[float, float, float]
) -> None:
    """Draw a line of code, with its origin's number in the margin and a bar in the origin's colour."""
    space, size, width = look
    if origin is not None:
        color = group_color(int(origin) - 1)
        axes.fill_between([x - 0.04, x + width], y - space / 2, y + space / 2, color=color, alpha=0.16, linewidth=0)
        axes.text(x, y, f"{origin:.0f}", fontsize=0.8 * size, color=color, va="center", weight="bold")
    axes.text(x + 0.2, y, text.replace("$", r"\$"), fontsize=size, family="DejaVu Sans Mono", va="center")
