"""What the metadata of installed distributions say: whose extra installs a package, who needs another gradmix."""

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
    for requirement in _requirements(distribution, PROJECT):
        if not requirement.specifier.contains(version(PROJECT), prereleases=True):
            wanted = f"{PROJECT}{requirement.specifier}"
            return f"it asks for {wanted}, and this is {version(PROJECT)}: pip install '{wanted}'"
    return ""


def overlooked() -> dict[str, bool]:
    """Say of each distribution that is called gradmix-… or requires gradmix, and offers no plugin, what it lacks.

    Those that have entry points in a group of nearly the right name are mistakes, and are marked so.
    """
    found: dict[str, bool] = {}
    for each in distributions():
        groups = {point.group for point in each.entry_points}
        is_named_so = each.name.lower().replace("_", "-").startswith(f"{PROJECT}-")
        if PROJECT in groups or each.name == PROJECT or not (is_named_so or any(_requirements(each, PROJECT))):
            continue
        similar = [group for group in groups if PROJECT in group.lower()]
        ignored = f"; those in {listing(similar)} are not read." if similar else "."
        lacks = f"offers no plugin: it has no entry point in the group '{PROJECT}'{ignored}"
        found[f"{each.name} {each.version} {lacks}"] = bool(similar)  # a distribution may be found twice
    return found


def _requirements(distribution: Distribution | None, name: str = "") -> Iterator[Requirement]:
    """The valid requirements of a distribution, for extras too; if a name is given, those of that project."""
    lines = [line for line in (distribution and distribution.requires) or () if line.startswith(name)]
    if lines:
        from packaging.requirements import InvalidRequirement, Requirement

        for line in lines:
            with suppress(InvalidRequirement):
                requirement = Requirement(line)
                if not name or requirement.name == name:
                    yield requirement
