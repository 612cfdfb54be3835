"""A comparison as a table: in the terminal, as Markdown, and as CSV with a row for each run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gradmix.contracts.terminal import visible
from gradmix.journal.reading import Run
from gradmix.reports.cells import legend, mark, runs_text, summary_text, versus
from gradmix.reports.comparison import Comparison
from gradmix.reports.console import make_console
from gradmix.reports.factors import text_of
from gradmix.reports.grouping import Group, Section
from gradmix.reports.links import mlflow_link
from gradmix.reports.sentences import EFFECT_COLUMNS, counts, effect_rows, effects_heading, headline
from gradmix.reports.wording import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_ROWS = 20
"""Groups that the terminal shows; the page and the CSV file have all."""
_MOST_EFFECTS = 12
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that spreadsheets take for a formula."""
_NO_EDGE = 10_000
"""Width of a pipe: nothing there has to fit."""
_ARROWS = {"lower": "↓", "higher": "↑", None: ""}
"""Which way is better, beside a metric's name."""
_STYLES = {"best": "bold green", "= best": "green", "≈ best": "green", "worse": "", "worse?": "dim"}


def print_comparison(comparison: Comparison, title: str) -> None:
    """Print the answer: the sentence, the ranked table, then one choice at a time."""
    from rich.text import Text

    console = make_console()
    if not console.is_terminal:
        console.width = _NO_EDGE

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), highlight=False)

    say(f"{title} · {counts(comparison)}", "bold")
    if comparison.factors.constants:
        say(_constants(comparison), "dim")
    first, *others = headline(comparison)
    console.print()
    say(first, "bold")
    for sentence in others:
        say(sentence)
    console.print()
    table, room = _fitting(comparison, console)
    console.print(table)
    n_groups = sum(len(section.groups) for section in comparison.sections)
    if n_groups > MOST_ROWS:
        say(f"… and {n_groups - MOST_ROWS} more; --html shows all", "dim")
    say(legend(comparison, () if room.plain else comparison.metrics[: room.n_metrics]), "dim")
    if comparison.effects:
        say(f"\n{effects_heading(comparison)}:", "bold")
        console.print(_effects_table(comparison))
        if len(comparison.effects) > _MOST_EFFECTS:
            say(f"… and {len(comparison.effects) - _MOST_EFFECTS} more; --html shows all", "dim")


def _effects_table(comparison: Comparison) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 2), pad_edge=False, header_style="dim")
    for name in EFFECT_COLUMNS:
        table.add_column(name, overflow="fold")
    for row in effect_rows(comparison)[:_MOST_EFFECTS]:
        table.add_row(*map(Text, row))
    return table


def _constants(comparison: Comparison) -> str:
    """What is the same in all runs."""
    return "all with " + " · ".join(f"{key}={text_of(value)}" for key, value in comparison.factors.constants.items())


@dataclass(frozen=True)
class _Room:
    """How much a table shows."""

    n_metrics: int
    plain: bool = False
    gap: int = 2


def _fitting(comparison: Comparison, console: Console) -> tuple[Table, _Room]:
    """The table with as much as there is room for: fewer metrics first, then no intervals; no number is ever cut."""
    rooms = [_Room(n_metrics) for n_metrics in range(len(comparison.metrics), 0, -1)]
    rooms += [_Room(1, plain=True), _Room(1, plain=True, gap=1)]
    for room in rooms:
        table = _table(comparison, room)
        if console.measure(table).maximum < console.width:
            break
    return table, room


def _table(comparison: Comparison, room: _Room) -> Table:
    from rich.box import Box
    from rich.table import Table
    from rich.text import Text

    under_the_head = Box("    \n    \n -- \n    \n    \n    \n    \n    \n")
    table = Table(box=under_the_head, padding=(0, room.gap, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for name, is_number in _columns(comparison, room.n_metrics):
        table.add_column(Text(name), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    left = MOST_ROWS
    for section in comparison.sections:
        for rank, group in enumerate(section.groups[: max(left, 0)], start=1):
            cells = _cells(comparison, section, group, rank, room.n_metrics, room.plain)
            table.add_row(*map(Text, cells), style=_STYLES.get(mark(group, section.is_ranked), ""))
        left -= len(section.groups)
    return table


def _columns(comparison: Comparison, n_metrics: int) -> list[tuple[str, bool]]:
    """Names of the table's columns, and whether they hold numbers."""
    short, primary = comparison.factors.short, comparison.primary
    columns = [(short[key], False) for key in comparison.factors.given]
    columns += [("", True)] if comparison.is_ranked else []
    columns += [(short[key], False) for key in comparison.factors.choices]
    columns += [("runs", True)]
    columns += [(f"{primary.name} {_ARROWS[primary.better]}".strip(), True)] if primary else []
    columns += [("vs best", True), ("", False)] if comparison.is_ranked else []
    return columns + [(metric.name, True) for metric in comparison.metrics[1:n_metrics]]


def _cells(
    comparison: Comparison, section: Section, group: Group, rank: int, n_metrics: int, plain: bool = False
) -> list[str]:
    cells = [text_of(value) for value in group.given.values()]
    cells += [str(rank) if section.is_ranked else ""] if comparison.is_ranked else []
    cells += [text_of(value) for value in group.settings.values()]
    cells += [runs_text(group)]
    shown = comparison.metrics[:n_metrics]
    summaries = [summary_text(group.summaries.get(metric.name), metric, plain) for metric in shown]
    cells += summaries[:1]
    if comparison.is_ranked:
        cells += [versus(group.versus_best), mark(group, section.is_ranked)]
    return cells + summaries[1:]


def markdown(comparison: Comparison, title: str) -> str:
    """The answer as Markdown: sentences and table."""
    n_metrics = len(comparison.metrics)
    columns = [name or " " for name, _ in _columns(comparison, n_metrics)]
    rows = [
        _cells(comparison, section, group, rank, n_metrics)
        for section in comparison.sections
        for rank, group in enumerate(section.groups, start=1)
    ]
    lines = [
        f"# {_plain(title)}",
        "",
        f"{counts(comparison)}.",
        "",
        *(line for each in headline(comparison) for line in (_plain(each), "")),
    ]
    lines += [_row(columns), _row(["---"] * len(columns)), *map(_row, rows), ""]
    lines += [legend(comparison, comparison.metrics), ""]
    if comparison.effects:
        lines += [f"## {effects_heading(comparison)}", "", _row(EFFECT_COLUMNS), _row(["---"] * len(EFFECT_COLUMNS))]
        lines += map(_row, effect_rows(comparison))
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text that Markdown takes as it is."""
    for sign in ("\\", "|", "<", "*", "`"):
        text = text.replace(sign, "\\" + sign)
    return text.replace("\n", " ")


def write_csv(runs: Sequence[Run], file: IO[str]) -> None:
    """Write a row for each run: parameters, metrics, how it ended, where it is; numbers in full."""
    params = list(dict.fromkeys(key for run in runs for key in run.params))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    writer = csv.writer(file)

    def write(cells: Iterable[object]) -> None:
        writer.writerow(harmless(str(cell)) for cell in cells)

    write(["run", *params, *metrics, "status", "error", "reused", "folder", "mlflow"])
    for run in runs:
        write(
            [
                run.started.get("label", "" if run.number is None else f"job {run.number}"),
                *(_csv_text(run.params[key]) if key in run.params else "" for key in params),
                *(repr(run.metrics[name]) if name in run.metrics else "" for name in metrics),
                run.status,
                run.error,
                "true" if run.is_reused else "false",
                shown(run.folder),
                mlflow_link(run.folder) or "",
            ]
        )


def save_csv(runs: Sequence[Run], path: Path) -> None:
    """Write the CSV file of RFC 4180."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(runs, file)


def harmless(cell: str) -> str:
    r"""Return a CSV cell as text that a spreadsheet does not compute and a terminal does not obey; numbers stay.

    >>> harmless('=HYPERLINK("http://x")'), harmless("-1.5"), harmless("-x")
    ('\'=HYPERLINK("http://x")', '-1.5', "'-x")
    """
    text = visible(cell)
    return f"'{text}" if cell.startswith(_FORMULA_STARTS) and not _is_number(cell) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv_text(value: Any) -> str:
    return "" if value is None else text_of(value)
