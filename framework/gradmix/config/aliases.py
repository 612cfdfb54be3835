"""Aliases in configs: an alias is a second name of an option, and a value given to the alias is set on the option."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gradmix.config.groups import has_several, kind_in
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.contracts.options import Option, aliases_of
from gradmix.registry.registry import registry

Path = tuple[str, ...]


def reference_to(option: Option) -> str:
    """Return the default value of an alias in a config: a reference to its option, which is in the same node."""
    return f"${{.{option.name}}}"


def path_of_override(override: str) -> Path:
    """Return the path in the config that an override sets, or the group from which it chooses.

    >>> path_of_override("+solver/differentiator=dual"), path_of_override("clusterer.k=2")
    (('solver', 'differentiator'), ('clusterer', 'k'))
    """
    key = override.partition("=")[0].lstrip("+~").partition("@")[0]
    return tuple(key.replace("/", ".").split("."))


def component_at(path: Path, name: Any) -> type[Component] | None:
    """Return the class of the named component at a path in a config; None if no component belongs at this path."""
    if not isinstance(name, str):
        return None
    if has_several(path[0]):
        kind = path[0] if len(path) == 2 and registry().offers(path[0], name) else None
    else:
        kind = kind_in("/".join(path), name)
    with suppress(GradmixError):  # if it cannot be used, `build` reports the reason
        return registry().find(kind, name).load() if kind else None
    return None


def aliases_in(config: Mapping[str, Any], place: Path = ()) -> dict[Path, Option]:
    """Return the aliases of all components in a config: path of the alias → its option.

    `config` has plain values; `place` is the path of `config` itself.
    """
    found: dict[Path, Option] = {}
    for key, node in config.items():
        path = (*place, key)
        if not isinstance(node, Mapping) or path == ("hydra",):
            continue
        component = component_at(path, node.get("name"))
        if component is not None:
            found |= {(*path, alias): option for alias, option in aliases_of(component).items()}
        if component is not None or has_several(".".join(path)):
            found |= aliases_in(node, path)
    return found


def settle_aliases(config: DictConfig, overrides: Collection[str]) -> dict[Path, Option]:
    """Set each option of a composed config to the value that was given to its alias; return the aliases.

    Values from `overrides` win over values from config files. Raises ConfigError if both names are given with different
    values.
    """
    keys = [str(key) for key in config if key != "hydra"]
    raw: Any = OmegaConf.to_container(OmegaConf.masked_copy(config, keys), resolve=False)
    typed = set(map(path_of_override, overrides))
    aliases = aliases_in(raw)
    for path, option in aliases.items():
        *owner, alias = path
        node, own_path = reduce(getitem, owner, raw), (*owner, option.name)
        given, own, reference = node.get(alias, reference_to(option)), node[option.name], reference_to(option)
        if given == reference:
            continue
        settled = reduce(getitem, owner, config)
        settled[alias] = reference
        if own_path in typed and path not in typed:
            continue
        is_set = own_path in typed or (path not in typed and own != option.default_in_config)
        if is_set and own != given:
            raise ConfigError(
                f"{'.'.join(path)}={given} and {'.'.join(own_path)}={own} give one option two values; give one of them."
            )
        settled[option.name] = given
    return aliases
