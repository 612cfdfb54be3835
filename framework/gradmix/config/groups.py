"""Config groups: the kinds, and the fields that hold a component; a field's name is its group, its type says the kind.

The field ``train: Dataset`` of a task makes ``train`` a group of data sets. A field of another component is a group
within that component's: ``clusterer/differentiator``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradmix.config.spec import Settings
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.options import options_of
from gradmix.contracts.role import Role
from gradmix.registry.registry import registry

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
    return list(dict.fromkeys(_kinds_of_fields(parent, name)))


def _kinds_of_fields(parent: str, name: str) -> Iterator[str]:
    """Kinds that fields of a name hold: fields of tasks at the top, else of components in the parent group."""
    if not name.isidentifier() or group_is_hydras(parent or name):
        return
    known = registry()
    owners = kinds_of(parent) if parent else [kind for kind, each in known.kinds.items() if each.role is Role.TASK]
    for entry in known:
        if entry.kind in owners:
            try:
                options = options_of(entry.load())
            except GradmixError:  # what cannot be used has no fields; listings say why
                continue
            yield from (option.part.kind for option in options if option.part and option.name == name)


def group_is_hydras(group: str) -> bool:
    """Whether a group is Hydra's or one of settings."""
    return group.partition("/")[0] in _NO_FIELDS


def kind_in(group: str, name: str) -> str | None:
    """Kind of the component of that name in a group; None if there is none."""
    return next((kind for kind in kinds_of(group) if registry().has(kind, name)), None)


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
