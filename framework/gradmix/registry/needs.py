"""What a plugin needs and does not have: a package that an extra installs, a newer gradmix. And how to get it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, version
from typing import TYPE_CHECKING

from gradmix.contracts.hooks import PROJECT

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def extra_with(package: str, distribution: Distribution | None) -> str:
    """The smallest extra of a distribution that installs a package; empty if none does.

    The package's distribution may have a longer name: ``faiss`` is in faiss-cpu, by the extra ``faiss``.
    """
    by_extra: defaultdict[str, set[str]] = defaultdict(set)
    for requirement in _requirements(distribution):
        for extra in re.findall(r"extra == ['\"]([\w.-]+)['\"]", str(requirement.marker or "")):
            by_extra[extra].add(re.sub(r"[-.]", "_", requirement.name.lower()))
    name = package.lower()
    bringing = [extra for extra, names in by_extra.items() if name in names or name == extra.lower()]
    return min(bringing, key=lambda extra: len(by_extra[extra]), default="")


def unmet(distribution: Distribution | None) -> str:
    """Why a distribution cannot work with this gradmix, and what would help; empty if it can."""
    for requirement in requirements_of_gradmix(distribution):
        if not requirement.specifier.contains(version(PROJECT), prereleases=True):
            wanted = f"{PROJECT}{requirement.specifier}"
            return f"it asks for {wanted}, and this is {version(PROJECT)}: pip install '{wanted}'"
    return ""


def requirements_of_gradmix(distribution: Distribution | None) -> list[Requirement]:
    """What a distribution requires of gradmix itself, also for an extra."""
    return [each for each in _requirements(distribution, PROJECT) if each.name == PROJECT]


def _requirements(distribution: Distribution | None, beginning: str = "") -> Iterator[Requirement]:
    """The valid requirements of a distribution whose text begins so."""
    lines = [line for line in (distribution and distribution.requires) or () if line.startswith(beginning)]
    if lines:
        from packaging.requirements import InvalidRequirement, Requirement

        for line in lines:
            with suppress(InvalidRequirement):
                yield Requirement(line)
