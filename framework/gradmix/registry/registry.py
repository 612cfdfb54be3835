"""The registry: components by kind and name. Built once from the plugins found, never changed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
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


@dataclass(frozen=True)
class PluginFailure:
    """A plugin, or a part of one, that could not be used, and why."""

    plugin: Plugin
    reason: str


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
        names = self.names(kind)
        return UnknownNameError(
            f"unknown {kind} {name!r}.{self._broken_one(name) or _lying_about(name) or did_you_mean(name, names)} "
            f"There are: {listing(names)}.{self._broken()}"
        )

    def check_files(self) -> None:
        """Check that the files that were named as plugins can be used.

        Raises
        ------
        PluginError
            Says why the first that cannot be cannot.
        """
        for each in self.found:
            if each.failure and isinstance(each.plugin, FilePlugin):
                raise PluginError(f"the plugin {each.plugin.path} cannot be used: {each.failure}")

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
    def failures(self) -> tuple[PluginFailure, ...]:
        """Plugins that could not be used."""
        return tuple(PluginFailure(each.plugin, each.failure) for each in self.found if each.failure)

    @property
    def collisions(self) -> tuple[PluginFailure, ...]:
        """Components that a config must name with their distribution, as others offer the same name."""
        return tuple(
            PluginFailure(entry.plugin, collision(entry.kind, entry.name, entry.plugin.distribution, rivals))
            for found in self.entries.values()
            for entry in found
            if self.name_of(entry) != entry.name
            for rivals in [[other.plugin.label for other in found if other is not entry]]
        )

    def _broken_one(self, name: str) -> str:
        """Why the plugin of that name cannot be used, if there is one that cannot."""
        for each in self.found:
            if each.failure and name in (
                each.plugin.name,
                each.plugin.name.rpartition(".")[2],
                each.plugin.distribution,
            ):
                return f" The plugin {each.plugin.label} cannot be used: {each.failure.rstrip('.')}."
        return ""

    def _broken(self) -> str:
        labels = {each.plugin.label for each in self.found if each.failure}
        return f" (Broken plugins: {listing(labels)}; see gradmix plugins.)" if labels else ""


def collision(kind: str, name: str, distribution: str, rivals: Iterable[str]) -> str:
    """What to say of a component whose name others offer, too."""
    return f"{kind} {name!r} is also offered by {listing(rivals)}; this one is {kind}={distribution}:{name}"


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
    from importlib.metadata import entry_points

    return [Plugin(entry_point) for entry_point in entry_points(group=hooks.PROJECT)]


def build_registry(plugins: Iterable[Plugin]) -> Registry:
    """Load each plugin by itself: what one of them raises is its own failure and harms no other."""
    manager = new_manager()
    loaded = [load(manager, plugin) for plugin in sorted(plugins, key=lambda plugin: plugin.label)]
    kinds = dict(KINDS)
    own_first = sorted(loaded, key=lambda each: each.plugin.distribution != hooks.PROJECT)
    clashes = {id(each): _clash(each, kinds) for each in own_first}
    found = tuple(_refused_if(clashes[id(each)] or _unknown_kind(each, kinds), each, manager) for each in loaded)
    entries: defaultdict[tuple[str, str], tuple[Entry, ...]] = defaultdict(tuple)
    for each in found:
        for entry in each.entries:
            entries[entry.kind, entry.name] += (entry,)
    return Registry(dict(entries), found, manager, kinds)


def _clash(found: Found, kinds: dict[str, type[Component]]) -> str:
    """Add a plugin's kinds to those known; why they cannot be, if one has the name of another."""
    taken = next((contract for contract in found.kinds if contract.kind in kinds), None)
    if taken is None:
        kinds.update({contract.kind: contract for contract in found.kinds})
        return ""
    other = kinds[taken.kind]
    return f"its kind {taken.kind!r} has the name of another, {other.__module__}:{other.__qualname__}"


def _unknown_kind(found: Found, kinds: Mapping[str, type[Component]]) -> str:
    """Why a plugin's components cannot be used, if one is of a kind that no plugin adds."""
    return next((unknown_kind(entry.kind, kinds) for entry in found.entries if entry.kind not in kinds), "")


def _refused_if(reason: str, found: Found, manager: pluggy.PluginManager) -> Found:
    """What was found, or the plugin's failure: then nothing of it is used."""
    if not reason:
        return found
    if manager.has_plugin(found.plugin.label):
        manager.unregister(name=found.plugin.label)
    return replace(found, entries=(), kinds=(), failure=reason)
