"""The registry: components by kind and name. Built once from the plugins found, never changed."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any

import pluggy

from gradmix.contracts import hooks
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.component import Component
from gradmix.contracts.dataset import Dataset
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import PluginError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.problem import Problem
from gradmix.contracts.task import Task
from gradmix.registry.plugin import Plugin

KINDS: Mapping[str, type[Component]] = {
    contract.kind: contract for contract in (Clusterer, Dataset, Differentiator, Problem, Task)
}
"""Every kind of component, and the contract that its classes keep."""

RESERVED_OPTIONS = frozenset({"name"})
"""Keys of a component's config node that are not its options."""

_VALID_NAME = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Entry:
    """A component that some plugin offers; its class is imported when `load` is called.

    Parameters
    ----------
    kind, name
        What it is found by.
    implementation
        The class, or where it is: ``"package.module:Class"``.
    plugin
        Who offers it.
    """

    kind: str
    name: str
    implementation: str | type[Any]
    plugin: Plugin

    def load(self) -> type[Component]:
        """Import the class and check that it keeps the contract of its kind.

        Raises
        ------
        PluginError
            Names the distribution and the reason.
        """
        where = f"{self.kind} {self.name!r} of {self.plugin.label}"
        contract = KINDS[self.kind]
        try:
            component = self._import()
            if not (isinstance(component, type) and issubclass(component, contract) and is_dataclass(component)):
                raise PluginError(f"it must be a dataclass derived from gradmix.{contract.__name__}")
            reserved = {field.name for field in fields(component)} & RESERVED_OPTIONS
            if reserved:
                raise PluginError(f"no option may be called {listing(reserved)}")
        except BaseException as error:  # an import may raise SystemExit, too
            raise PluginError(f"{where} cannot be used: {describe(error)}.") from error
        return component

    def is_implemented_by(self, cls: type[Component]) -> bool:
        """Whether this class is the one; imports nothing, as the class's own module has been imported already."""
        if not isinstance(self.implementation, str):
            return self.implementation is cls
        module, _, attribute = self.implementation.partition(":")
        return getattr(sys.modules.get(module), attribute, None) is cls

    def _import(self) -> Any:
        if not isinstance(self.implementation, str):
            return self.implementation
        module, _, attribute = self.implementation.partition(":")
        return getattr(import_module(module), attribute)


@dataclass(frozen=True)
class Failure:
    """A plugin, or a part of one, that could not be used, and why."""

    plugin: Plugin
    reason: str


@dataclass(frozen=True)
class Registry:
    """Everything that the installed plugins offer.

    Parameters
    ----------
    entries
        (kind, name) → all who offer it; more than one is a collision.
    failures
        Plugins that could not be used.
    hooks
        pluggy's manager, with every sound plugin registered.
    """

    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    failures: tuple[Failure, ...]
    hooks: pluggy.PluginManager

    def names(self, kind: str) -> list[str]:
        """Names of the components of a kind, sorted."""
        return sorted(name for entry_kind, name in self.entries if entry_kind == kind)

    def find(self, kind: str, name: str) -> Entry:
        """Find a component.

        Raises
        ------
        UnknownNameError
            If no plugin offers it; names the nearest.
        PluginError
            If two distributions offer it; names both.
        """
        found = self.entries.get((kind, name), ())
        if not found:
            raise UnknownNameError(
                f"unknown {kind} {name!r}.{did_you_mean(name, self.names(kind))} "
                f"There are: {listing(self.names(kind))}.{self._broken()}"
            )
        if len(found) > 1:
            rivals = " and ".join(entry.plugin.label for entry in found)
            raise PluginError(f"{kind} {name!r} is offered by {rivals}; uninstall one of them.")
        return found[0]

    def entry_of(self, component: Component) -> Entry | None:
        """The entry that offers a component's class, if there is one."""
        cls = type(component)
        return next((entry for entry in self if entry.kind == cls.kind and entry.is_implemented_by(cls)), None)

    def search(self, name: str) -> list[Entry]:
        """All components of that name, of any kind."""
        return [entry for (_, known), found in self.entries.items() if known == name for entry in found]

    def __iter__(self) -> Iterator[Entry]:
        return (entry for _, found in sorted(self.entries.items()) for entry in found)

    def _broken(self) -> str:
        labels = listing({failure.plugin.label for failure in self.failures})
        return f" (Broken plugins: {labels}; see gradmix plugins.)" if self.failures else ""


@cache
def registry() -> Registry:
    """The registry of the plugins installed in this environment."""
    from importlib.metadata import entry_points

    return build_registry(Plugin(entry_point) for entry_point in entry_points(group=hooks.PROJECT))


def build_registry(plugins: Iterable[Plugin]) -> Registry:
    """Load each plugin by itself: what one of them raises is its own failure and harms no other."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    entries: defaultdict[tuple[str, str], tuple[Entry, ...]] = defaultdict(tuple)
    failures: list[Failure] = []
    for plugin in sorted(plugins, key=lambda plugin: plugin.label):
        try:
            offered = _register(manager, plugin)
        except BaseException as error:  # a plugin may raise SystemExit, too
            failures.append(Failure(plugin, describe(error)))
            continue
        for entry in offered:
            entries[entry.kind, entry.name] += (entry,)
    failures += [
        Failure(entry.plugin, f"{kind} {name!r} is also offered by {listing(_rivals(found, entry))}; neither is used.")
        for (kind, name), found in entries.items()
        if len(found) > 1
        for entry in found
    ]
    return Registry(dict(entries), tuple(failures), manager)


def _rivals(found: Iterable[Entry], entry: Entry) -> list[str]:
    return [other.plugin.label for other in found if other is not entry]


def _register(manager: pluggy.PluginManager, plugin: Plugin) -> list[Entry]:
    implementation = plugin.load()
    _check_hooks(manager, implementation)
    try:
        manager.register(implementation, plugin.label)
        callers = manager.get_hookcallers(implementation) or []
        own = [hook for hook in callers if hook.name == "gradmix_components"]
        hookimpls = [each for hook in own for each in hook.get_hookimpls() if each.plugin is implementation]
        return [entry for each in hookimpls for entry in _entries(plugin, each.function())]
    except BaseException:
        if manager.is_registered(implementation):
            manager.unregister(implementation)
        raise


def _check_hooks(manager: pluggy.PluginManager, implementation: Any) -> None:
    specified = {name for name in vars(hooks) if name.startswith("gradmix_")}
    for attribute in dir(implementation):
        options = manager.parse_hookimpl_opts(implementation, attribute)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in specified:
            raise PluginError(f"there is no hook {hook!r}.{did_you_mean(hook, specified)}")


def _entries(plugin: Plugin, offered: Any) -> list[Entry]:
    if not isinstance(offered, Mapping):
        raise PluginError(
            f"gradmix_components must return a mapping kind → name → class; it returned {type(offered).__name__}."
        )
    found = []
    for kind, components in offered.items():
        if kind not in KINDS:
            raise PluginError(f"unknown kind {kind!r}.{did_you_mean(str(kind), KINDS)} Kinds: {listing(KINDS)}.")
        for name, implementation in components.items():
            if not _VALID_NAME.fullmatch(name):
                raise PluginError(f"{kind} {name!r}: a name has letters, digits and underscores, a letter first.")
            found.append(Entry(kind, name, implementation, plugin))
    return found


def describe(error: BaseException) -> str:
    """One line for an error: our own speak for themselves, others with their type.

    >>> describe(ModuleNotFoundError("No module named 'jax'"))
    "ModuleNotFoundError: No module named 'jax'"
    """
    text = " ".join(str(error).split())
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
