"""``gradmix plugins``: what is installed, what is broken and why, and the options of one component."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradmix.config.nodes import plain_default
from gradmix.contracts.component import summary
from gradmix.contracts.errors import GradmixError, PluginError, did_you_mean
from gradmix.contracts.options import Option, options_of
from gradmix.registry.registry import Entry, Failure, registry


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gradmix plugins", description="List all components, or document those of one name."
    )
    parser.add_argument("name", nargs="?", help="a component, such as gmm")
    options = parser.parse_args(arguments)
    console = Console()
    if options.name is None:
        return _list(console)
    return _document(console, options.name)


def _list(console: Console) -> int:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("kind", "name", "what it is", "from"):
        table.add_column(heading, no_wrap=heading != "what it is", overflow="fold")
    failures = list(registry().failures)
    kind = ""
    for entry in registry():
        try:
            what = summary(entry.load())
        except PluginError as error:
            failures.append(Failure(entry.plugin, str(error)))
            continue
        origin = f"{entry.plugin.distribution} {entry.plugin.version}"
        table.add_row("" if entry.kind == kind else entry.kind, Text(entry.name, style="cyan"), what, origin)
        kind = entry.kind
    console.print(table)
    for failure in failures:
        label = f"{failure.plugin.label} {failure.plugin.version}"
        console.print(Text(f"\nbroken: {label}: ", style="red") + Text(failure.reason), highlight=False, soft_wrap=True)
    return 1 if failures else 0


def _document(console: Console, name: str) -> int:
    found = registry().search(name)
    if not found:
        names = {entry.name for entry in registry()}
        print(f"gradmix plugins: there is no component {name!r}.{did_you_mean(name, names)}", file=sys.stderr)
        return 2
    for entry in found:
        try:
            _document_entry(console, entry)
        except GradmixError as error:
            print(f"gradmix plugins: {error}", file=sys.stderr)
            return 1
    return 0


def _document_entry(console: Console, entry: Entry) -> None:
    component = entry.load()
    origin = f"{entry.plugin.distribution} {entry.plugin.version}"
    console.print(Text(f"{entry.kind} {entry.name}", style="bold cyan") + Text(f"  ({origin})", style="dim"))
    console.print(Text("\n".join(_prose(component))), highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("option", "default", "allowed", "meaning"):
        table.add_column(heading, no_wrap=heading == "option", overflow="fold")
    for option in options_of(component):
        table.add_row(Text(_path(entry, option), style="cyan"), _default(option), option.allowed, option.doc)
    if table.row_count:
        console.print(table)
    console.print(f"\nin a run:   gradmix run {_example(entry)}", highlight=False)
    if entry.kind in ("clusterer", "differentiator"):
        console.print(f"in Python:  gradmix.{entry.kind}({entry.name!r})", highlight=False)


def _prose(component: type) -> list[str]:
    """The docstring without its table of parameters and its examples."""
    lines = inspect.cleandoc(component.__doc__ or "").splitlines()
    headings = [i for i, line in enumerate(lines[1:]) if line and set(line) == {"-"}]
    kept = lines[: headings[0]] if headings else lines
    for i, start in enumerate(headings):
        end = headings[i + 1] if i + 1 < len(headings) else len(lines)
        if lines[start] == "Notes":
            kept += lines[start + 2 : end]
    return [*kept, ""] if kept and kept[-1] else kept


def _path(entry: Entry, option: Option) -> str:
    return option.name if option.part and entry.kind == "task" else f"{entry.kind}.{option.name}"


def _default(option: Option) -> str:
    default = plain_default(option)
    if option.required:
        return "(required)"
    if default == "${seed}":
        return "the run's seed"
    return "null" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _example(entry: Entry) -> str:
    """An override that chooses the component, with the task that it needs and what must be given."""
    needed = [f"{entry.kind}.{option.name}=…" for option in options_of(entry.load()) if option.required]
    task = next(
        (
            task.name
            for task in registry()
            if task.kind == "task" and any(option.part == entry.kind for option in options_of(task.load()))
        ),
        None,
    )
    prefix = [f"task={task}"] if task and task != "cluster" else []
    return " ".join([*prefix, f"{entry.kind}={entry.name}", *needed])
