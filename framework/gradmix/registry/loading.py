"""Load plugins one by one, so that an exception in one of them does not affect the others."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pkgutil import resolve_name
from typing import Any

import pluggy

from gradmix.contracts import hooks
from gradmix.contracts.component import Component
from gradmix.contracts.errors import PluginError, did_you_mean, listing
from gradmix.registry.containment import contained
from gradmix.registry.distributions import unmet
from gradmix.registry.entry import Entry, describe_line
from gradmix.registry.kinds import KINDS, check_contract
from gradmix.registry.plugin import Plugin

_SLOW_SECONDS = 0.5

_VALID_NAME = re.compile(r"[A-Za-z]\w*")
NOT_NAMES = frozenset({"null", "true", "false", "nan", "inf"})
"""Words that Hydra parses as values in an override, so that no component may have them as its name."""

SPECIFIED = frozenset(name for name in vars(hooks) if name.startswith("gradmix_"))
"""Names of all hooks."""


@dataclass(frozen=True)
class Found:
    """A plugin and the result of loading it."""

    plugin: Plugin
    implementation: Any = None
    """The module or object that implements the plugin."""
    hooks: tuple[str, ...] = ()
    """The hooks that it implements."""
    entries: tuple[Entry, ...] = ()
    """The components that it offers."""
    kinds: tuple[type[Component], ...] = ()
    """Contracts of the kinds that it adds."""
    seconds: float = 0.0
    """Duration of loading; an entry point that names a component is not imported."""
    reason: str = ""
    """Why it cannot be used; empty if it can."""


def slowness(seconds: float) -> list[str]:
    """Return a warning if the import of a plugin takes too long, else nothing."""
    if seconds <= _SLOW_SECONDS:
        return []
    return [
        f"it takes {seconds:.1f} s to import, and every command waits for it: import heavy packages inside "
        'functions, or define an entry point for each component ("KIND.NAME" = "module:Class")'
    ]


def new_manager() -> pluggy.PluginManager:
    """Return a manager of pluggy that knows the hooks and has no plugin registered."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def load(plugin: Plugin, known: Mapping[str, type[Component]] = KINDS) -> Found:
    """Load one plugin; `known` are the kinds that exist already, which it cannot add again."""
    begin = time.perf_counter()
    found = Found(plugin)
    try:
        if plugin.distribution != hooks.PROJECT and (reason := unmet(plugin.metadata)):
            raise PluginError(reason)
        if plugin.component is not None:
            point = plugin.entry_point
            if not point.attr:
                raise PluginError(f"it must name a class, 'module:Class'; it names {point.value!r}")
            place = f"{point.module}:{point.attr}"  # without the spaces and extras that its value may have
            found = replace(found, entries=(_entry(plugin, *plugin.component, place),))
        else:
            with contained(plugin.label):
                implementation = plugin.load()
            functions = _implemented(implementation)
            found = replace(found, implementation=implementation, hooks=tuple(functions))
            with contained(plugin.label):
                entries, kinds = _offered(plugin, implementation, functions, known)
            found = replace(found, entries=entries, kinds=kinds)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise SystemExit, too
        found = replace(found, reason=describe_line(error))
    return replace(found, seconds=time.perf_counter() - begin)


def _implemented(implementation: Any) -> dict[str, Callable[[], Any]]:
    """Return the hooks that a module or object implements, by name.

    Raises if a hook does not exist or takes arguments that its specification does not have.
    """
    found, manager = {}, new_manager()
    for attribute in dir(implementation):
        options = manager.parse_hookimpl_opts(implementation, attribute)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in SPECIFIED:
            raise PluginError(f"there is no hook {hook!r}.{did_you_mean(hook, SPECIFIED)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise PluginError(f"{attribute} is a wrapper, which gradmix does not call: remove wrapper=True")
        found[hook] = getattr(implementation, attribute)
    if found:
        manager.register(implementation)  # pluggy checks the arguments
    return found


def _offered(
    plugin: Plugin,
    implementation: Any,
    functions: Mapping[str, Callable[[], Any]],
    known: Mapping[str, type[Component]],
) -> tuple[tuple[Entry, ...], tuple[type[Component], ...]]:
    """Return the components and kinds of a module or object: what its hooks return, or without hooks its classes."""
    if not functions:
        return tuple(_own_components(plugin, implementation)), ()
    kinds = functions["gradmix_kinds"]() if "gradmix_kinds" in functions else ()
    components = functions["gradmix_components"]() if "gradmix_components" in functions else {}
    contracts = [check_contract(resolve_name(each) if isinstance(each, str) else each) for each in kinds]
    for contract in contracts:
        if other := known.get(contract.kind):
            raise PluginError(
                f"its kind {contract.kind!r} has the same name as another one, {other.__module__}:{other.__qualname__}"
            )
    if not isinstance(components, Mapping) or not all(isinstance(each, Mapping) for each in components.values()):
        raise PluginError(f"gradmix_components must return a mapping kind → name → class; it returned {components!r}.")
    entries = [_entry(plugin, kind, name, each) for kind, named in components.items() for name, each in named.items()]
    return tuple(entries), tuple(contracts)


def _own_components(plugin: Plugin, module: Any) -> Iterator[Entry]:
    """Yield the components that a module without hooks defines, each named after its class."""
    written = [
        cls
        for name, cls in vars(module).items()
        if inspect.isclass(cls)
        and issubclass(cls, Component)
        and cls.__module__ == module.__name__
        and not name.startswith("_")
    ]
    own = [cls for cls in written if not inspect.isabstract(cls)]
    if written and not own:
        absent: Collection[str] = getattr(written[0], "__abstractmethods__", ())
        raise PluginError(f"the class {written[0].__name__} does not define {listing(absent)}")
    if not own:
        raise PluginError(
            "it offers no component: it must have a class derived from one of gradmix's "
            f"({listing(contract.__name__ for contract in KINDS.values())}), or a function marked gradmix.hookimpl"
        )
    for cls in own:
        if "__dataclass_fields__" not in vars(cls):
            raise PluginError(f"the class {cls.__name__} must be a dataclass: write @dataclass above it")
        if any(field.name == "kind" for field in fields(cls)):  # type: ignore[arg-type]  # the option would hide the kind
            raise PluginError(f"the class {cls.__name__} must not have an option named kind")
        yield _entry(plugin, getattr(cls, "kind", ""), in_snake_case(cls.__name__), cls)


def in_snake_case(name: str) -> str:
    """Convert the name of a class to the name of a component.

    >>> in_snake_case("KMedoids"), in_snake_case("GaussianMixture"), in_snake_case("EMFit")
    ('k_medoids', 'gaussian_mixture', 'em_fit')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _entry(plugin: Plugin, kind: Any, name: Any, implementation: Any) -> Entry:
    if not isinstance(name, str) or not _VALID_NAME.fullmatch(name):
        raise PluginError(f"{kind} {name!r}: a name has only letters, digits and _, and begins with a letter.")
    if name.lower() in NOT_NAMES:
        raise PluginError(f"{kind} {name!r}: an override would read this name as a value; choose another name.")
    if not isinstance(implementation, str | type):
        raise PluginError(f"{kind} {name!r} must be a class or 'package.module:Class'; given: {implementation!r}.")
    return Entry(kind, name, implementation, plugin)
