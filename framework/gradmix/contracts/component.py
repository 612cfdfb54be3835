"""A component: a dataclass whose fields are its config."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar

from gradmix.contracts.errors import ConfigError
from gradmix.contracts.options import check_option, options_of


class Component:
    """What every plugin class is: a dataclass, found by kind and name, whose fields are its options.

    Nothing is checked when one is made; `check` does, and whoever runs it calls that first.
    Running never changes the fields.
    """

    kind: ClassVar[str]
    """The family: ``"clusterer"``, ``"dataset"``, ``"differentiator"``, ``"problem"``, ``"task"``, ``"metric"``, …"""
    several: ClassVar[bool] = False
    """Whether a run may have several of the family, ``metric=[silhouette,davies_bouldin]``, or none."""
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
            elif isinstance(value, Component) and value.kind == option.part:
                value.check()
            else:
                raise ConfigError(f"{self.kind}.{option.name} must be a {option.part}; given: {value!r}.")

    def content(self) -> tuple[str, ...]:
        """Fingerprints of what a result depends on besides the options and the plugin: a data file, a user's source.

        Returns
        -------
        tuple of str
            Empty unless there is such a thing. Cheap: it must not read more than it has to.
        """
        return tuple(mark for part in parts_of(self) for mark in part.content())

    def setup(self) -> None:
        """Import and load what the work needs, so that this is not timed as part of the work.

        A run calls it once for each of its components before the first iteration; it is optional, and what it takes is
        the run's ``time.startup``, or ``time.load`` for a data set. Unless overridden it imports `requires`.
        """
        for package in self.requires:
            import_module(package)


def parts_of(component: Component) -> Iterator[Component]:
    """The components that are fields of a component."""
    fields = (getattr(component, field.name) for field in dataclasses.fields(component))  # type: ignore[arg-type]
    return (part for part in fields if isinstance(part, Component))


def with_parts(component: Component) -> Iterator[Component]:
    """All components that a component is made of, and then itself."""
    for part in parts_of(component):
        yield from with_parts(part)
    yield component


def summary(component: type[Any]) -> str:
    """First sentence of a component's docstring, for listings."""
    lines = (component.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines and not lines[0].startswith(component.__name__ + "(") else ""
