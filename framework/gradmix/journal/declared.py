"""What the first event of a run's journal declares of parts, seeds and metrics, so that no reader needs a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradmix.contracts.meaning import TIME, Meaning, read_meanings
from gradmix.contracts.role import Role
from gradmix.journal import legacy


@dataclass(frozen=True)
class Part:
    """A component of a run.

    Parameters
    ----------
    kind
        Its kind.
    role
        What the kind is for.
    """

    kind: str
    role: Role


@dataclass(frozen=True)
class Declared:
    """What a run declares when it starts.

    Parameters
    ----------
    parts
        Path in the config → component.
    seeds
        Parameters that only say which random numbers are drawn.
    meanings
        Metric → its meaning, in the order in which results are ranked by them.
    """

    parts: Mapping[str, Part]
    seeds: frozenset[str]
    meanings: Mapping[str, Meaning]


def declared_in(started: Mapping[str, Any]) -> Declared:
    """Read what the first event of a journal declares; what is missing or malformed is left out."""
    meanings = read_meanings(started.get("metrics"))
    parts = started.get("parts")
    if not isinstance(parts, Mapping):
        params = started.get("params")
        return _of_0_1(params if isinstance(params, Mapping) else {}, meanings)
    ranking, seeds = started.get("ranking"), started.get("seeds")
    ranked = [name for name in ranking if name in meanings] if isinstance(ranking, list) else []
    return Declared(
        dict(_parts(parts)),
        frozenset(map(str, seeds)) if isinstance(seeds, list) else frozenset(),
        {name: meanings[name] for name in dict.fromkeys([*ranked, *meanings])},
    )


def _of_0_1(params: Mapping[str, Any], chosen: Mapping[str, Meaning]) -> Declared:
    parts = {path: Part(kind, role) for path, (kind, role) in legacy.roles(params).items()}
    return Declared(parts, legacy.seeds(params), {**legacy.meanings(params), **chosen, TIME.name: TIME})


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[str, Part]]:
    roles = {role.value: role for role in Role}
    for path, what in record.items():
        if isinstance(what, Mapping) and what.get("role") in roles:
            yield str(path), Part(str(what.get("kind", "")), roles[what["role"]])
