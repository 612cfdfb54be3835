"""Find the factors that differ among runs: choices, given values, and repeats."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gradmix.contracts.errors import UnknownNameError, did_you_mean, listing
from gradmix.contracts.role import Role
from gradmix.journal.declared import short_names
from gradmix.journal.reading import Run
from gradmix.reports.shared_names import other_names

ABSENT = "–"


@dataclass(frozen=True)
class Factors:
    """The parameters of runs by their role in a comparison.

    The choices are compared over the repeats, separately for each combination of the given values (the problem to
    solve). Among the repeats, only the seeds are repetitions; each combination of the others is a separate condition.
    Constants are the same in all runs. `values` has the values of each factor in order.
    """

    choices: tuple[str, ...]
    given: tuple[str, ...]
    repeats: tuple[str, ...]
    seeds: tuple[str, ...]
    constants: Mapping[str, Any]
    values: Mapping[str, tuple[Any, ...]]

    @property
    def varying(self) -> tuple[str, ...]:
        """All factors."""
        return (*self.given, *self.choices, *self.repeats)

    @cached_property
    def short(self) -> Mapping[str, str]:
        """Key → its last part, if no other factor has the same last part."""
        return short_names(self.varying)

    def label(self, settings: Mapping[str, Any]) -> str:
        """Describe settings in words, names first: ``tied, n_components=3``."""
        present = [(key, value) for key, value in settings.items() if value is not None]
        ordered = sorted(present, key=lambda item: not _is_name(item[1]))
        without = "without " + " and ".join(self.short[key] for key in settings) if settings else "all runs"
        return ", ".join(self.said(key, value) for key, value in ordered) or without

    def said(self, key: str, value: Any) -> str:
        """Describe one setting in words: only its value if that is a name."""
        return value if _is_name(value) else f"{self.short[key]}={text_of(value)}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.replace("-", "_").isidentifier() and value != "null"


def text_of(value: Any) -> str:
    """Return a parameter's value as text, in the form that a user would type.

    >>> text_of(True), text_of(None), text_of(1e-06), text_of("tied")
    ('true', '–', '1e-06', 'tied')
    """
    if value is None:
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_of(run: Run, key: str) -> Any:
    """Return a run's value of a parameter in a hashable form; None if the run has no such parameter."""
    if key not in run.params:
        return None
    value = run.params[key]
    return json.dumps(value, ensure_ascii=False) if value is None or isinstance(value, list | dict) else value


def values_of(run: Run, keys: Iterable[str]) -> tuple[Any, ...]:
    """Return a run's values of some parameters."""
    return tuple(value_of(run, key) for key in keys)


def by_values(runs: Iterable[Run], keys: Sequence[str]) -> dict[tuple[Any, ...], list[Run]]:
    """Group runs by their values of some parameters."""
    found: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(values_of(run, keys), []).append(run)
    return found


def find_factors(runs: Sequence[Run], by: Sequence[str] = (), over: Sequence[str] = ()) -> Factors:
    """Find the factors among runs; runs without parameters are ignored.

    With keys to compare `by`, all other factors are repeats, except given ones. The keys of `over` are repeats, like
    seeds. A key that is not a parameter of any run raises an `UnknownNameError`.
    """
    runs = [run for run in runs if run.params]
    keys = list(dict.fromkeys(key for run in runs for key in run.params))
    others = other_names(runs) if by or over else {}
    by, over = [full_key(key, keys, others) for key in by], [full_key(key, keys, others) for key in over]
    values = {key: _ordered(value_of(run, key) for run in runs) for key in keys}
    varying = [key for key in keys if key in by or (len(values[key]) > 1 and not _follows(key, keys, runs))]
    seeds = {key for run in runs for key in run.declared.seeds}
    parts = [item for run in runs for item in run.declared.parts.items()]
    given_parts = {path for path, part in parts if part.role is Role.GIVEN}
    # a part inside an algorithm belongs to the algorithm, so its options are choices
    is_given = {key: key.partition(".")[0] in given_parts for key in varying}
    repeats = [key for key in varying if key not in by and (key in over or key in seeds or (by and not is_given[key]))]
    given = [key for key in varying if key not in repeats and is_given[key] and key not in by]
    return Factors(
        choices=tuple(key for key in varying if key not in repeats and key not in given),
        given=tuple(given),
        repeats=tuple(repeats),
        seeds=tuple(key for key in repeats if key in over or key in seeds),
        constants={key: values[key][0] for key in keys if len(values[key]) == 1 and key not in by},
        values={key: values[key] for key in varying},
    )


def full_key(key: str, keys: Collection[str], others: Mapping[str, Collection[str]] | None = None) -> str:
    """Find a key by its name or its last part; raise an `UnknownNameError` if none matches, or several do.

    `others` maps each key with two names to its other names.
    """
    matching = [each for each in keys if each == key] or [each for each in keys if each.rpartition(".")[2] == key]
    if not matching and others:
        named = (name for each, names in others.items() if key in (each, each.rpartition(".")[2]) for name in names)
        matching = [name for name in dict.fromkeys(named) if name in keys]
    if not matching:
        raise UnknownNameError(f"no run has a parameter {key!r}.{did_you_mean(key, keys)}")
    if len(matching) > 1:
        raise UnknownNameError(f"{key!r} is ambiguous: use one of {listing(matching)}.")
    return matching[0]


def follows_seed(key: str, runs: Iterable[Run]) -> bool:
    """Return whether a component's seed always equals the run's, so that it need not be shown as well."""
    own = ((value_of(run, key), value_of(run, "seed")) for run in runs)
    return key.endswith(".random_state") and all(value in (None, seed) for value, seed in own)


def _follows(key: str, keys: Collection[str], runs: Iterable[Run]) -> bool:
    """Return whether an option is determined by the choice of its component, because each has its own default."""
    ends = [index for index, letter in enumerate(key) if letter == "."]
    component = next((key[:end] for end in reversed(ends) if key[:end] in keys), None)
    if component is None:
        return False
    found: dict[Any, Any] = {}
    return all(found.setdefault(value_of(run, component), value_of(run, key)) == value_of(run, key) for run in runs)


def _ordered(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the distinct values: numbers by size, others in order of appearance, a missing value (None) last."""
    distinct = list(dict.fromkeys(values))
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    others = [value for value in distinct if value is not None and value not in numbers]
    return (*sorted(numbers), *others, *([None] if None in distinct else []))
