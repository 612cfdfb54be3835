"""Metadata of installed distributions: their extras, and the versions of gradmix that they require."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, distributions, version
from typing import TYPE_CHECKING

from gradmix.contracts.errors import listing
from gradmix.contracts.hooks import PROJECT

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def extra_with(package: str, distribution: Distribution | None) -> str:
    """Return the smallest extra of a distribution that installs a package; empty if none does.

    The distribution of the package may have a longer name: the extra ``faiss`` installs faiss-cpu, which has the
    package ``faiss``.
    """
    by_extra: defaultdict[str, set[str]] = defaultdict(set)
    for requirement in _requirements(distribution):
        for extra in re.findall(r"extra == ['\"]([\w.-]+)['\"]", str(requirement.marker or "")):
            by_extra[extra].add(re.sub(r"[-.]", "_", requirement.name.lower()))
    name = package.lower()
    bringing = [extra for extra, names in by_extra.items() if name in names or name == extra.lower()]
    return min(bringing, key=lambda extra: len(by_extra[extra]), default="")


def unmet(distribution: Distribution | None) -> str:
    """Return why a distribution does not work with this version of gradmix, and what would help; empty if it works."""
    for requirement in _requirements(distribution, PROJECT):
        if not requirement.specifier.contains(version(PROJECT), prereleases=True):
            wanted = f"{PROJECT}{requirement.specifier}"
            return f"it requires {wanted}, but {version(PROJECT)} is installed: pip install '{wanted}'"
    return ""


def overlooked() -> dict[str, bool]:
    """Return a message for each distribution that looks like a plugin of gradmix but has no entry point for it.

    These are distributions named gradmix-… or requiring gradmix. The value is True if the distribution has entry points
    in a group of a similar name, which is probably a mistake.
    """
    found: dict[str, bool] = {}
    for each in distributions():
        groups = {point.group for point in each.entry_points}
        is_named_so = each.name.lower().replace("_", "-").startswith(f"{PROJECT}-")
        if PROJECT in groups or each.name == PROJECT or not (is_named_so or any(_requirements(each, PROJECT))):
            continue
        similar = [group for group in groups if PROJECT in group.lower()]
        ignored = f"; gradmix does not read the group {listing(similar)}." if similar else "."
        lacks = f"offers no plugin: it has no entry point in the group '{PROJECT}'{ignored}"
        found[f"{each.name} {each.version} {lacks}"] = bool(similar)  # a distribution may be found twice
    return found


def _requirements(distribution: Distribution | None, name: str = "") -> Iterator[Requirement]:
    """Yield the valid requirements of a distribution and its extras; if a name is given, only those on that project."""
    lines = [line for line in (distribution and distribution.requires) or () if line.startswith(name)]
    if lines:
        from packaging.requirements import InvalidRequirement, Requirement

        for line in lines:
            with suppress(InvalidRequirement):
                requirement = Requirement(line)
                if not name or requirement.name == name:
                    yield requirement
