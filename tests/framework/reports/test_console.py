import io

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gradmix.reports import console

EVIL = "\x1b]0;taken\x07\x1b[31m\x9b2J\u202etxt"


@pytest.fixture
def terminal(monkeypatch):
    """A console that behaves as on a terminal with colours, writing to a string."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = console.make_console()
    made.file, made.width = io.StringIO(), 200
    return made


@pytest.mark.parametrize("renderable", [EVIL, Text(EVIL), Text("x", style="red") + Text(EVIL)])
def test_control_characters_are_shown_and_not_sent(terminal, renderable):
    terminal.print(renderable, highlight=False)
    assert r"\x1b]0;taken" in terminal.file.getvalue()
    for sign in ("\x1b]", "\x07", "\x9b", "\u202e"):
        assert sign not in terminal.file.getvalue()


def test_tables_and_live_lines_show_them_too(terminal):
    table = Table(EVIL)
    table.add_row(EVIL)
    with Live(console=terminal, auto_refresh=False) as live:
        live.update(table, refresh=True)
    written = terminal.file.getvalue()
    assert written.count(r"\x1b]0") >= 2
    assert "\x1b]" not in written
    assert "\x9b" not in written


def test_styles_of_ours_still_reach_the_terminal(terminal):
    terminal.print(Text("text", style="red"))
    assert terminal.file.getvalue().startswith("\x1b[31mtext")


@pytest.mark.parametrize("text", ["[red]x[/red]", "metric=[silhouette]", ":bug:", "[link=http://x]y[/link]"])
def test_neither_markup_nor_emoji_codes_have_an_effect(terminal, text):
    terminal.print(text, highlight=False)
    table = Table.grid()
    table.add_row(text)
    terminal.print(table)
    assert terminal.file.getvalue().count(text) == 2
