"""Look-up of components by kind and name for modules below the registry, which installs it when it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Offer(Protocol):
    """A component found by a look-up, not yet imported."""

    def load(self) -> type[Any]:
        """Import the class; raise PluginError or NotInstalledError if it cannot be used."""


class Lookup(Protocol):
    """The part of the registry that modules below it can use."""

    def names(self, kind: str) -> list[str]:
        """Return the names of the components of a kind, as configs use them, sorted."""

    def find(self, kind: str, name: str) -> Offer:
        """Find a component; raise UnknownNameError, which lists the nearest name and all names, if there is none."""


def install(lookup: Callable[[], Lookup]) -> None:
    """Install the function that returns the registry of this session."""
    _installed[:] = [lookup]


def lookup() -> Lookup:
    """Return the registry of this session."""
    return _installed[0]()


_installed: list[Callable[[], Lookup]] = []
