"""The subject of checks: a component by its registered name, or a class that is not installed, with options."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from gradmix.config.build import Built, build
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError, PluginError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.options import options_of
from gradmix.registry.entry import Entry, describe
from gradmix.registry.kinds import KINDS
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import Registry, registry

SEED = 0
"""What checks give to every option that is a seed, so that a check finds the same each time."""


@dataclass(frozen=True)
class Subject:
    """What is checked: a component's class and options, from which checks make as many components as they need.

    Parameters
    ----------
    kind, name
        As the registry knows it.
    place
        ``file.py:Class`` or ``module:Class`` of a class that is not installed; empty for one that is.
    options
        Options that are not left at their defaults.
    known
        Where it is looked up, and the parts that it needs.
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

    def built(self, **changes: Any) -> Built:
        """Build a component with the options, and some changed."""
        node = {"name": self.name, **self.options, **changes}
        return build(self.kind, _seeded(self.kind, node, self.known), known=self.known)

    def make(self, **changes: Any) -> Any:
        """Make a component with the options, and some changed; seeds that are left open are 0."""
        return self.built(**changes).component

    @property
    def code(self) -> str:
        """Python that makes the component."""
        source = self.place or self.name
        given = "".join(f", {name}={value!r}" for name, value in self.options.items())
        made = f"component = subject({source!r}, {self.kind!r}{given}).make()"
        return f"from gradmix.testing import subject\n{made}"


def _seeded(kind: str, node: Mapping[str, Any], known: Registry) -> dict[str, Any]:
    """A node in which every seed has a value and every part a node, too."""
    seeded = dict(node)
    for option in options_of(known.find(kind, node["name"]).load()):
        if option.is_seed:
            seeded.setdefault(option.name, SEED)
        elif option.part is not None:
            given = seeded.get(option.name, option.default)
            if isinstance(given, str | Mapping):
                part = {"name": given} if isinstance(given, str) else given
                seeded[option.name] = _seeded(option.part, part, known)
    return seeded


def subject(what: str | type[Any], kind: str | None = None, /, **options: Any) -> Subject:
    """Find what is to be checked.

    Parameters
    ----------
    what
        A registered name, ``path/to/file.py:Class``, ``package.module:Class``, or a class.
    kind
        Its kind, where a name stands for several components.
    **options
        Its options.

    Raises
    ------
    UnknownNameError
        If there is no such component.
    ConfigError
        If several have that name, or an option is wrong.
    PluginError
        If it cannot be imported, is no component, or needs a package that is not there.
    """
    found = _registered(what, kind) if isinstance(what, str) and ":" not in what else _uninstalled(what, kind)
    found = replace(found, options=options)
    _check_packages(found)
    found.built()
    return found


def options_from(texts: Iterable[str]) -> dict[str, Any]:
    """Read options as a config has them: ``n_components=3`` is a number, ``method=central`` a text.

    >>> options_from(["n_components=3", "covariance_type=tied", "x=[1.0, 2.0]"])
    {'n_components': 3, 'covariance_type': 'tied', 'x': [1.0, 2.0]}

    Raises
    ------
    ConfigError
        If one is not written so.
    """
    import yaml

    options = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ConfigError(f"options are written name=value; given: {text!r}.")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{text} has no value that a config may have: {error}.") from error
    return options


def _registered(name: str, kind: str | None) -> Subject:
    if kind is not None:
        return Subject(kind, registry().find(kind, name).name)
    kinds = sorted({entry.kind for entry in registry().search(name)})
    if not kinds:
        names = {entry.name for entry in registry()}
        raise UnknownNameError(
            f"unknown component {name!r}.{did_you_mean(name, names)} `gradmix plugins` lists all. A class that is not "
            "installed is named path/to/file.py:Class or package.module:Class."
        )
    if len(kinds) > 1:
        raise ConfigError(f"{name!r} is the name of several components: say --kind {' or --kind '.join(kinds)}.")
    return Subject(kinds[0], name)


def _uninstalled(what: str | type[Any], kind: str | None) -> Subject:
    component = _class_at(what) if isinstance(what, str) else what
    own: Any = getattr(component, "kind", None)
    if own not in KINDS or kind not in (None, own):
        wanted = f"a {kind}" if kind else f"a component; its kind must be one of {listing(KINDS)}"
        raise PluginError(f"{getattr(component, '__name__', component)} is no {wanted.removeprefix('a ')}.")
    place = what if isinstance(what, str) else f"{component.__module__}:{component.__qualname__}"
    plugin = Plugin(EntryPoint("uninstalled", component.__module__, "gradmix"))
    entry = Entry(own, component.__name__, component, plugin)
    entry.load()
    entries = {**registry().entries, (entry.kind, entry.name): (entry,)}
    return Subject(entry.kind, entry.name, place, known=replace(registry(), entries=entries))


def _class_at(place: str) -> type[Any]:
    source, _, name = place.rpartition(":")
    try:
        module = _module_of_file(Path(source)) if source.endswith(".py") else _module_named(source)
        return getattr(module, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        classes = [each for each, value in vars(module).items() if inspect.isclass(value)]
        raise PluginError(f"{source} has no {name!r}.{did_you_mean(name, classes)}") from error
    except BaseException as error:  # what is imported may raise SystemExit, too
        raise PluginError(f"{place} cannot be imported: {describe(error)}.") from error


def _module_named(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    return import_module(name)


def _module_of_file(path: Path) -> ModuleType:
    name = path.stem
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ is not None and Path(loaded.__file__).samefile(path):
        return loaded
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or loaded is not None:
        raise PluginError(f"{path} cannot be imported as a module of the name {name!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: pickle and dataclasses look there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _check_packages(found: Subject) -> None:
    missing = [package for package in found.component.requires if importlib.util.find_spec(package) is None]
    if missing:
        raise PluginError(f"{found.kind} {found.name} needs {listing(missing)}, which is not installed.")
