"""The registry: components by kind and name. Built once from the plugins found, never changed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pluggy

from gradmix.contracts import hooks
from gradmix.contracts.component import Component
from gradmix.contracts.errors import PluginError, UnknownNameError, did_you_mean, listing
from gradmix.registry.choice import VARIABLE, chosen
from gradmix.registry.entry import Entry
from gradmix.registry.kinds import KINDS, unknown_kind
from gradmix.registry.loading import Found, load, new_manager
from gradmix.registry.plugin import FilePlugin, Plugin


@dataclass(frozen=True, eq=False)
class Registry:
    """Everything that the installed plugins offer.

    Parameters
    ----------
    entries
        (kind, name) → all who offer it; more than one is a collision.
    found
        Every plugin, and what came of loading it.
    hooks
        pluggy's manager, with every sound plugin registered.
    kinds
        Every kind of component, and the contract that its classes keep.
    """

    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    found: tuple[Found, ...]
    hooks: pluggy.PluginManager
    kinds: Mapping[str, type[Component]] = field(default_factory=lambda: KINDS)

    def names(self, kind: str) -> list[str]:
        """What a config calls the components of a kind, sorted."""
        return sorted(self.name_of(entry) for entry in self if entry.kind == kind)

    def has(self, kind: str, name: str) -> bool:
        """Whether anybody offers such a component."""
        return bool(self._offers(kind, name))

    def find(self, kind: str, name: str) -> Entry:
        """Find a component.

        Parameters
        ----------
        kind
            Its kind.
        name
            Its name, or ``distribution:name`` where two offer the same.

        Raises
        ------
        UnknownNameError
            If no plugin offers it; names the nearest.
        PluginError
            If two distributions offer it; says how each is named.
        """
        found = self._offers(kind, name)
        if not found:
            raise self.unknown(kind, name)
        if len(found) > 1:
            rivals = " and ".join(entry.plugin.label for entry in found)
            choices = " or ".join(f"{kind}={entry.qualified}" for entry in found)
            raise PluginError(f"{kind} {name!r} is offered by {rivals}: write {choices}, or block one of them.")
        return found[0]

    def unknown(self, kind: str, name: str) -> UnknownNameError:
        """What to tell of a name that no plugin offers: what is near it, all there are, and what could be meant."""
        names, broken = self.names(kind), listing(each.plugin.label for each in self.failures)
        hint = f" (Broken plugins: {broken}; see gradmix plugins.)" if self.failures else ""
        return UnknownNameError(
            f"unknown {kind} {name!r}.{self._broken_one(name) or _lying_about(name) or did_you_mean(name, names)} "
            f"There are: {listing(names)}.{hint}"
        )

    def check_files(self) -> None:
        """Check that the files that were named as plugins can be used.

        Raises
        ------
        PluginError
            Says why the first that cannot be cannot.
        """
        for each in self.failures:
            if isinstance(each.plugin, FilePlugin):
                raise PluginError(f"the plugin {each.plugin.path} cannot be used: {each.reason}")

    def _offers(self, kind: str, name: str) -> tuple[Entry, ...]:
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
        return entry.name if self._offers(entry.kind, entry.name) == (entry,) else entry.qualified

    def search(self, name: str) -> list[Entry]:
        """All components of that name, of any kind."""
        kinds = dict.fromkeys(kind for kind, _ in self.entries)
        return [entry for kind in kinds for entry in self._offers(kind, name)]

    def __iter__(self) -> Iterator[Entry]:
        return (entry for _, found in sorted(self.entries.items()) for entry in found)

    @property
    def failures(self) -> tuple[Found, ...]:
        """Plugins that could not be used."""
        return tuple(each for each in self.found if each.reason)

    def _broken_one(self, name: str) -> str:
        """Why the plugin of that name cannot be used, if there is one that cannot."""
        for plugin, reason in ((each.plugin, each.reason) for each in self.failures):
            if name in plugin.names or name == plugin.name.rpartition(".")[2]:
                return f" The plugin {plugin.label} cannot be used: {reason.rstrip('.')}."
        return ""


def collisions(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Components that a config must name with their distribution, as others offer the same name, and how.

    A built-in component keeps its plain name.
    """
    for (kind, name), same in by_name(entries).items():
        for entry in same if len(same) > 1 else ():
            if entry.plugin.distribution != hooks.PROJECT:
                rivals = listing(other.plugin.label for other in same if other is not entry)
                yield entry, f"{kind} {name!r} is also offered by {rivals}; this one is {kind}={entry.qualified}"


def by_name(entries: Iterable[Entry]) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """Group components: (kind, name) → all that have them."""
    found: defaultdict[tuple[str, str], tuple[Entry, ...]] = defaultdict(tuple)
    for entry in entries:
        found[entry.kind, entry.name] += (entry,)
    return dict(found)


def _lying_about(name: str) -> str:
    """How to use what is called so and lies in the working folder, but is no plugin of this session's."""
    if not name.isidentifier():
        return ""
    if Path(name, "pyproject.toml").is_file():
        return f" The project {name}/ here is not installed: pip install -e {name}"
    return f" To use the file {name}.py here, add 'plugins.files=[{name}.py]'." if Path(f"{name}.py").is_file() else ""


def registry() -> Registry:
    """The registry of the plugins that this session uses.

    Raises
    ------
    ConfigError
        If plugins were chosen that there are not.
    """
    return _registry_of(os.environ.get(VARIABLE, ""))


@cache
def _registry_of(choice: str) -> Registry:
    return build_registry(chosen().of(installed_plugins()))


def installed_plugins() -> list[Plugin]:
    """Every plugin that is installed in this environment."""
    return [Plugin(entry_point) for entry_point in entry_points(group=hooks.PROJECT)]


def build_registry(plugins: Iterable[Plugin]) -> Registry:
    """Load each plugin by itself: what one of them raises is its own failure and harms no other.

    gradmix's own come first, so that no other plugin takes the name of one of its kinds.
    """
    manager = new_manager()
    kinds = dict(KINDS)
    found = []
    for plugin in sorted(plugins, key=lambda plugin: (plugin.distribution != hooks.PROJECT, plugin.label)):
        found.append(load(manager, plugin, kinds))
        kinds.update({contract.kind: contract for contract in found[-1].kinds})
    found = [_with_known_kinds(each, kinds, manager) for each in found]
    entries = by_name(entry for each in found for entry in each.entries)
    return Registry(entries, tuple(found), manager, kinds)


def _with_known_kinds(found: Found, kinds: Mapping[str, type[Component]], manager: pluggy.PluginManager) -> Found:
    """A plugin as it was found; as a failure, if one of its components is of a kind that no plugin adds."""
    unknown = next((entry.kind for entry in found.entries if entry.kind not in kinds), None)
    if unknown is None:
        return found
    if manager.has_plugin(found.plugin.label):
        manager.unregister(name=found.plugin.label)
    return replace(found, entries=(), reason=unknown_kind(unknown, kinds))
