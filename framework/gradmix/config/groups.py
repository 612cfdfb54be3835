"""Config groups: the kinds, and the fields that hold a component; a field's name is its group, its type says the kind.

The field ``train: Dataset`` of a task makes ``train`` a group of data sets. A field of another component is a group
within that component's: ``clusterer/differentiator``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.options import options_of
from gradmix.contracts.task import Task
from gradmix.registry.registry import Registry, registry

_NO_FIELDS = frozenset({"hydra", "experiment", *(option.name for option in options_of(Settings))})
"""First parts of paths that are no component's, so that no class is imported to find out."""


def kinds_of(group: str) -> list[str]:
    """Kinds of components in a group; empty if there is no such group.

    Classes are imported only if the group has no kind's name.
    """
    parent, _, name = group.rpartition("/")
    contract = registry().kinds.get(name)
    if contract is not None and (contract.role.has_group if not parent else kinds_of(parent)):
        return [name]
    if not name.isidentifier() or group.partition("/")[0] in _NO_FIELDS:
        return []
    owners = kinds_of(parent) if parent else [Task.kind]
    held = [fields[name] for owner in owners for fields in _fields_of(registry(), owner) if name in fields]
    return list(dict.fromkeys(held))


@cache
def _fields_of(known: Registry, kind: str) -> list[dict[str, str]]:
    """For each component of a kind: the fields that hold another one, and the kind of that."""
    found = []
    for entry in known:
        if entry.kind == kind:
            with suppress(GradmixError):  # what cannot be used has no fields; listings say why
                found.append({option.name: option.part.kind for option in options_of(entry.load()) if option.part})
    return found


def kind_in(group: str, name: str) -> str | None:
    """Kind of the component of that name in a group; None if there is none."""
    return next((kind for kind in kinds_of(group) if registry().offers(kind, name)), None)


def group_arguments(arguments: Sequence[str]) -> list[str]:
    """Arguments in which a component is chosen by its path, as choices of Hydra's groups.

    ``clusterer.differentiator=dual`` becomes ``clusterer/differentiator=dual``; so does the spelling of version 0.1,
    ``differentiator@clusterer.differentiator=dual``.
    """
    return [_as_group(argument) for argument in arguments]


def _as_group(argument: str) -> str:
    key, _, value = argument.partition("=")
    kind, at, place = key.rpartition("@")
    group = place.replace(".", "/")
    if not value or not re.fullmatch(r"\w+(/\w+)*", group):
        return argument
    if at:
        return f"{group}={value}" if kind in kinds_of(group) else argument
    return f"{group}={value}" if "/" in group and _names_component(group, value) else argument


def _names_component(group: str, value: str) -> bool:
    """Whether a value, or one of several, is the name of a component that the group may hold."""
    words = re.findall(r"[\w-]+:\w+|\w+", value)
    return any(entry.kind in kinds_of(group) for word in words for entry in registry().search(word))
