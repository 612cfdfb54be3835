"""Config groups: one for each kind, and one for each field that holds a component.

A group of a field has the name of the field, and the type of the field specifies the kind. The field ``train: Dataset``
of a task makes ``train`` a group of data sets. A field of another component is a group within the group of that
component: ``clusterer/differentiator``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.options import options_of
from gradmix.contracts.task import Task
from gradmix.registry.registry import Registry, registry

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

_NO_FIELDS = frozenset({"hydra", "experiment", *(option.name for option in options_of(Settings))})
"""First parts of paths that never belong to a component, so that no class has to be imported to check."""


def kinds_of(group: str) -> list[str]:
    """Return the kinds of components in a group; empty if there is no such group.

    Classes are imported only if the group does not have the name of a kind.
    """
    parent, _, name = group.rpartition("/")
    contract = registry().kinds.get(name)
    if contract is not None and (contract.role.has_group if not parent else kinds_of(parent)):
        return [name]
    if not name.isidentifier() or group.partition("/")[0] in _NO_FIELDS:
        return []
    owners = kinds_of(parent) if parent else [Task.kind]
    held = [fields[name] for owner in owners for fields in fields_of(registry(), owner).values() if name in fields]
    return list(dict.fromkeys(held))


@cache
def fields_of(known: Registry, kind: str) -> dict[str, dict[str, str]]:
    """Return the name of each component of a kind → its fields that hold another component → the kind of the latter."""
    found = {}
    for entry in known:
        if entry.kind == kind:
            with suppress(GradmixError):  # an unusable component has no fields; lists report why
                options = options_of(entry.load())
                found[known.name_of(entry)] = {option.name: option.part.kind for option in options if option.part}
    return found


def has_several(kind: str) -> bool:
    """Return whether a config can choose several components of this kind for a run."""
    contract = registry().kinds.get(kind)
    return contract is not None and contract.role.has_several


def kind_in(group: str, name: str) -> str | None:
    """Return the kind of the named component in a group; None if the group has no such component."""
    return next((kind for kind in kinds_of(group) if registry().offers(kind, name)), None)


def parse(overrides: Sequence[str], loader: ConfigLoader | None = None) -> list[Override]:
    """Parse overrides with Hydra's grammar; a component chosen by its path becomes a choice from a group.

    ``clusterer.differentiator=dual`` becomes ``clusterer/differentiator=dual``. The spelling of version 0.1,
    ``differentiator@clusterer.differentiator=dual``, is translated in the same way. Globs need Hydra's config loader.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create(config_loader=loader).parse_overrides(list(map(_as_group, overrides)))


def _as_group(argument: str) -> str:
    key, _, value = argument.partition("=")
    kind, at, place = key.rpartition("@")
    group = place.replace(".", "/")
    if not value or not re.fullmatch(r"\w+(/\w+)*", group):
        return argument
    if at:
        return f"{group}={value}" if kind in kinds_of(group) else argument
    if "/" not in group:
        return argument
    words = re.findall(r"[\w-]+:\w+|\w+", value)  # one name, or several
    is_named = any(entry.kind in kinds_of(group) for word in words for entry in registry().search(word))
    return f"{group}={value}" if is_named else argument
