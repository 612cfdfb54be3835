"""The reference for authors, from the code: ``python -m gradmix.authoring.reference`` writes it as Markdown."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from types import FunctionType

from gradmix.authoring.contract import ONE_OF, members
from gradmix.authoring.project import TEMPLATES
from gradmix.config.nodes import default_text
from gradmix.contracts import hooks
from gradmix.contracts.component import Component, summary
from gradmix.contracts.docstring import opening
from gradmix.contracts.options import options_of
from gradmix.registry.entry import Entry
from gradmix.registry.kinds import KINDS
from gradmix.registry.registry import registry

_OPENING = """\
# Reference for authors of plugins

From the code, by `make docs`. [plugins.md](plugins.md) is the guide.
"""


def reference() -> str:
    """The whole reference: hooks, contracts, and the options of all built-in components."""
    return "\n".join([_OPENING, *_hooks(), *_contracts(), *_components()]).rstrip() + "\n"


def _hooks() -> Iterator[str]:
    yield "## Hooks\n"
    yield "Functions marked `@gradmix.hookimpl`; each takes those arguments that it needs.\n"
    yield "| hook | what it is |\n| --- | --- |"
    for name, hook in vars(hooks).items():
        if name.startswith("gradmix_") and isinstance(hook, FunctionType):
            arguments = ", ".join(inspect.signature(hook).parameters)
            yield f"| `{name}({arguments})` | {_cell(opening(hook.__doc__))} |"
    yield ""


def _contracts() -> Iterator[str]:
    yield "## Contracts\n"
    yield "A component's class derives from that of its kind, and is a dataclass. What is **bold** it must define.\n"
    contracts: Mapping[str, type[Component]] = {"component": Component, **KINDS}
    for kind, contract in contracts.items():
        yield f"### {kind}: `gradmix.{contract.__name__}`\n"
        what = f"It {TEMPLATES[kind].what}. " if kind in TEMPLATES else ""
        primitives = " and ".join(f"`{name}`" for name in ONE_OF.get(contract, ()))
        enough = f" One of {primitives} is enough." if primitives else ""
        yield f"{what}{opening(contract.__doc__)}{enough}\n"
        yield "| member | meaning |\n| --- | --- |"
        for member in members(contract):
            name = f"**`{member.name}`**" if member.must else f"`{member.name}`"
            yield f"| {name} | {_cell(member.meaning)} |"
        yield ""


def _components() -> Iterator[str]:
    yield "## Built-in components, and their options\n"
    for kind in KINDS:
        for entry in registry():
            if entry.kind == kind and entry.plugin.distribution == hooks.PROJECT:
                yield from _component(entry)


def _component(entry: Entry) -> Iterator[str]:
    component = _class_of(entry)
    yield f"### {entry.kind} `{entry.name}`\n"
    needs = f" Needs {', '.join(component.requires)}." if component.requires else ""
    yield f"{summary(component)}{needs}\n"
    options = options_of(component)
    if options:
        yield "| option | default | allowed | meaning |\n| --- | --- | --- | --- |"
    for option in options:
        yield f"| `{option.name}` | `{default_text(option)}` | {_cell(option.allowed)} | {_cell(option.doc)} |"
    yield ""


def _class_of(entry: Entry) -> type[Component]:
    """The class, also of a component whose package is not installed here: the reference is the same everywhere."""
    here = entry.implementation
    return resolve_name(here) if isinstance(here, str) else here


def _cell(text: str) -> str:
    """Text for a table: without what Markdown would take for its own."""
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
