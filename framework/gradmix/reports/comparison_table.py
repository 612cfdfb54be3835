"""A comparison in the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradmix.contracts.markdown import escaped
from gradmix.contracts.markdown import table as markdown_table
from gradmix.reports.comparison import Comparison
from gradmix.reports.console import make_console
from gradmix.reports.factors import text_of
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import EFFECT_COLUMNS, Ranking, effect_rows, effects_heading, ranking

MOST_ROWS = 20
"""Number of groups that the terminal shows; the page and the CSV file have all groups."""
_MOST_EFFECTS = 12
_NO_EDGE = 10_000
"""Width of a pipe, where tables need not fit."""
_STYLES = {"best": "bold green", "= best": "green", "≈ best": "green", "worse?": "dim"}
_UNDER_THE_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n")
"""A table with a line under its header and no other lines."""


def print_comparison(comparison: Comparison, title: str) -> None:
    """Print the comparison: a sentence, the ranked table, then one choice at a time."""
    console = make_console()
    if not console.is_terminal:
        console.width = _NO_EDGE

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style))

    def say_rest(n: int) -> None:
        if n > 0:
            say(f"… and {n} more; --html shows all", "dim")

    say(f"{title} · {counts(comparison)}", "bold")
    constants = comparison.factors.constants
    if constants:
        say("all with " + " · ".join(f"{key}={text_of(value)}" for key, value in constants.items()), "dim")
    first, *others = headline(comparison)
    console.print()
    say(first, "bold")
    for sentence in others:
        say(sentence)
    console.print()
    ranked, table = _fitting(comparison, console)
    console.print(table)
    say_rest(len(ranked.rows) - MOST_ROWS)
    say(ranked.legend, "dim")
    if comparison.effects:
        say(f"\n{effects_heading(comparison)}:", "bold")
        table = Table(box=None, padding=(0, 2, 0, 2), pad_edge=False, header_style="dim")
        for name in EFFECT_COLUMNS:
            table.add_column(name, overflow="fold")
        for row in effect_rows(comparison)[:_MOST_EFFECTS]:
            table.add_row(*map(Text, row))
        console.print(table)
        say_rest(len(comparison.effects) - _MOST_EFFECTS)


def _fitting(comparison: Comparison, console: Console) -> tuple[Ranking, Table]:
    """Return a table that fits: drop metrics first, then intervals; never cut a number."""
    rooms = [(n_metrics, n_metrics, 2) for n_metrics in range(len(comparison.metrics), 0, -1)]
    for n_metrics, n_full, gap in [*rooms, (1, 0, 2), (1, 0, 1)]:
        ranked = ranking(comparison, comparison.metrics[:n_metrics], n_full)
        table = Table(box=_UNDER_THE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
        for name, kind in ranked.columns:
            is_number = kind == "number"
            table.add_column(Text(name), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
        for row in ranked.rows[:MOST_ROWS]:
            table.add_row(*map(Text, row.cells), style=_STYLES.get(row.mark, ""))
        if console.measure(table).maximum < console.width:
            break
    return ranked, table


def markdown(comparison: Comparison, title: str) -> str:
    """Return the comparison as Markdown: sentences and tables."""
    ranked = ranking(comparison, comparison.metrics, len(comparison.metrics))
    parts = [f"# {escaped(title)}", f"{counts(comparison)}.", *map(escaped, headline(comparison))]
    parts += [_table([name for name, _ in ranked.columns], [row.cells for row in ranked.rows]), ranked.legend]
    if comparison.effects:
        parts += [f"## {effects_heading(comparison)}", _table(EFFECT_COLUMNS, effect_rows(comparison))]
    return "\n\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return markdown_table(columns, [[*map(escaped, row)] for row in rows])
