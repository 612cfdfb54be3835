"""Compose the jobs of a sweep: their common config once, and for each job only the changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from gradmix.config.aliases import aliases_in, settle_aliases
from gradmix.config.files import leaves
from gradmix.config.groups import parse

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

_NUMBER = re.compile(r"([a-z_][\w.]*)=(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)")
"""An override whose value is a number. Most overrides of jobs are such, and Hydra's parser takes 1 ms for each."""

_REFERENCE = re.compile(r"\$\{([a-z_][\w.]*)\}")
"""An interpolation that refers to a value by its path."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class _Change:
    """The change that one override makes."""

    text: str
    path: Path
    value: Any
    is_choice: bool = False
    """Whether it chooses an option of a group; then `value` is unused."""
    is_plain: bool = True
    """Whether it only makes a choice, or replaces one value by another."""


class ComposedOnce:
    """Compose jobs as Hydra does, except that the common config of jobs is composed only once.

    Jobs that choose the same options of the same groups differ only in values, which are set in a copy of their common
    config. Any other override is left to Hydra, which also reports its errors.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._common: dict[tuple[str, ...], _Common] = {}
        self._change = cache(self._read)
        self._is_group = cache(lambda key: bool(loader.get_group_options(key)))

    def compose(self, master: DictConfig, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Compose the config of a job with these overrides, as plain values; `master` is the config of the sweep."""
        changes = [self._change(override) for override in overrides]
        if all(each.is_plain for each in changes):
            choices = tuple(each.text for each in changes if each.is_choice)
            if choices not in self._common:
                self._common[choices] = _Common(self.loader.load_sweep_config(master, list(choices)), choices)
            with suppress(_UnclearError):
                return self._common[choices].with_values(
                    {each.path: each.value for each in changes if not each.is_choice}
                )
        config = self.loader.load_sweep_config(master, [each.text for each in changes])
        return plain_config(config, [each.text for each in changes])

    def _read(self, override: str) -> _Change:
        from hydra.core.override_parser.types import OverrideType

        number = _NUMBER.fullmatch(override)
        if number and not number[1].startswith("hydra") and not self._is_group(number[1]):
            is_whole = number[3] is None and number[4] is None
            return _Change(override, tuple(number[1].split(".")), int(number[2]) if is_whole else float(number[2]))
        (parsed,) = parse([override], self.loader)
        key, text = parsed.key_or_group, str(parsed.input_line)
        is_plain = parsed.type == OverrideType.CHANGE and not key.startswith("hydra") and "[" not in key
        is_choice = parsed.package is not None or self._is_group(key)
        value = parsed.value() if is_plain and not is_choice else None
        return _Change(text, tuple(key.split(".")), value, is_choice, is_plain)


class _Common:
    """The common config of jobs, composed by Hydra; jobs get copies of it with other values."""

    def __init__(self, config: DictConfig, choices: Sequence[str]) -> None:
        self.resolved = plain_config(config, choices)
        keys = [str(key) for key in config if key != "hydra"]
        raw: Any = OmegaConf.to_container(OmegaConf.masked_copy(config, keys), resolve=False)
        self.own_paths = {path: (*path[:-1], option.name) for path, option in aliases_in(raw).items()}
        self.values = {path: value for path, value in leaves(raw) if path not in self.own_paths}
        self.interpolations = {path: value for path, value in self.values.items() if "${" in str(value)}

    def with_values(self, values: Mapping[Path, Any]) -> dict[str, Any]:
        """Return a plain copy of the config with other values; raise `_UnclearError` if Hydra has to compose it."""
        n_given = len(values)
        values = {self.own_paths.get(path, path): value for path, value in values.items()}
        if len(values) < n_given:  # an option was given by both of its names
            raise _UnclearError
        for path, value in values.items():
            if isinstance(value, dict) or "$" in str(value) or isinstance(self.values.get(path, {}), dict):
                raise _UnclearError
        config = _copy(self.resolved)
        others = {path: text for path, text in self.interpolations.items() if path not in values}
        for path, value in {**values, **{path: self._resolve(text, values) for path, text in others.items()}}.items():
            reduce(getitem, path[:-1], config)[path[-1]] = value
        return config

    def _resolve(self, text: Any, values: Mapping[Path, Any]) -> Any:
        """Return a value with its references replaced by the values that they refer to."""
        if not isinstance(text, str) or "${" in _REFERENCE.sub("", text):
            raise _UnclearError
        if whole := _REFERENCE.fullmatch(text):
            return self._at(whole[1], values)
        return _REFERENCE.sub(lambda each: self._word_at(each[1], values), text)

    def _at(self, reference: str, values: Mapping[Path, Any]) -> Any:
        path = tuple(reference.split("."))
        value = values.get(path, self.values.get(path, {}))
        if isinstance(value, dict):
            raise _UnclearError
        return self._resolve(value, values) if isinstance(value, str) and "${" in value else value

    def _word_at(self, reference: str, values: Mapping[Path, Any]) -> str:
        value = self._at(reference, values)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _UnclearError
        return str(value)


class _UnclearError(Exception):
    """Raised for a value or a reference that only Hydra can resolve."""


def _copy(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in node.items()}


def plain_config(config: DictConfig, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return a composed config as plain values, with every interpolation resolved and without the section ``hydra``.

    Aliases are replaced by the own names of their options. `overrides` are the overrides of this config.
    """
    aliases = settle_aliases(config, overrides)
    plain = {str(key): _plain(config, str(key)) for key in config if key != "hydra"}
    for *owner, alias in aliases:
        reduce(getitem, owner, plain).pop(alias, None)
    return plain


def _plain(config: DictConfig, key: str) -> Any:
    if OmegaConf.is_missing(config, key):
        return "???"
    value = config[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
