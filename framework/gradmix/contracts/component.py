"""A component: a dataclass whose fields are its config."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from operator import attrgetter, is_
from typing import Any, ClassVar

from gradmix.contracts.errors import ConfigError, PluginError
from gradmix.contracts.named import Lookup, lookup
from gradmix.contracts.options import Option, check_option, options_of, parameters_of
from gradmix.contracts.role import Role


class Component:
    """Base of everything that plugins offer: a dataclass, found by kind and name, whose fields are its options.

    Options are not checked when it is made, but by `check`, before it is run. Running never changes the fields.
    """

    kind: ClassVar[str]
    """The kind, by which the registry finds it and a config chooses it: ``"clusterer"``, ``"task"``, ``"metric"``, …"""
    role: ClassVar[Role]
    """What components of the kind are for in an experiment."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Packages that it imports when it runs and that an extra of its distribution installs: ``("jax",)``."""
    deviates: ClassVar[Mapping[str, str]] = {}
    """Checks of ``gradmix check`` that it cannot pass, each with the reason."""

    def check(self) -> None:
        """Check every option.

        Raises
        ------
        ConfigError
            If an option is wrong; names the first, what was given and what is allowed.
        """
        get, names_components = _reader(type(self))
        values, known = get(self), lookup() if names_components else None
        before, right = _right.get(type(self), (None, ()))
        if before is known and len(right) == len(values) and all(map(is_, right, values)):
            return
        if _PLAIN.issuperset(map(type, values)):
            _check_plain(type(self), known, *values)
            _right[type(self)] = known, values
        else:
            _check_values(type(self), values)

    def content(self) -> tuple[str, ...]:
        """Fingerprints of what its results depend on besides options and plugin: a data file, a user's source.

        It is called for every run of a sweep, so it must not read more than it has to.
        """
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]
        return tuple(mark for part in parts if isinstance(part, Component) for mark in marks_of(part))

    def setup(self) -> None:
        """Import and load what the work needs, so that this is not timed as part of the work.

        A run calls it once for each component before the first iteration. Its time is the run's ``time.load`` if the
        component's role is to be given, such as data, else ``time.startup``. Unless overridden, it imports `requires`.
        """
        for package in self.requires:
            import_module(package)

    def compile(self) -> None:
        """Compile what the work needs, so that this is not timed as part of the work; unless overridden, nothing.

        A run calls it after `setup`. Its time is the run's ``time.compile``.
        """


def marks_of(component: Component) -> tuple[str, ...]:
    """What a component's `content` returns; PluginError if that is not a tuple of strings."""
    marks = component.content()
    if not isinstance(marks, tuple | list) or not all(isinstance(mark, str) for mark in marks):
        raise PluginError(f"{type(component).__name__}.content must return a tuple of strings; it returned {marks!r}.")
    return tuple(marks)


def _check_values(component: type[Component], values: Sequence[Any]) -> None:
    for option, value in zip(parameters_of(component), values, strict=True):
        if option.is_for_python(value):
            continue
        if option.part is None:
            check_option(option, value, component.kind)
        elif isinstance(value, Component) and value.kind == option.part.kind:
            value.check()
        else:
            raise ConfigError(f"{component.kind}.{option.name} must be a {option.part.kind}; given: {value!r}.")


def _check_plain_values(component: type[Component], known: Lookup | None, *values: Any) -> None:
    _check_values(component, values)


_check_plain: Callable[..., None] = lru_cache(maxsize=256, typed=True)(_check_plain_values)
"""As `_check_values`, once for values that were right with the components that are known: each fit checks all again."""
_right: dict[type[Component], tuple[Lookup | None, tuple[Any, ...]]] = {}
"""The components that were known, and the values of the last check of a class: to compare these is faster still."""


def _find_reader(component: type[Component]) -> tuple[Callable[[Component], tuple[Any, ...]], bool]:
    """What reads the values of all options, and whether some of them are names of components."""
    options = parameters_of(component)
    names = [option.name for option in options]
    get = attrgetter(*names) if len(names) > 1 else lambda made: tuple(getattr(made, name) for name in names)
    return get, any(option.names for option in options)


_reader: Callable[[Any], tuple[Callable[[Any], tuple[Any, ...]], bool]] = cache(_find_reader)

_PLAIN = frozenset({bool, int, float, str, type(None)})
"""Types of values that never change."""


def options_within(component: Component, where: str) -> Iterator[tuple[str, Option, Any]]:
    """Every option of a component and of those that it holds: path in a run's config, option and value.

    `where` is the component's own path.
    """
    for option in options_of(type(component)):
        value, path = getattr(component, option.name), path_of(option, type(component), where)
        yield path, option, value
        if isinstance(value, Component):
            yield from options_within(value, path)


def parameters_within(component: Component) -> Iterator[tuple[str, Any]]:
    """Every field of a component and of those that it holds, by scikit-learn's names, as ``differentiator__method``."""
    for option in parameters_of(type(component)):
        value = getattr(component, option.name)
        yield option.name, value
        if isinstance(value, Component):
            yield from ((f"{option.name}__{name}", inner) for name, inner in parameters_within(value))


def path_of(option: Option, owner: type[Component], where: str) -> str:
    """Path of an option in a run's config: what a task holds is at the top, all else below its owner."""
    return option.name if option.part and owner.role is Role.TASK else f"{where}.{option.name}"


def summary(component: type[Any]) -> str:
    """First sentence of a component's docstring, for listings."""
    lines = (component.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines and not lines[0].startswith(component.__name__ + "(") else ""
