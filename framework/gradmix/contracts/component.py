"""A component: a dataclass whose fields are its config."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar

from gradmix.contracts.errors import ConfigError
from gradmix.contracts.options import Option, check_option, options_of
from gradmix.contracts.role import Role


class Component:
    """What every plugin class is: a dataclass, found by kind and name, whose fields are its options.

    Nothing is checked when one is made; `check` does, and whoever runs it calls that first.
    Running never changes the fields.
    """

    kind: ClassVar[str]
    """The kind, by which a registry finds it and a config chooses it: ``"clusterer"``, ``"task"``, ``"metric"``, …"""
    role: ClassVar[Role]
    """What components of the kind are for in an experiment."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Packages that it imports when it runs and that an extra of its distribution installs: ``("jax",)``."""
    deviates: ClassVar[Mapping[str, str]] = {}
    """Checks of ``gradmix check`` whose promise cannot hold for it, each with the reason."""

    def check(self) -> None:
        """Check every option.

        Raises
        ------
        ConfigError
            Names the first option that is wrong, what was given and what is allowed.
        """
        for option in options_of(type(self)):
            value = getattr(self, option.name)
            if option.part is None:
                check_option(option, value, self.kind)
            elif isinstance(value, Component) and value.kind == option.part.kind:
                value.check()
            else:
                raise ConfigError(f"{self.kind}.{option.name} must be a {option.part.kind}; given: {value!r}.")

    def content(self) -> tuple[str, ...]:
        """Fingerprints of what a result depends on besides the options and the plugin: a data file, a user's source.

        Returns
        -------
        tuple of str
            Empty unless there is such a thing. Cheap: it must not read more than it has to.
        """
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]
        return tuple(mark for part in parts if isinstance(part, Component) for mark in part.content())

    def setup(self) -> None:
        """Import and load what the work needs, so that this is not timed as part of the work.

        A run calls it once for each of its components before the first iteration; it is optional, and what it takes is
        the run's ``time.load`` where the component gives something, such as data, else its ``time.startup``. Unless
        overridden it imports `requires`.
        """
        for package in self.requires:
            import_module(package)


def options_within(component: Component, where: str) -> Iterator[tuple[str, Option, Any]]:
    """Every option of a component and of those that it holds: path in a run's config, option and value.

    Parameters
    ----------
    component
        The component.
    where
        Its own path in the config.
    """
    for option in options_of(type(component)):
        value, path = getattr(component, option.name), path_of(option, type(component), where)
        yield path, option, value
        if isinstance(value, Component):
            yield from options_within(value, path)


def path_of(option: Option, owner: type[Component], where: str) -> str:
    """Path of an option in a run's config: what a task holds is at the top, all else below its owner."""
    return option.name if option.part and owner.role is Role.TASK else f"{where}.{option.name}"


def summary(component: type[Any]) -> str:
    """First sentence of a component's docstring, for listings."""
    lines = (component.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines and not lines[0].startswith(component.__name__ + "(") else ""
