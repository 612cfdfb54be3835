"""The registry: components by kind and name. It is built once from the plugins found, and never changed."""

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
    """All components and kinds that the plugins of this session offer."""

    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    """(kind, name), sorted → all components of that name; more than one is a collision."""
    found: tuple[Found, ...]
    """Every plugin with the result of loading it."""
    hooks: pluggy.PluginManager
    """pluggy's manager, in which every usable plugin with hooks is registered."""
    kinds: Mapping[str, type[Component]]
    """Every kind of component → its contract."""

    def names(self, kind: str) -> list[str]:
        """Return the names of the components of a kind as a config writes them, sorted."""
        return sorted(self.name_of(entry) for entry in self if entry.kind == kind)

    def find(self, kind: str, name: str) -> Entry:
        """Find a component by its name, or by ``distribution:name`` if several distributions offer the same name.

        Raises UnknownNameError, which suggests the nearest name, if no plugin offers it, and PluginError if the name is
        ambiguous; the message names each distribution.
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
        """Return the error for a name that no plugin offers, with the nearest name, all names and possible causes."""
        names = self.names(kind)
        hint = self.why_missing(name) or _in_working_folder(name) or did_you_mean(name, names)
        labels = listing(each.plugin.label for each in self.failures)
        broken = f" (Broken plugins: {labels}; see gradmix plugins.)" if self.failures else ""
        return UnknownNameError(f"unknown {kind} {name!r}.{hint} There are: {listing(names)}.{broken}")

    def why_missing(self, name: str) -> str:
        """Return a sentence on the broken plugin that offers a component of this name; empty if there is none."""
        for plugin, reason in ((each.plugin, each.reason) for each in reversed(self.failures)):
            if name in plugin.names or name == plugin.name.rpartition(".")[2]:
                return f" The plugin {plugin.label} cannot be used: {reason.rstrip('.')}."
        return ""

    def check_files(self) -> None:
        """Raise PluginError with the reason if a file that was named as a plugin cannot be used."""
        for each in self.failures:
            if isinstance(each.plugin, FilePlugin):
                raise PluginError(f"the plugin {each.plugin.path} cannot be used: {each.reason}")

    def offers(self, kind: str, name: str) -> tuple[Entry, ...]:
        """Return the components that a name can mean; a plain name means the built-in component if there is one."""
        distribution, colon, own = name.rpartition(":")
        found = self.entries.get((kind, own), ())
        wanted = distribution if colon else hooks.PROJECT
        return tuple(entry for entry in found if entry.plugin.distribution == wanted) or (() if colon else found)

    def entry_of(self, component: Component) -> Entry | None:
        """Return the entry of a component's class; None if the class is not registered."""
        cls = type(component)
        return next((entry for entry in self if entry.kind == cls.kind and entry.is_implemented_by(cls)), None)

    def name_of(self, entry: Entry) -> str:
        """Return the name of a component as a config writes it, qualified if the plain name means another component."""
        return entry.name if self.offers(entry.kind, entry.name) == (entry,) else entry.qualified

    def search(self, name: str) -> list[Entry]:
        """Return all components of that name, of any kind."""
        kinds = dict.fromkeys(kind for kind, _ in self.entries)
        return [entry for kind in kinds for entry in self.offers(kind, name)]

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(self.entries.values())

    @property
    def failures(self) -> tuple[Found, ...]:
        """Plugins that could not be used."""
        return tuple(each for each in self.found if each.reason)


def collisions(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Yield each component that shares its name with another, and a message that says how a config names it.

    Built-in components are left out, since they keep their plain names.
    """
    for (kind, name), same in _by_name(entries).items():
        for entry in same if len(same) > 1 else ():
            if entry.plugin.distribution != hooks.PROJECT:
                rivals = listing(other.plugin.label for other in same if other is not entry)
                yield entry, f"{kind} {name!r} is also offered by {rivals}; this one is {kind}={entry.qualified}"


def _by_name(entries: Iterable[Entry]) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """Group components: (kind, name), sorted → all components of that kind and name, in the order given."""
    ordered = sorted(entries, key=attrgetter("kind", "name"))
    return {key: tuple(same) for key, same in groupby(ordered, key=attrgetter("kind", "name"))}


def _in_working_folder(name: str) -> str:
    """Return how to use a file or project of that name in the working folder; empty if there is none."""
    if not name.isidentifier():
        return ""
    if Path(name, "pyproject.toml").is_file():
        return f" The project {name}/ here is not installed: pip install -e {name}"
    return f" To use the file {name}.py here, add 'plugins.files=[{name}.py]'." if Path(f"{name}.py").is_file() else ""


def registry() -> Registry:
    """Return the registry of this session's plugins; raise ConfigError if a chosen plugin does not exist."""
    return _registry_of(os.environ.get(VARIABLE, ""))


@cache
def _registry_of(choice: str) -> Registry:
    return build_registry(chosen().plugins())


def build_registry(plugins: Iterable[Plugin]) -> Registry:
    """Load each plugin, and register the usable ones.

    gradmix's own plugins come first, so that no other plugin can take the name of one of its kinds. A plugin fails if
    it offers a component of a kind that no plugin adds.
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
            except ValueError as error:  # two entry points have the same name or module
                found[number] = replace(each, entries=(), reason=describe(error))
    entries = _by_name(entry for each in found for entry in each.entries)
    return Registry(entries, tuple(found), manager, kinds)


named.install(registry)
