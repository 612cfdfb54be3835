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
from gradmix.contracts.option_values import check_option
from gradmix.contracts.options import Option, options_of, parameters_of
from gradmix.contracts.role import Role


class Component:
    """Base of everything that plugins offer: a dataclass, found by kind and name, whose fields are its options.

    The constructor does not check the options; `check` does, before a run. Running never changes the fields.
    """

    kind: ClassVar[str]
    """The kind, by which the registry finds it and a config chooses it: ``"clusterer"``, ``"task"``, ``"metric"``, …"""
    role: ClassVar[Role]
    """The purpose of this kind of component in an experiment."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Packages that the component imports when it runs and that an extra of its distribution installs: ``("jax",)``."""
    deviates: ClassVar[Mapping[str, str]] = {}
    """Checks of ``gradmix check`` that it cannot pass, each with the reason."""

    def check(self) -> None:
        """Check every option.

        Raises
        ------
        ConfigError
            If an option is wrong. The message names the first such option, the given value and the allowed values.
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
        """Return fingerprints of everything else that the results depend on, such as a data file or a user's source.

        Options and the plugin's version need no fingerprint. The method is called for every run of a sweep, so it must
        not read more than necessary.
        """
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]
        return tuple(mark for part in parts if isinstance(part, Component) for mark in marks_of(part))

    def setup(self) -> None:
        """Import packages and load data in advance, so that they are not timed as part of the work.

        A run calls it once for each component before the first iteration. Its time counts in ``time.load`` if the
        component's role is `Role.GIVEN`, such as data, and in ``time.startup`` otherwise. The default imports
        `requires`.
        """
        for package in self.requires:
            import_module(package)

    def compile(self) -> None:
        """Compile code in advance, so that this is not timed as part of the work. The default does nothing.

        A run calls it after `setup` and counts its time in ``time.compile``.
        """


def marks_of(component: Component) -> tuple[str, ...]:
    """Return the component's `content`; raise PluginError if it is not a tuple of strings."""
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
"""`_check_values` with a cache of values that passed with the known components, because each fit checks all again."""
_right: dict[type[Component], tuple[Lookup | None, tuple[Any, ...]]] = {}
"""For each class, the known components and the values of the last check that passed: comparing them is even faster."""


def _find_reader(component: type[Component]) -> tuple[Callable[[Component], tuple[Any, ...]], bool]:
    """Return a function that reads the values of all options, and whether some options are names of components."""
    options = parameters_of(component)
    names = [option.name for option in options]
    get = attrgetter(*names) if len(names) > 1 else lambda made: tuple(getattr(made, name) for name in names)
    return get, any(option.names for option in options)


_reader: Callable[[Any], tuple[Callable[[Any], tuple[Any, ...]], bool]] = cache(_find_reader)

_PLAIN = frozenset({bool, int, float, str, type(None)})
"""Types of values that never change."""


def options_within(component: Component, where: str) -> Iterator[tuple[str, Option, Any]]:
    """Yield every option of a component and of its parts: the path in a run's config, the option and its value.

    `where` is the path of the component itself.
    """
    for option in options_of(type(component)):
        value, path = getattr(component, option.name), path_of(option, type(component), where)
        yield path, option, value
        if isinstance(value, Component):
            yield from options_within(value, path)


def parameters_within(component: Component) -> Iterator[tuple[str, Any]]:
    """Yield every field of a component and of its parts with scikit-learn's name: ``differentiator__method``."""
    for option in parameters_of(type(component)):
        value = getattr(component, option.name)
        yield option.name, value
        if isinstance(value, Component):
            yield from ((f"{option.name}__{name}", inner) for name, inner in parameters_within(value))


def path_of(option: Option, owner: type[Component], where: str) -> str:
    """Return the path of an option in a run's config: parts of a task are at the top, all others below their owner."""
    return option.name if option.part and owner.role is Role.TASK else f"{where}.{option.name}"


def summary(component: type[Any]) -> str:
    """Return the first line of a component's docstring, for listings."""
    lines = (component.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines and not lines[0].startswith(component.__name__ + "(") else ""
