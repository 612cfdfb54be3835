"""Parts, seeds and metrics as the first event of a journal declares them, so that readers need no plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning, read_meanings
from gradmix.contracts.role import Role
from gradmix.journal import legacy

_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True)
class Part:
    """A component of a run: its kind, and the role of that kind."""

    kind: str
    role: Role


@dataclass(frozen=True)
class Declared:
    """The declarations of a run when it starts."""

    parts: Mapping[str, Part]  # path in the config → component
    seeds: frozenset[str]  # parameters that only select the random numbers
    meanings: Mapping[str, Meaning]  # of each metric, in the order in which they rank results
    aliases: Mapping[str, str] = field(default_factory=dict)  # parameter → the name that several share


def declared_in(started: Mapping[str, Any]) -> Declared:
    """Read the declarations in the first event of a journal; missing and malformed ones are left out."""
    meanings = read_meanings(started.get("metrics"))
    declared, params = started.get("parts"), started.get("params")
    if not isinstance(declared, Mapping):
        params = params if isinstance(params, Mapping) else {}
        parts = {path: Part(kind, role) for path, (kind, role) in legacy.roles(params).items()}
        return Declared(parts, legacy.seeds(params), {**legacy.meanings(params), **meanings, TIME.name: TIME})
    parts = {
        str(path): Part(str(part.get("kind", "")), _ROLES[part["role"]])
        for path, part in declared.items()
        if isinstance(part, Mapping) and part.get("role") in _ROLES
    }
    ranking, seeds, aliases = started.get("ranking"), started.get("seeds"), started.get("aliases")
    ranked = [name for name in ranking if name in meanings] if isinstance(ranking, list) else []
    return Declared(
        parts,
        frozenset(map(str, seeds)) if isinstance(seeds, list) else frozenset(),
        {name: meanings[name] for name in dict.fromkeys([*ranked, *meanings])},
        {str(key): str(alias) for key, alias in aliases.items()} if isinstance(aliases, Mapping) else {},
    )


def short_names(keys: Sequence[str]) -> Mapping[str, str]:
    """Return key → its last part, if no other key has the same last part.

    >>> short_names(["clusterer.tol", "solver.tol", "seed", "dataset.path"])
    {'clusterer.tol': 'clusterer.tol', 'solver.tol': 'solver.tol', 'seed': 'seed', 'dataset.path': 'path'}
    """
    last = [key.rpartition(".")[2] for key in keys]
    return {key: end if last.count(end) == 1 else key for key, end in zip(keys, last, strict=True)}
