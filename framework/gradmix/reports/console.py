"""The terminal: a console that shows foreign text literally, tables of two columns, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from gradmix.contracts.terminal import visible

_WIDTH_IN_A_PIPE = 120

_LINES_PER_SECOND = 8
"""How often a live line is drawn again."""


class _LiteralConsole(Console):
    """A console that shows control characters instead of sending them to the terminal."""

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text), style)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_console(stderr: bool = False) -> Console:
    """Return a console on standard output, or standard error.

    The console prints text literally: markup (``metric=[silhouette]``), emoji codes and control characters have no
    effect. If the reader of a pipe stops reading, as ``| head`` does, the output ends, but not the run.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_IN_A_PIPE
    return _LiteralConsole(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)


def live_line(console: Console, line: Callable[[], Text], vanishes: bool = False) -> Live | None:
    """Start to show a line, below all other output and always up to date; None if the console cannot redraw a line.

    The last line stays when it is stopped, unless it `vanishes`.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    live = Live(console=console, refresh_per_second=_LINES_PER_SECOND, get_renderable=line, transient=vanishes)
    live.start()
    return live


def print_table(console: Console, rows: Mapping[str, str]) -> None:
    """Print names and values, one row for each."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=18)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def say(prefix: str, message: str) -> None:
    """Print one message on standard error."""
    style = "yellow" if prefix == "warning" else "red"
    make_console(stderr=True).print(Text(f"{prefix}: ", style=style) + Text(message), soft_wrap=True)
