"""Installed distributions that look like plugins and offer none: their entry points are in another group."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions

from gradmix.contracts.errors import listing
from gradmix.contracts.hooks import PROJECT
from gradmix.registry.needs import requirements_of_gradmix


def overlooked() -> list[str]:
    """Say of each distribution that is called gradmix-… or requires gradmix, and offers no plugin, what it lacks."""
    return [*dict.fromkeys(text for distribution in distributions() for text in _lacks(distribution))]


def _lacks(distribution: Distribution) -> Iterator[str]:
    groups = {point.group for point in distribution.entry_points}
    is_named_so = distribution.name.lower().replace("_", "-").startswith(f"{PROJECT}-")
    if PROJECT in groups or distribution.name == PROJECT or not (is_named_so or requirements_of_gradmix(distribution)):
        return
    similar = sorted(group for group in groups if PROJECT in group)
    yield (
        f"{distribution.name} {distribution.version} offers no plugin: it has no entry point in the group '{PROJECT}'"
        + (f"; those in {listing(similar)} are not read." if similar else ".")
    )
