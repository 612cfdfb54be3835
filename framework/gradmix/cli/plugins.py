"""``gradmix plugins``: list components and broken plugins, document one component, or examine all plugins (doctor)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from gradmix.cli.parser import CommandParser
from gradmix.config.groups import fields_of
from gradmix.contracts.component import path_of, summary
from gradmix.contracts.docstring import sections
from gradmix.contracts.errors import GradmixError, NotInstalledError, PluginError, UnknownNameError, did_you_mean
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.options import Option, options_of
from gradmix.contracts.task import Task
from gradmix.registry.distributions import overlooked
from gradmix.registry.entry import Entry
from gradmix.registry.examination import Examined, examine
from gradmix.registry.loading import slowness
from gradmix.registry.registry import collisions, registry
from gradmix.registry.rules import problems_with_rules
from gradmix.reports.console import make_console

_EPILOG = "plugins.block=[NAME], plugins.only=[NAME] and plugins.files=[FILE.py] choose which plugins are loaded."
_MADE_BY_NAME = ("clusterer", "covariance", "dataset", "differentiator", "metric", "problem", "solver", "task")
"""Kinds with a function in `gradmix` that makes a component, such as ``gradmix.clusterer("gmm")``."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("plugins", "List all components, or document those of one name.", _EPILOG)
    parser.add_argument(
        "name", nargs="?", help="a component, such as gmm or solver/newton; or doctor, which examines every plugin"
    )
    parser.add_argument("--json", action="store_true", help="with doctor: print the report as JSON")
    options = parser.parse_args(arguments)
    console = make_console()
    if options.name == "doctor":
        return _examine_all(console, options.json)
    if options.json:
        parser.error("--json requires doctor: gradmix plugins doctor --json")
    if options.name is None:
        _list(console)
        return 0
    kind, _, name = options.name.rpartition("/")
    found = [entry for entry in registry().search(name) if kind in ("", entry.kind)]
    if not found:
        names = {"doctor", *(f"{entry.kind}/{entry.name}" if kind else entry.name for entry in registry())}
        raise UnknownNameError(f"there is no component {options.name!r}.{did_you_mean(options.name, names)}")
    for entry in found:
        _document(console, entry)
    return 0


def _list(console: Console) -> None:
    """List all components that can be loaded, and then the problems; ``doctor`` shows more details."""
    broken, absent = [(each.plugin, each.reason) for each in registry().failures], []
    columns = (Column("name", no_wrap=True), "summary", Column("from", no_wrap=True))
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), header_style="bold")
    kind = ""
    for entry in registry():
        try:
            what = summary(entry.load())
        except NotInstalledError as error:
            absent.append((entry, error.command))
            continue
        except PluginError as error:
            broken.append((entry.plugin, str(error)))
            continue
        if entry.kind != kind:
            kind = entry.kind
            table.add_row(Text(f"{kind}", style="bold"), "", "")
        table.add_row(Text(f"  {registry().name_of(entry)}", style="cyan"), what, _origin(entry))
    console.print(table)
    for entry, command in absent:
        name = Text(f"{entry.kind} {entry.name}", style="dim")
        console.print(name + Text(f"  not installed: {command}"), soft_wrap=True)
    for plugin, reason in broken:
        label = Text(f"\nbroken: {plugin.label} {plugin.version}: ", style="red")
        console.print(label + Text(reason), soft_wrap=True)
    collided = [f"{entry.plugin.label}: {text}" for entry, text in collisions(registry())]
    third_party = [each for each in registry().found if each.plugin.distribution != PROJECT]
    slow = [f"{each.plugin.label}: {text}" for each in third_party for text in slowness(each.seconds)]
    rules = [f"{label}: {text}" for label, text in problems_with_rules(registry())]
    notes = [*collided, *rules, *slow, *overlooked()]
    for note in notes:
        console.print(Text("\nnote: ", style="yellow") + Text(note), soft_wrap=True)
    if broken or notes:
        console.print("\n`gradmix plugins doctor` examines every plugin; plugins.block=[NAME] leaves one out.")


def _document(console: Console, entry: Entry) -> None:
    component, name = entry.load(), registry().name_of(entry)
    console.print(Text(f"{entry.kind} {name}", style="bold cyan") + Text(f"  ({_origin(entry)})", style="dim"))
    prose = sections(component.__doc__)
    for paragraph in f"{prose['']}\n\n{prose.get('Notes', '')}".split("\n\n"):
        if words := paragraph.split():
            console.print(Text(" ".join(words)))
    for option in options_of(component):
        path = Text(f"\n{_path(entry, option)}", style="cyan") + Text(f" = {option.default_text}")
        if option.alias not in (None, option.name):
            path += Text(f"   alias {option.alias}", style="cyan")
        console.print(path + Text(f"   {option.allowed}", style="dim"))
        if option.doc:
            console.print(Padding(option.doc, (0, 0, 0, 4)))
    if example := _example(entry):
        console.print(f"\nin a run:   gradmix run {' '.join(example)}")
    if entry.kind in _MADE_BY_NAME:
        console.print(f"in Python:  gradmix.{entry.kind}({name!r})")


def _example(entry: Entry) -> list[str]:
    """Return overrides that use a component in a run; none if no component has an option that takes its name."""
    if not registry().kinds[entry.kind].role.has_group:
        return next(_naming(entry), [])
    tasks = fields_of(registry(), Task.kind).items()
    task = next((name for name, fields in tasks if entry.kind in fields.values()), "cluster")
    needed = [f"{_path(entry, option)}=…" for option in options_of(entry.load()) if option.required]
    return [*([f"task={task}"] if task != "cluster" else []), f"{entry.kind}={registry().name_of(entry)}", *needed]


def _naming(entry: Entry) -> Iterator[list[str]]:
    """Yield overrides that use a component as the option of another component; the tasks' defaults come first."""
    tasks = [each for each in registry() if each.kind == Task.kind]
    defaults = {option.default for task in tasks for option in _options(task) if option.part}
    for holder in sorted(registry(), key=lambda holder: holder.name not in defaults):
        for option in _options(holder):
            if option.names and option.names.kind == entry.kind:
                name = registry().name_of(entry)
                yield [f"{holder.kind}={holder.name}", f"{_path(holder, option)}={name}"]


def _options(entry: Entry) -> Sequence[Option]:
    """Return a component's options; none if it cannot be loaded, as the list then shows the reason."""
    with suppress(GradmixError):
        return options_of(entry.load())
    return ()


def _origin(entry: Entry) -> str:
    return f"{entry.plugin.distribution} {entry.plugin.version}"


def _path(entry: Entry, option: Option) -> str:
    owner = f"{entry.kind}.{entry.name}" if registry().kinds[entry.kind].role.has_several else entry.kind
    return path_of(option, entry.load(), owner)


def _examine_all(console: Console, as_json: bool) -> int:
    """Examine every plugin and print the result; return the exit code, which is 1 if a plugin has a problem."""
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
        _show_examined(console, examined)
    return 0 if all(each.is_sound for each in examined) and not any(overlooked().values()) else 1


def _show_examined(console: Console, examined: Sequence[Examined]) -> None:
    times = (Column("import", justify="right"), Column("import of components", justify="right"))
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
    found = overlooked()
    for note, is_mistake in found.items():
        advice = f" Call the group '{PROJECT}'." if is_mistake else ""
        console.print(Text("\nnote: ", style="yellow") + Text(note + advice), soft_wrap=True)
    broken = sum(not each.is_sound for each in examined) + sum(found.values())
    console.print(f"\n{len(examined)} plugins, {broken or 'none'} to fix")


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
