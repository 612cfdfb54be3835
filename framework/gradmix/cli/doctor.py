"""``gradmix plugins doctor``: every plugin examined in a process of its own, and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from gradmix.registry.distributions import overlooked
from gradmix.registry.examination import Examined, examine


def report(console: Console, as_json: bool) -> int:
    """Examine every plugin and print the result; returns the exit code: 1 if a plugin has a problem."""
    examined = examine()
    if as_json:
        fields = ("distribution", "version", "is_editable", "module")
        records = [
            {
                **{name: getattr(each.plugin, name) for name in fields},
                **asdict(each),
                "plugin": each.plugin.label,
                "is_sound": each.is_sound,
            }
            for each in examined
        ]
        print(json.dumps(records, indent=2))
    else:
        _show(console, examined)
    return 0 if all(each.is_sound for each in examined) else 1


def _show(console: Console, examined: Sequence[Examined]) -> None:
    times = (Column("import", justify="right"), Column("of its components", justify="right"))
    columns = ("plugin", Column("version", overflow="fold"), *times, Column("offers", overflow="fold"))
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for each in examined:
        style = "cyan" if each.is_sound else "red"
        version = f"{each.plugin.version} (editable)" if each.plugin.is_editable else each.plugin.version
        seconds = (each.seconds, sum(component.seconds for component in each.components))
        shown = [f"{each * 1000:.0f} ms" for each in seconds]
        table.add_row(Text(each.plugin.label, style=style), version, *shown, _offers(each))
    console.print(table)
    for each in examined:
        _show_problems(console, each)
    broken = sum(not each.is_sound for each in examined)
    for note in overlooked():
        console.print(Text("\nnote: ", style="yellow") + Text(note), soft_wrap=True)
    console.print(f"\n{len(examined)} plugins, {broken or 'nothing'} to mend")


def _offers(examined: Examined) -> str:
    counts = Counter(each.kind for each in examined.components)
    components = [f"{count} {kind}{'s' * (count > 1 and kind != 'events')}" for kind, count in counts.items()]
    hooks = [hook for hook in examined.hooks if hook != "gradmix_components"]
    return ", ".join([*components, *hooks]) or "nothing"


def _show_problems(console: Console, examined: Examined) -> None:
    broken = [each.reason for each in examined.components if each.status == "broken"]
    if examined.problems or broken:
        console.print(Text(f"\n{examined.plugin.label} {examined.plugin.version}", style="bold red"))
    for problem in (*examined.problems, *broken):
        console.print(Padding(Text(problem), (0, 0, 0, 2)))
    commands: dict[str, list[str]] = {}
    for component in examined.components:
        if component.status == "not installed":
            commands.setdefault(component.fix, []).append(component.name)
    if commands:
        console.print(Text(f"\nnot installed, of {examined.plugin.label}:", style="bold"))
    for command, names in commands.items():
        console.print(Text(f"  {', '.join(names)}: {command}"))
