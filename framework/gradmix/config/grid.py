"""Grids over components with different options: a job leaves out the options that its component lacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradmix.config.aliases import Path, path_of_override
from gradmix.config.build import unknown_option
from gradmix.config.groups import has_several, kinds_of, parse
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError, UnknownNameError, listing
from gradmix.contracts.option_values import check_option
from gradmix.contracts.options import aliases_of, options_of
from gradmix.contracts.task import Task

Overrides = tuple[str, ...]


class ComponentGrid:
    """Decide which overrides of a sweep apply to which of its jobs.

    If some of the swept components have an option, it applies to the jobs that choose these components. An option that
    none of them has raises `UnknownNameError`. If some of them have a choice among the swept values of an option, such
    as a covariance type, there is no job that gives this choice to the others. Options that config files set, and that
    only some of the components have, are removed from the configs of the others.

    Parameters
    ----------
    choices
        Key → the sweep's overrides of this key, each with a single value.
    component_of
        Function that returns the class that an override chooses; None if it is unknown.
    keys_of
        Function that returns the keys which the config has for the component that an override chooses.
    may_drop
        Whether combinations can be dropped; a search cannot foresee which it will try.
    """

    def __init__(
        self,
        choices: Mapping[str, Sequence[str]],
        component_of: Callable[[str], type[Component] | None],
        keys_of: Callable[[str], Collection[str]] = lambda override: (),
        may_drop: bool = True,
    ) -> None:
        swept = [key for key, overrides in choices.items() if len(overrides) > 1 and kinds_of(key)]
        owners = [_owner(key, choices[key], component_of) for key in swept]
        plain = [key for key in choices if not key.startswith(("+", "~"))]
        self._lacking = {key: found for key in plain if (found := list(_lacking(key, owners)))}
        self._in_files = {key: each for owner in owners for key, each in _lacking_in_files(owner, keys_of)}
        swept_options = [(key, owner) for key in plain for owner in owners] if may_drop else []
        self._refusals = [each for key, owner in swept_options for each in _refusals(key, choices[key], owner)]
        self._refusing = {value: each.components for each in self._refusals for value in each.values}

    def has(self, overrides: Overrides) -> bool:
        """Return whether the components that a combination chooses have the choices that it gives to their options."""
        return not any(each in self._refusing and not self._refusing[each].isdisjoint(overrides) for each in overrides)

    def applying(self, overrides: Overrides) -> Overrides:
        """Return the overrides of a job that apply to the components that it chooses."""
        chosen = set(overrides)

        def applies(override: str) -> bool:
            lacking = self._lacking.get(override.partition("=")[0], ())
            return all(chosen.isdisjoint(each.overrides) for each in lacking)

        removals = [f"~{key}" for key, each in self._in_files.items() if not chosen.isdisjoint(each.overrides)]
        return (*filter(applies, overrides), *(each for each in removals if each not in chosen))

    @property
    def left_out(self) -> list[str]:
        """One sentence for each option and group: the components for which the option, or a value, is left out.

        If a part of a component is left out, its options are not listed.
        """
        lacking = [*self._lacking.items(), *((key, [each]) for key, each in self._in_files.items())]
        found = {(path_of_override(key), each.overrides): each for key, several in lacking for each in several}
        sentences = [
            f"{'.'.join(path)} {each}"
            for (path, components), each in found.items()
            if not any((path[:length], components) in found for length in range(1, len(path)))
        ]
        return [*sentences, *map(str, self._refusals)]


@dataclass(frozen=True)
class _Owner:
    """A group that a sweep varies, with the options of each choice."""

    key: str
    place: Path
    components: Mapping[str, type[Component] | None]  # override → the class that it chooses
    names: Mapping[str, frozenset[str] | None]  # override → the keys allowed below it; None if unknown
    has_several: bool

    def name_in(self, path: Path) -> str | None:
        """Return the option or part of the chosen component to which a path belongs; None if it belongs to none."""
        if path[: len(self.place)] == self.place:
            return path[len(self.place)] if len(path) > len(self.place) else None
        is_part = self.place == (Task.kind,) and any(path[0] in (has or ()) for has in self.names.values())
        return path[0] if is_part else None  # the parts of a task are at the top of a config


@dataclass(frozen=True)
class _Refusal:
    """Swept values of an option that some components of a group do not have among their choices, as overrides."""

    values: Sequence[str]
    components: frozenset[str]
    owner: _Owner

    def __str__(self) -> str:
        key = self.values[0].partition("=")[0]
        values = ",".join(each.partition("=")[2] for each in self.values)
        names = [each.partition("=")[2] for each in self.owner.components if each in self.components]
        have = "have" if len(names) > 1 else "has"
        return f"{key}={values} is left out for {listing(names)}, which {have} no such choice"


@dataclass(frozen=True)
class _Lacking:
    """An option that some choices of a group lack, by their overrides."""

    owner: _Owner
    overrides: frozenset[str]
    name: str

    def __str__(self) -> str:
        values = [each.partition("=")[2] for each in self.owner.components if each in self.overrides]
        if self.owner.has_several:
            return f"is left out where {listing(f'{self.owner.key}={value}' for value in values)}"
        have = "have" if len(values) > 1 else "has"
        return f"is left out for {listing(values)}, which {have} no such option{self._hint}"

    @property
    def _hint(self) -> str:
        """An alias of the option that the components without it have, too; empty if there is none."""
        lacking = {
            alias
            for override, component in self.owner.components.items()
            if component is not None and override in self.overrides
            for alias in aliases_of(component)
        }
        having = (each for override, each in self.owner.components.items() if override not in self.overrides and each)
        aliases = [option.alias for each in having for option in options_of(each) if option.name == self.name]
        shared = next((alias for alias in aliases if alias in lacking), None)
        return f" ({'.'.join(self.owner.place)}.{shared} is the name that they share)" if shared else ""


def _owner(key: str, overrides: Sequence[str], component_of: Callable[[str], type[Component] | None]) -> _Owner:
    place = path_of_override(key)
    if has_several(key):
        chosen = {override: frozenset(_chosen(override)) for override in overrides}
        return _Owner(key, place, dict.fromkeys(overrides), chosen, has_several=True)
    components = {override: component_of(override) for override in overrides}
    names = {override: None if each is None else _names_of(each) for override, each in components.items()}
    return _Owner(key, place, components, names, has_several=False)


def _chosen(override: str) -> Sequence[str]:
    """Return the names in an override such as ``events=[patience,target]``."""
    value: Any = parse([override])[0].value()
    return list(map(str, value)) if isinstance(value, list) else [str(value)]


def _names_of(component: type[Component]) -> frozenset[str]:
    return frozenset({"name", *aliases_of(component), *(option.name for option in options_of(component))})


def _lacking(key: str, owners: Sequence[_Owner]) -> Iterator[_Lacking]:
    path = path_of_override(key)
    for owner in owners:
        name = owner.name_in(path)
        if name is None:
            continue
        lacking = [override for override, has in owner.names.items() if has is not None and name not in has]
        if len(lacking) < len(owner.names):
            yield from [_Lacking(owner, frozenset(lacking), name)] if lacking else []
        elif not owner.has_several:  # for several, Hydra reports a component that is not chosen
            values = " or ".join(override.partition("=")[2] for override in lacking)
            known = sorted({each for has in owner.names.values() for each in has or ()} - {"name"})
            place = ".".join(owner.place)
            component = next(filter(None, owner.components.values()), None)
            raise UnknownNameError(unknown_option(f"{place}.{name}", f"{place} {values}", known, component))


def _lacking_in_files(owner: _Owner, keys_of: Callable[[str], Collection[str]]) -> Iterator[tuple[str, _Lacking]]:
    """Yield the options that config files set for components without them, though other swept components have them."""
    if owner.has_several:
        return
    surplus = {override: set(keys_of(override)) - has for override, has in owner.names.items() if has is not None}
    known = {name for has in owner.names.values() for name in has or ()}
    for name in sorted(known & set().union(*surplus.values())):
        lacking = frozenset(override for override, names in surplus.items() if name in names)
        yield ".".join((*owner.place, name)), _Lacking(owner, lacking, name)


def _refusals(key: str, overrides: Sequence[str], owner: _Owner) -> Iterator[_Refusal]:
    *place, name = path_of_override(key)
    if tuple(place) != owner.place or len(overrides) < 2:
        return
    values = {override: parse([override])[0].value() for override in overrides}
    taken = {
        chosen: frozenset(override for override, value in values.items() if _takes(component, name, value))
        for chosen, component in owner.components.items()
    }
    known = frozenset().union(*taken.values())  # any other value is a mistake, which its jobs report
    refusing: dict[frozenset[str], list[str]] = {}
    for override in overrides:
        lacking = frozenset(chosen for chosen, has in taken.items() if has and override not in has)
        if lacking and override in known:
            refusing.setdefault(lacking, []).append(override)
    yield from (_Refusal(each, lacking, owner) for lacking, each in refusing.items())


def _takes(component: type[Component] | None, name: str, value: Any) -> bool:
    """Return whether a component has an option, and the value among its choices if it is a string."""
    options = options_of(component) if component is not None else ()
    option = next((each for each in options if name in (each.name, each.alias)), None)
    if option is None:
        return False
    try:
        if isinstance(value, str) and option.part is None:
            check_option(option, value, "")
    except ConfigError:
        return False
    return True
