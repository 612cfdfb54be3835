"""Loading plugins: each by itself, so that what one of them raises is its own failure and harms no other."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from gradmix.contracts import hooks
from gradmix.contracts.component import Component
from gradmix.contracts.errors import PluginError, did_you_mean, listing
from gradmix.registry.containment import contained
from gradmix.registry.entry import Entry, describe_line
from gradmix.registry.kinds import KINDS, check_contract
from gradmix.registry.needs import unmet
from gradmix.registry.plugin import Plugin

_SLOW_SECONDS = 0.5

_VALID_NAME = re.compile(r"[A-Za-z]\w*")
NOT_NAMES = frozenset({"null", "true", "false", "nan", "inf"})
"""Words that an override takes for values."""

SPECIFIED = frozenset(name for name in vars(hooks) if name.startswith("gradmix_"))
"""The hooks that there are."""


@dataclass(frozen=True)
class Found:
    """A plugin, and what came of loading it.

    Parameters
    ----------
    plugin
        The plugin.
    entries
        What it offers.
    kinds
        Contracts of the kinds that it adds.
    hooks
        The hooks that it implements.
    seconds
        How long that took; nothing but the entry point is read of one that stands for a component.
    failure
        Why it could not be used; empty if it can.
    """

    plugin: Plugin
    entries: tuple[Entry, ...] = ()
    kinds: tuple[type[Component], ...] = ()
    hooks: tuple[str, ...] = ()
    seconds: float = 0.0
    failure: str = ""


def slowness(seconds: float) -> list[str]:
    """What to say of a plugin whose import takes so long, if it is too long."""
    if seconds <= _SLOW_SECONDS:
        return []
    return [
        f"it takes {seconds:.1f} s to import, for which every command waits: import heavy packages inside "
        'functions, or have an entry point for each component ("KIND.NAME" = "module:Class")'
    ]


def new_manager() -> pluggy.PluginManager:
    """pluggy's manager, with nothing registered yet."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def load(manager: pluggy.PluginManager, plugin: Plugin) -> Found:
    """Load one plugin and register what it implements."""
    begin = time.perf_counter()
    entries: list[Entry] = []
    kinds: list[type[Component]] = []
    names: tuple[str, ...] = ()
    failure = ""
    try:
        if plugin.distribution != hooks.PROJECT and (reason := unmet(plugin.metadata)):
            raise PluginError(reason)
        if plugin.component is not None:
            entries = [_entry(plugin, *plugin.component, plugin.target)]
        else:
            with contained(plugin.label):
                implementation = plugin.load()
            names = _implemented(manager, implementation)
            with contained(plugin.label):
                entries, kinds = _register(manager, plugin, implementation, names)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise SystemExit, too
        failure = describe_line(error)
    return Found(plugin, tuple(entries), tuple(kinds), names, time.perf_counter() - begin, failure)


def _register(
    manager: pluggy.PluginManager, plugin: Plugin, implementation: Any, names: Iterable[str]
) -> tuple[list[Entry], list[type[Component]]]:
    if not names:
        return _own_components(plugin, implementation), []
    try:
        manager.register(implementation, plugin.label)
        functions: dict[str, Callable[[], Any]] = {
            hook.name: each.function
            for hook in manager.get_hookcallers(implementation) or []
            for each in hook.get_hookimpls()
            if each.plugin is implementation
        }
        kinds = functions["gradmix_kinds"]() if "gradmix_kinds" in functions else ()
        offered = functions["gradmix_components"]() if "gradmix_components" in functions else {}
        return _offered(plugin, offered), [check_contract(_imported(each)) for each in kinds]
    except BaseException:
        if manager.is_registered(implementation):
            manager.unregister(implementation)
        raise


def _imported(place: Any) -> Any:
    return EntryPoint("", place, "").load() if isinstance(place, str) else place


def _implemented(manager: pluggy.PluginManager, implementation: Any) -> tuple[str, ...]:
    """Names of the hooks that a module or object implements.

    Raises
    ------
    PluginError
        If there is no such hook; names the nearest.
    """
    found = []
    for attribute in dir(implementation):
        options = manager.parse_hookimpl_opts(implementation, attribute)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in SPECIFIED:
            raise PluginError(f"there is no hook {hook!r}.{did_you_mean(hook, SPECIFIED)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise PluginError(f"{attribute} is a wrapper, which gradmix does not call: leave wrapper=True out")
        found.append(hook)
    return tuple(found)


def _own_components(plugin: Plugin, module: Any) -> list[Entry]:
    """What a module without hooks offers: the components that are written in it, each by its class's name."""
    written = [
        cls
        for name, cls in vars(module).items()
        if inspect.isclass(cls)
        and issubclass(cls, Component)
        and cls.__module__ == module.__name__
        and not name.startswith("_")
    ]
    own = [cls for cls in written if not inspect.isabstract(cls)]
    for cls in own:
        if "__dataclass_fields__" not in vars(cls):
            raise PluginError(f"the class {cls.__name__} must be a dataclass: write @dataclass above it")
        if "kind" in vars(cls)["__dataclass_fields__"]:  # which would pass for the kind itself
            raise PluginError(f"the class {cls.__name__}: no option may be called kind")
    for cls in written if not own else ():
        absent = getattr(cls, "__abstractmethods__", ())
        raise PluginError(f"the class {cls.__name__} does not define {listing(absent)}")
    if not own:
        raise PluginError(
            "it offers nothing: it has no class derived from one of gradmix's "
            f"({listing(contract.__name__ for contract in KINDS.values())}), and no function marked gradmix.hookimpl"
        )
    return [_entry(plugin, getattr(cls, "kind", ""), in_snake_case(cls.__name__), cls) for cls in own]


def in_snake_case(name: str) -> str:
    """A class's name as a component's.

    >>> in_snake_case("KMedoids"), in_snake_case("GaussianMixture"), in_snake_case("EMFit")
    ('k_medoids', 'gaussian_mixture', 'em_fit')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _offered(plugin: Plugin, offered: Any) -> list[Entry]:
    if not isinstance(offered, Mapping):
        raise PluginError(
            f"gradmix_components must return a mapping kind → name → class; it returned {type(offered).__name__}."
        )
    found = []
    for kind, components in offered.items():
        if not isinstance(components, Mapping):
            raise PluginError(
                f"gradmix_components must return a mapping kind → name → class; {kind!r} has {components!r}."
            )
        found += [_entry(plugin, kind, name, implementation) for name, implementation in components.items()]
    return found


def _entry(plugin: Plugin, kind: Any, name: Any, implementation: Any) -> Entry:
    if not isinstance(name, str) or not _VALID_NAME.fullmatch(name):
        raise PluginError(f"{kind} {name!r}: a name has letters, digits and underscores, a letter first.")
    if name.lower() in NOT_NAMES:
        raise PluginError(f"{kind} {name!r}: an override would take that for a value; choose another name.")
    if not isinstance(implementation, str | type):
        raise PluginError(f"{kind} {name!r} must be a class or 'package.module:Class'; given: {implementation!r}.")
    return Entry(kind, name, implementation, plugin)
