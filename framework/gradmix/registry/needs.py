"""What a plugin needs and does not have: a package that an extra installs, a newer gradmix. And how to get it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gradmix.contracts.hooks import PROJECT

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def missing(packages: Iterable[str]) -> list[str]:
    """Those of some packages that are not installed; none is imported."""
    return [package for package in packages if find_spec(package) is None]


def how_to_install(package: str, distribution: Distribution | None) -> str:
    """The command that installs a package: by an extra of the distribution that wants it, if one does."""
    extras = [extra for extra, names in _extras(distribution) if _brings(extra, names, package)]
    return f"pip install '{distribution.name}[{extras[0]}]'" if distribution and extras else f"pip install {package}"


def brought_by(package: str, distribution: Distribution | None) -> bool:
    """Whether an extra of a distribution installs a package: one that nobody asks for may be a slip of the pen."""
    return any(_brings(extra, names, package) for extra, names in _extras(distribution))


def _extras(distribution: Distribution | None) -> Iterator[tuple[str, list[str]]]:
    """Extras of a distribution, smallest first, and the distributions that each installs."""
    by_extra: dict[str, list[str]] = {}
    for requirement in _requirements(distribution):
        for extra in re.findall(r"extra == ['\"]([\w.-]+)['\"]", str(requirement.marker or "")):
            by_extra.setdefault(extra, []).append(requirement.name)
    yield from sorted(by_extra.items(), key=lambda item: len(item[1]))


def _brings(extra: str, names: Iterable[str], package: str) -> bool:
    """Whether an extra installs a package, whose distribution may have a longer name (``faiss`` is in faiss-cpu)."""
    plain = {name.lower().replace("-", "_").replace(".", "_") for name in names}
    return package.lower() in plain or (extra.lower() == package.lower() and bool(plain))


def unmet(distribution: Distribution | None) -> str:
    """Why a distribution cannot work with this gradmix, and what would help; empty if it can."""
    for requirement in _requirements(distribution, PROJECT):
        if requirement.name == PROJECT and not requirement.specifier.contains(_own_version(), prereleases=True):
            wanted = f"{PROJECT}{requirement.specifier}"
            return f"it asks for {wanted}, and this is {_own_version()}: pip install '{wanted}'"
    return ""


def requires_gradmix(distribution: Distribution) -> bool:
    """Whether a distribution requires gradmix, also for an extra."""
    return any(requirement.name == PROJECT for requirement in _requirements(distribution, PROJECT))


@cache
def _own_version() -> str:
    return version(PROJECT)


def _requirements(distribution: Distribution | None, only: str = "") -> Iterator[Requirement]:
    """What a distribution requires, as its metadata say; only lines that begin with a name, if one is given."""
    header = ((distribution.read_text("METADATA") if distribution else "") or "").partition("\n\n")[0]
    lines = [line for line in header.splitlines() if line.startswith(f"Requires-Dist: {only}")]
    if not lines:
        return
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        try:
            yield Requirement(line.removeprefix("Requires-Dist: "))
        except InvalidRequirement:
            continue
