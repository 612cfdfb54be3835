"""The terminal itself: a console that outlives its reader, tables of two columns, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


_WIDTH_IN_A_PIPE = 120


def make_console(stderr: bool = False) -> Console:
    """A console on standard output; a reader that goes away, as `| head` does, ends the output and not the run."""
    from rich.console import Console

    class PatientConsole(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_IN_A_PIPE
    return PatientConsole(stderr=stderr, markup=False, width=width)  # metric=[silhouette] is no markup


def print_table(console: Console, rows: Mapping[str, str]) -> None:
    """Print names and values, a row each."""
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=18)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def say(prefix: str, message: str) -> None:
    """One message for the person, on standard error."""
    from rich.text import Text

    style = "yellow" if prefix == "warning" else "red"
    make_console(stderr=True).print(Text(f"{prefix}: ", style=style) + Text(message), highlight=False, soft_wrap=True)
