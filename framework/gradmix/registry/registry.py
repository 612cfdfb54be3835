"""The registry: components by kind and name. Built once from the plugins found, never changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path

import pluggy

from gradmix.contracts import hooks, named
from gradmix.contracts.component import Component
from gradmix.contracts.errors import PluginError, UnknownNameError, did_you_mean, listing
from gradmix.registry.choice import VARIABLE, chosen
from gradmix.registry.entry import Entry, describe
from gradmix.registry.kinds import KINDS, unknown_kind
from gradmix.registry.loading import Found, load, new_manager
from gradmix.registry.plugin import FilePlugin, Plugin


@dataclass(frozen=True, eq=False)
class Registry:
    """Everything that the installed plugins offer."""

    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    """(kind, name), sorted → all that offer it; more than one is a collision."""
    found: tuple[Found, ...]
    """Every plugin, and what came of loading it."""
    hooks: pluggy.PluginManager
    """pluggy's manager, with every sound plugin registered."""
    kinds: Mapping[str, type[Component]]
    """Every kind of component, and the contract that its classes keep."""

    def names(self, kind: str) -> list[str]:
        """What a config calls the components of a kind, sorted."""
        return sorted(self.name_of(entry) for entry in self if entry.kind == kind)

    def find(self, kind: str, name: str) -> Entry:
        """Find a component by its name, or by ``distribution:name`` where two offer the same.

        Raises UnknownNameError with the nearest name if no plugin offers it, and PluginError with the name of each if
        two distributions do.
        """
        found = self.offers(kind, name)
        if not found:
            raise self.unknown(kind, name)
        if len(found) > 1:
            rivals = " and ".join(entry.plugin.label for entry in found)
            choices = " or ".join(f"{kind}={entry.qualified}" for entry in found)
            raise PluginError(f"{kind} {name!r} is offered by {rivals}: write {choices}, or block one of them.")
        return found[0]

    def unknown(self, kind: str, name: str) -> UnknownNameError:
        """The error for a name that no plugin offers: what is near it, all there are, and what could be meant."""
        names, hint = self.names(kind), _in_working_folder(name) or did_you_mean(name, self.names(kind))
        for plugin, reason in ((each.plugin, each.reason) for each in self.failures):
            if name in plugin.names or name == plugin.name.rpartition(".")[2]:
                hint = f" The plugin {plugin.label} cannot be used: {reason.rstrip('.')}."
        labels = listing(each.plugin.label for each in self.failures)
        broken = f" (Broken plugins: {labels}; see gradmix plugins.)" if self.failures else ""
        return UnknownNameError(f"unknown {kind} {name!r}.{hint} There are: {listing(names)}.{broken}")

    def check_files(self) -> None:
        """Raise PluginError if a file that was named as a plugin cannot be used, with the reason."""
        for each in self.failures:
            if isinstance(each.plugin, FilePlugin):
                raise PluginError(f"the plugin {each.plugin.path} cannot be used: {each.reason}")

    def offers(self, kind: str, name: str) -> tuple[Entry, ...]:
        """Components that a name can mean; of several that offer a plain name, the built-in one has it."""
        distribution, colon, own = name.rpartition(":")
        found = self.entries.get((kind, own), ())
        wanted = distribution if colon else hooks.PROJECT
        return tuple(entry for entry in found if entry.plugin.distribution == wanted) or (() if colon else found)

    def entry_of(self, component: Component) -> Entry | None:
        """The entry that offers a component's class, if there is one."""
        cls = type(component)
        return next((entry for entry in self if entry.kind == cls.kind and entry.is_implemented_by(cls)), None)

    def name_of(self, entry: Entry) -> str:
        """What a config calls a component: its name; with its distribution, if the name alone means another one."""
        return entry.name if self.offers(entry.kind, entry.name) == (entry,) else entry.qualified

    def search(self, name: str) -> list[Entry]:
        """All components of that name, of any kind."""
        kinds = dict.fromkeys(kind for kind, _ in self.entries)
        return [entry for kind in kinds for entry in self.offers(kind, name)]

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(self.entries.values())

    @property
    def failures(self) -> tuple[Found, ...]:
        """Plugins that could not be used."""
        return tuple(each for each in self.found if each.reason)


def collisions(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Components that others offer under the same name, and how a config names each.

    A built-in component keeps its plain name.
    """
    for (kind, name), same in _by_name(entries).items():
        for entry in same if len(same) > 1 else ():
            if entry.plugin.distribution != hooks.PROJECT:
                rivals = listing(other.plugin.label for other in same if other is not entry)
                yield entry, f"{kind} {name!r} is also offered by {rivals}; this one is {kind}={entry.qualified}"


def _by_name(entries: Iterable[Entry]) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """Group components: (kind, name), sorted → all that have them, in the order given."""
    ordered = sorted(entries, key=attrgetter("kind", "name"))
    return {key: tuple(same) for key, same in groupby(ordered, key=attrgetter("kind", "name"))}


def _in_working_folder(name: str) -> str:
    """How to use a file or project of that name in the working folder; empty if there is none."""
    if not name.isidentifier():
        return ""
    if Path(name, "pyproject.toml").is_file():
        return f" The project {name}/ here is not installed: pip install -e {name}"
    return f" To use the file {name}.py here, add 'plugins.files=[{name}.py]'." if Path(f"{name}.py").is_file() else ""


def registry() -> Registry:
    """The registry of the plugins that this session uses; raises ConfigError if a chosen one does not exist."""
    return _registry_of(os.environ.get(VARIABLE, ""))


@cache
def _registry_of(choice: str) -> Registry:
    return build_registry(chosen().plugins())


def build_registry(plugins: Iterable[Plugin]) -> Registry:
    """Load each plugin, and register those that can be used.

    gradmix's own come first, so that no other plugin takes the name of one of its kinds. One that offers a component of
    a kind that no plugin adds is a failure.
    """
    kinds, found, manager = dict(KINDS), [], new_manager()
    for plugin in sorted(plugins, key=lambda plugin: (plugin.distribution != hooks.PROJECT, plugin.label)):
        found.append(load(plugin, kinds))
        kinds.update({contract.kind: contract for contract in found[-1].kinds})
    for number, each in enumerate(found):
        if unknown := [entry.kind for entry in each.entries if entry.kind not in kinds]:
            found[number] = replace(each, entries=(), reason=unknown_kind(unknown[0], kinds))
        elif each.hooks and not each.reason:
            try:
                manager.register(each.implementation, each.plugin.label)
            except ValueError as error:  # two entry points have one name or module
                found[number] = replace(each, entries=(), reason=describe(error))
    entries = _by_name(entry for each in found for entry in each.entries)
    return Registry(entries, tuple(found), manager, kinds)


named.install(registry)
