"""Components by kind and name, for what is below the registry: it installs the look-up when it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Offer(Protocol):
    """What a look-up finds."""

    def load(self) -> type[Any]:
        """Import the class; PluginError or NotInstalledError says why it cannot be used."""


class Lookup(Protocol):
    """What the registry can do here."""

    def names(self, kind: str) -> list[str]:
        """What a config calls the components of a kind, sorted."""

    def find(self, kind: str, name: str) -> Offer:
        """Find a component; UnknownNameError names the nearest and all there are."""


def install(lookup: Callable[[], Lookup]) -> None:
    """Say how the registry of this session is found."""
    _installed[:] = [lookup]


def lookup() -> Lookup:
    """The registry of this session."""
    return _installed[0]()


_installed: list[Callable[[], Lookup]] = []
