"""Generate the reference for authors from the code: ``python -m gradmix.authoring.reference`` writes it as Markdown."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pkgutil import resolve_name
from textwrap import dedent
from types import FunctionType

from gradmix.authoring.project import TEMPLATES
from gradmix.contracts import hooks
from gradmix.contracts.component import Component, summary
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.docstring import opening
from gradmix.contracts.options import options_of
from gradmix.registry.kinds import KINDS
from gradmix.registry.registry import registry

_OPENING = """\
# Reference for authors of plugins

From the code, by `make docs`. [plugins.md](plugins.md) is the guide.
"""

_ONE_OF: Mapping[type[Component], tuple[str, ...]] = {Differentiator: ("push", "pull")}
"""Contract → methods of which a class must define one."""


def reference() -> str:
    """Return the whole reference: hooks, contracts, and the options of all built-in components."""
    return "\n".join([_OPENING, *_hooks(), *_contracts(), *_components()]).rstrip() + "\n"


def _hooks() -> Iterator[str]:
    yield "## Hooks\n"
    yield "Functions marked `@gradmix.hookimpl`; each takes the arguments that it needs.\n"
    yield "| hook | meaning |\n| --- | --- |"
    for name, hook in vars(hooks).items():
        if name.startswith("gradmix_") and isinstance(hook, FunctionType):
            arguments = ", ".join(inspect.signature(hook).parameters)
            yield f"| `{name}({arguments})` | {_cell(opening(hook.__doc__))} |"
    yield ""


def _contracts() -> Iterator[str]:
    yield "## Contracts\n"
    yield "A component is a dataclass derived from the class of its kind. It must define the members in **bold**.\n"
    contracts: Mapping[str, type[Component]] = {"component": Component, **KINDS}
    for kind, contract in contracts.items():
        yield f"### {kind}: `gradmix.{contract.__name__}`\n"
        what = f"It {TEMPLATES[kind].what}. " if kind in TEMPLATES else ""
        primitives = " and ".join(f"`{name}`" for name in _ONE_OF.get(contract, ()))
        enough = f" One of {primitives} is enough." if primitives else ""
        yield f"{what}{opening(contract.__doc__)}{enough}\n"
        yield "| member | meaning |\n| --- | --- |"
        for member in members(contract):
            name = f"**`{member.name}`**" if member.must else f"`{member.name}`"
            yield f"| {name} | {_cell(member.meaning)} |"
        yield ""


@dataclass(frozen=True)
class Member:
    """A method or an attribute of a contract, such as ``iterate(X, rng)`` or ``objective``."""

    name: str
    meaning: str
    must: bool  # whether an author's class must define it


def members(contract: type[Component]) -> Iterator[Member]:
    """Yield the public methods and attributes that a class may define; those that it must define come first."""
    classes = [contract, *takewhile(lambda cls: cls is not Component, contract.__mro__[1:])]
    ours = [cls for cls in classes if cls.__module__.startswith("gradmix.")]
    needed = {*getattr(contract, "__abstractmethods__", ()), *_ONE_OF.get(contract, ())}
    found = [member for cls in ours for member in (*_methods(cls, needed), *_attributes(cls))]
    yield from sorted(found, key=lambda member: not member.must)


def _methods(contract: type[Component], needed: Set[str]) -> Iterator[Member]:
    for name, method in vars(contract).items():
        if name.startswith("_") or getattr(method, "__final__", False):
            continue
        if isinstance(method, FunctionType):
            _, *parameters = inspect.signature(method).parameters.values()
            named = [each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
            offers = ["…"] if len(named) < len(parameters) else []  # arguments that the framework offers by name
            yield Member(f"{name}({', '.join(named + offers)})", opening(method.__doc__), name in needed)
        elif isinstance(method, property):
            yield Member(name, opening(method.__doc__), must=False)
        elif isinstance(method, classmethod):
            yield Member(f"{name}()", opening(method.__doc__), must=False)


def _attributes(contract: type[Component]) -> Iterator[Member]:
    """Yield the attributes that have a docstring below them; only the source has these docstrings."""
    (definition,) = ast.parse(dedent(inspect.getsource(contract))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for attribute, below in pairwise(body):
        match attribute, below:
            case ast.AnnAssign(target=ast.Name(name), value=default), ast.Expr(value=ast.Constant(str(text))):
                yield Member(name, opening(text), must=default is None and contract is not Component)


def _components() -> Iterator[str]:
    yield "## Built-in components, and their options\n"
    known = registry()
    entries = [entry for entry in known if entry.plugin.distribution == hooks.PROJECT]
    for entry in sorted(entries, key=lambda entry: list(known.kinds).index(entry.kind)):
        here = entry.implementation  # not `load`, so that missing packages do not change the reference
        component = resolve_name(here) if isinstance(here, str) else here
        yield f"### {entry.kind} `{entry.name}`\n"
        needs = f" Needs {', '.join(component.requires)}." if component.requires else ""
        yield f"{summary(component)}{needs}\n"
        options = options_of(component)
        if options:
            yield "| option | default | allowed | meaning |\n| --- | --- | --- | --- |"
        for option in options:
            alias = f", alias `{option.alias}`" if option.alias not in (None, option.name) else ""
            name, default = f"`{option.name}`{alias}", f"`{option.default_text}`"
            yield f"| {name} | {default} | {_cell(option.allowed)} | {_cell(option.doc)} |"
        yield ""


def _cell(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
