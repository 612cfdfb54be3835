"""``gradmix plugins doctor``: every plugin examined in a process of its own, and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gradmix.registry.distributions import overlooked
from gradmix.registry.examination import Examined, examine

_COLUMNS: Mapping[str, JustifyMethod] = {
    "plugin": "left",
    "version": "left",
    "import": "right",
    "of its components": "right",
    "offers": "left",
}


def report(console: Console, as_json: bool) -> int:
    """Examine every plugin and print the result; returns the exit code: 1 if a plugin has a problem."""
    examined = examine()
    if as_json:
        print(json.dumps([*map(_record, examined)], indent=2))
    else:
        _show(console, examined)
    return 0 if all(each.is_sound for each in examined) else 1


def _record(examined: Examined) -> dict[str, Any]:
    plugin = examined.plugin
    return {
        **{name: getattr(plugin, name) for name in ("distribution", "version", "is_editable", "module")},
        **asdict(examined),
        "plugin": plugin.label,
        "is_sound": examined.is_sound,
    }


def _show(console: Console, examined: Sequence[Examined]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading, justify in _COLUMNS.items():
        table.add_column(heading, justify=justify, overflow="fold")
    for each in examined:
        style = "cyan" if each.is_sound else "red"
        version = f"{each.plugin.version} (editable)" if each.plugin.is_editable else each.plugin.version
        seconds = (each.seconds, sum(component.seconds for component in each.components))
        times = [f"{each * 1000:.0f} ms" for each in seconds]
        table.add_row(Text(each.plugin.label, style=style), version, *times, _offers(each))
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
