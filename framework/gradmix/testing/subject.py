"""The subject of checks: a component by its registered name, or a class that is not installed, with options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import EntryPoint
from typing import Any

from gradmix.config.build import Built, build
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError, PluginError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.options import aliases_of, options_of
from gradmix.registry.entry import Entry
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import Registry, registry
from gradmix.testing.places import class_at

SEED = 0
"""The value of every option that is a seed, so that a check gives the same outcome each time."""


@dataclass(frozen=True)
class Subject:
    """The subject of checks: a component's class and options, from which checks build components as needed.

    Parameters
    ----------
    kind, name
        Its kind and name in the registry.
    place
        ``file.py:Class`` or ``module:Class`` of a class that is not installed; empty for one that is.
    options
        Options that are not left at their defaults.
    known
        The registry for look-ups of the component and its parts.
    """

    kind: str
    name: str
    place: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    known: Registry = field(default_factory=registry, repr=False)

    @cached_property
    def component(self) -> type[Component]:
        """The class."""
        return self.known.find(self.kind, self.name).load()

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """Default of each option."""
        return {option.name: option.default for option in options_of(self.component)}

    @cached_property
    def seed(self) -> str:
        """The option of the type `Seed`, whatever its name; empty if there is none."""
        return next((option.name for option in options_of(self.component) if option.is_seed), "")

    def built(self, **changes: Any) -> Built:
        """Build a component with the options and some changes."""
        node = {"name": self.name, **self.options, **changes}
        return build(self.kind, _seeded(self.kind, node, self.known), known=self.known)

    def make(self, **changes: Any) -> Any:
        """Make a component with the options and some changes; seeds that are not set are 0."""
        return self.built(**changes).component

    @property
    def code(self) -> str:
        """Python that makes the component."""
        source = self.place or self.name
        given = "".join(f", {name}={value!r}" for name, value in self.options.items())
        made = f"component = subject({source!r}, {self.kind!r}{given}).make()"
        return f"from gradmix.testing import subject\n{made}"


def _seeded(kind: str, node: Mapping[str, Any], known: Registry) -> dict[str, Any]:
    """Return the node with a value for every seed and a node for every part."""
    seeded = dict(node)
    for option in options_of(known.find(kind, node["name"]).load()):
        if option.is_seed:
            seeded.setdefault(option.name, SEED)
        elif option.part is not None:
            given = seeded.get(option.name, option.default)
            if isinstance(given, str | Mapping):
                part = {"name": given} if isinstance(given, str) else given
                seeded[option.name] = _seeded(option.part.kind, part, known)
    return seeded


def subject(what: str | type[Any], kind: str | None = None, /, **options: Any) -> Subject:
    """Return the subject of checks for a component.

    Parameters
    ----------
    what
        A registered name, qualified by its distribution if two offer the same name, ``path/to/file.py:Class``,
        ``package.module:Class``, or a class.
    kind
        Its kind, if components of several kinds have that name.
    **options
        Its options.

    Raises
    ------
    UnknownNameError
        If there is no such component.
    ConfigError
        If several have that name, or an option is wrong.
    PluginError
        If it cannot be imported, is not a component, or needs a package that is missing.
    """
    is_name = isinstance(what, str) and (":" not in what or bool(registry().search(what)))
    found = _registered(str(what), kind) if is_name else _uninstalled(what, kind)
    aliases = aliases_of(found.component)
    found = replace(
        found, options={aliases[key].name if key in aliases else key: each for key, each in options.items()}
    )
    found.built()
    return found


def _registered(name: str, kind: str | None) -> Subject:
    if kind is not None:
        registry().find(kind, name)
        return Subject(kind, name)
    kinds = sorted({entry.kind for entry in registry().search(name)})
    if not kinds:
        hint = registry().why_missing(name) or did_you_mean(name, {entry.name for entry in registry()})
        raise UnknownNameError(
            f"unknown component {name!r}.{hint} `gradmix plugins` lists all. A class that is not installed is "
            "given as path/to/file.py:Class or package.module:Class."
        )
    if len(kinds) > 1:
        raise ConfigError(f"{name!r} is the name of several components: use --kind {' or --kind '.join(kinds)}.")
    return Subject(kinds[0], name)


def _uninstalled(what: str | type[Any], kind: str | None) -> Subject:
    component: Any = class_at(what) if isinstance(what, str) else what
    own: Any = getattr(component, "kind", None)
    if own not in registry().kinds or kind not in (None, own):
        wanted = kind or f"component; its kind must be one of {listing(registry().kinds)}"
        raise PluginError(f"{getattr(component, '__name__', component)} is not a {wanted}.")
    place = what if isinstance(what, str) else f"{component.__module__}:{component.__qualname__}"
    plugin = Plugin(EntryPoint(component.__qualname__, component.__module__, "gradmix"))
    plugin.distribution = place.rpartition(":")[0]  # where a distribution would be named in a message
    entry = Entry(own, component.__name__, component, plugin)
    entries = {**registry().entries, (entry.kind, entry.name): (entry,)}
    return Subject(entry.kind, entry.name, place, known=replace(registry(), entries=entries))
