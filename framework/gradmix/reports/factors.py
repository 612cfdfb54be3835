"""What varies among runs: what was chosen, what was given, and what was only repeated over."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gradmix.contracts.errors import UnknownNameError, did_you_mean, listing
from gradmix.contracts.role import Role
from gradmix.journal.reading import Run

ABSENT = "–"


@dataclass(frozen=True)
class Factors:
    """The parameters of runs, by their part in a comparison.

    Parameters
    ----------
    choices
        What varies and is to be compared.
    given
        What varies and says what was to be solved; results are compared within one value of each.
    repeats
        What varies and is only repeated over.
    seeds
        Those of `repeats` that only repeat; each combination of the others is a condition of its own.
    constants
        What is the same in all runs.
    values
        Key → its values among the runs, in order.
    """

    choices: tuple[str, ...]
    given: tuple[str, ...]
    repeats: tuple[str, ...]
    seeds: tuple[str, ...]
    constants: Mapping[str, Any]
    values: Mapping[str, tuple[Any, ...]]

    @property
    def varying(self) -> tuple[str, ...]:
        """All that varies."""
        return (*self.given, *self.choices, *self.repeats)

    @cached_property
    def short(self) -> Mapping[str, str]:
        """Key → its last part, if no other key that varies ends so."""
        last = [key.rpartition(".")[2] for key in self.varying]
        return {key: end if last.count(end) == 1 else key for key, end in zip(self.varying, last, strict=True)}

    def label(self, settings: Mapping[str, Any]) -> str:
        """Some settings in words, names first: ``tied, n_components=3``."""
        present = [(key, value) for key, value in settings.items() if value is not None]
        ordered = sorted(present, key=lambda item: not _speaks_for_itself(item[1]))
        without = "without " + " and ".join(self.short[key] for key in settings) if settings else "all runs"
        return ", ".join(self.said(key, value) for key, value in ordered) or without

    def said(self, key: str, value: Any) -> str:
        """One setting in words: its value alone where that is a name."""
        return value if _speaks_for_itself(value) else f"{self.short[key]}={text_of(value)}"

    def position(self, settings: Mapping[str, Any]) -> tuple[int, ...]:
        """Where settings stand in the order of values."""
        return tuple(self.values[key].index(value) for key, value in settings.items())


def _speaks_for_itself(value: Any) -> bool:
    return isinstance(value, str) and value.replace("-", "_").isidentifier() and value != "null"


def text_of(value: Any) -> str:
    """A parameter's value as text: as one would type it.

    >>> text_of(True), text_of(None), text_of(1e-06), text_of("tied")
    ('true', '–', '1e-06', 'tied')
    """
    if value is None:
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_of(run: Run, key: str) -> Any:
    """A run's value of a parameter, in a form that can be compared and looked up; None if it has no such parameter."""
    if key not in run.params:
        return None
    value = run.params[key]
    return json.dumps(value, ensure_ascii=False) if value is None or isinstance(value, list | dict) else value


def values_of(run: Run, keys: Iterable[str]) -> tuple[Any, ...]:
    """A run's values of some parameters."""
    return tuple(value_of(run, key) for key in keys)


def by_values(runs: Iterable[Run], keys: Sequence[str]) -> dict[tuple[Any, ...], list[Run]]:
    """Runs by their values of some parameters."""
    found: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(values_of(run, keys), []).append(run)
    return found


def find_factors(runs: Sequence[Run], by: Sequence[str] = (), over: Sequence[str] = ()) -> Factors:
    """Find out what varies among runs.

    Parameters
    ----------
    runs
        The runs; those without parameters do not count.
    by
        Keys to compare by; all else that varies is then repeated over, but for what was given.
    over
        Keys to repeat over, beside seeds.

    Raises
    ------
    UnknownNameError
        If a key of `by` or `over` is no parameter of any run.
    """
    runs = [run for run in runs if run.params]
    keys = list(dict.fromkeys(key for run in runs for key in run.params))
    by, over = [_full(key, keys) for key in by], [_full(key, keys) for key in over]
    values = {key: _ordered(value_of(run, key) for run in runs) for key in keys}
    varying = [key for key in keys if key in by or _varies(key, values[key], keys, runs)]
    seeds = {key for run in runs for key in run.declared.seeds}
    parts = [item for run in runs for item in run.declared.parts.items()]
    given_parts = {path for path, part in parts if part.role is Role.GIVEN}
    # what an algorithm holds belongs to the algorithm
    is_given = {key: key.partition(".")[0] in given_parts for key in varying}
    repeats = [key for key in varying if key not in by and (key in over or key in seeds or (by and not is_given[key]))]
    rest = [key for key in varying if key not in repeats]
    given = [key for key in rest if is_given[key] and key not in by]
    constants = {key: values[key][0] for key in keys if len(values[key]) == 1 and key not in by}
    return Factors(
        choices=tuple(key for key in rest if key not in given),
        given=tuple(given),
        repeats=tuple(repeats),
        seeds=tuple(key for key in repeats if key in over or key in seeds),
        constants=constants,
        values={key: values[key] for key in varying},
    )


def _full(key: str, keys: Sequence[str]) -> str:
    """A key that is meant, by its name or its last part."""
    matching = [each for each in keys if each == key] or [each for each in keys if each.rpartition(".")[2] == key]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UnknownNameError(f"{key!r} may be {listing(matching)}; say which.")
    raise UnknownNameError(f"no run has a parameter {key!r}.{did_you_mean(key, keys)}")


def _varies(key: str, values: tuple[Any, ...], keys: Collection[str], runs: Iterable[Run]) -> bool:
    """An option that follows from the choice of its component, because each has its own default, does not vary."""
    if len(values) < 2:
        return False
    component = _owner(key, keys)
    if component == key:
        return True
    found: dict[Any, Any] = {}
    return any(found.setdefault(value_of(run, component), value_of(run, key)) != value_of(run, key) for run in runs)


def _owner(key: str, known: Collection[str]) -> str:
    """The component that an option belongs to: ``clusterer`` has ``clusterer.tol``; itself if it is none's.

    >>> _owner("events.patience.rounds", {"events.patience"}), _owner("events.patience", {"seed"})
    ('events.patience', 'events.patience')
    """
    ends = [index for index, letter in enumerate(key) if letter == "."]
    return next((key[:end] for end in reversed(ends) if key[:end] in known), key)


def _ordered(values: Iterable[Any]) -> tuple[Any, ...]:
    """Distinct values: numbers by size, all else as it came; what is lacking last."""
    distinct = list(dict.fromkeys(values))
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    others = [value for value in distinct if value is not None and value not in numbers]
    return (*sorted(numbers), *others, *([None] if None in distinct else []))
