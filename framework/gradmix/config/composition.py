"""Composing the jobs of a sweep: what they share once, and then only what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gradmix.config.groups import group_arguments

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

_NUMBER = re.compile(r"([a-z_][\w.]*)=(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)")
"""An override that gives a number, which most jobs differ in: Hydra's parser takes a millisecond for each."""

_REFERENCE = re.compile(r"\$\{([a-z_][\w.]*)\}")
"""An interpolation that is the path of a value."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class _Change:
    """What one override changes.

    Parameters
    ----------
    text
        The override.
    path
        Path of what it changes.
    value
        The new value; meaningless for a choice.
    is_choice
        Whether it chooses an option of a group.
    is_plain
        Whether it does no more than give a value that is there another one, or choose.
    """

    text: str
    path: Path
    value: Any
    is_choice: bool = False
    is_plain: bool = True


class ComposedOnce:
    """Composes jobs as Hydra does, except that what jobs have in common is composed once.

    Jobs that choose the same options of the same groups differ in values alone: these are set in a copy of their common
    config. What is not plain is left to OmegaConf, and then to Hydra, who also say what is wrong with it.

    Parameters
    ----------
    loader
        Hydra's config loader.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._bases: dict[tuple[str, ...], _Common] = {}
        self._changes: dict[str, _Change] = {}
        self._groups: dict[str, bool] = {}

    def compose(self, master: DictConfig, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Compose a job's config, as plain values.

        Parameters
        ----------
        master
            The config that the sweep itself was started with.
        overrides
            The job's own.
        """
        changes = [self._change(override) for override in overrides]
        if all(each.is_plain for each in changes):
            choices = tuple(each.text for each in changes if each.is_choice)
            if choices not in self._bases:
                self._bases[choices] = _Common(self._in_full(master, choices))
            values = {each.path: each.value for each in changes if not each.is_choice}
            config = self._bases[choices].with_values(values)
            if config is not None:
                return config
        return plain_config(self._in_full(master, [each.text for each in changes]))

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Parse overrides by Hydra's grammar."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        return OverridesParser.create(config_loader=self.loader).parse_overrides(group_arguments(overrides))

    def _change(self, override: str) -> _Change:
        if override not in self._changes:
            self._changes[override] = self._read(override)
        return self._changes[override]

    def _read(self, override: str) -> _Change:
        from hydra.core.override_parser.types import OverrideType

        number = _NUMBER.fullmatch(override)
        if number and not number[1].startswith("hydra") and not self._is_group(number[1]):
            is_whole = number[3] is None and number[4] is None
            return _Change(override, tuple(number[1].split(".")), int(number[2]) if is_whole else float(number[2]))
        (parsed,) = self.parse([override])
        key, text = parsed.key_or_group, str(parsed.input_line)
        is_plain = parsed.type == OverrideType.CHANGE and not key.startswith("hydra") and "[" not in key
        is_choice = parsed.package is not None or self._is_group(key)
        value = parsed.value() if is_plain and not is_choice else None
        return _Change(text, tuple(key.split(".")), value, is_choice, is_plain)

    def _is_group(self, key: str) -> bool:
        """Whether a key is a group of which an option can be chosen."""
        if key not in self._groups:
            self._groups[key] = bool(self.loader.get_group_options(key))
        return self._groups[key]

    def _in_full(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        return self.loader.load_sweep_config(master, list(overrides))


class _Common:
    """The config that jobs have in common, to be copied with other values.

    Parameters
    ----------
    config
        As Hydra has composed it.
    """

    def __init__(self, config: DictConfig) -> None:
        self.config = config
        self.resolved = plain_config(config)
        self.raw: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
            OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]), resolve=False
        )

    @cached_property
    def _texts(self) -> dict[Path, str]:
        """Path → text of each interpolation."""
        return {path: value for path, value in _leaves(self.raw) if "${" in str(value)}

    @cached_property
    def _is_simple(self) -> bool:
        return all(isinstance(text, str) and "${" not in _REFERENCE.sub("", text) for text in self._texts.values())

    @cached_property
    def _names_hydra(self) -> bool:
        return any("hydra" in str(text) for text in self._texts.values())

    def with_values(self, values: Mapping[Path, Any]) -> dict[str, Any] | None:
        """The config with other values, as plain ones; None if Hydra has to compose it."""
        is_simple = self._is_simple and all(
            not isinstance(value, dict) and "$" not in str(value) and self._has_value(path)
            for path, value in values.items()
        )
        return self._copied(values) if is_simple else self._updated(values)

    def _has_value(self, path: Path) -> bool:
        node: Any = self.raw
        for key in path:
            if not isinstance(node, dict) or key not in node:
                return False
            node = node[key]
        return not isinstance(node, dict)

    def _copied(self, values: Mapping[Path, Any]) -> dict[str, Any] | None:
        config = _copy(self.resolved)
        for path, value in values.items():
            _put(config, path, value)
        try:
            for path, text in self._texts.items():
                if path not in values:
                    _put(config, path, self._resolve(text, values))
        except _UnclearError:
            return self._updated(values)
        return config

    def _resolve(self, text: str, values: Mapping[Path, Any]) -> Any:
        """What a text stands for, its references replaced."""
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return self._at(tuple(whole[1].split(".")), values)
        return _REFERENCE.sub(lambda each: _word(self._at(tuple(each[1].split(".")), values)), text)

    def _at(self, path: Path, values: Mapping[Path, Any]) -> Any:
        if path not in values and not self._has_value(path):
            raise _UnclearError
        value = values[path] if path in values else _get(self.raw, path)
        return self._resolve(value, values) if isinstance(value, str) and "${" in value else value

    def _updated(self, values: Mapping[Path, Any]) -> dict[str, Any] | None:
        """The same by OmegaConf, which knows all of its own interpolations."""
        if self._names_hydra or any("hydra" in str(value) for value in values.values()):
            return None
        config = OmegaConf.create(self.raw)
        OmegaConf.set_struct(config, True)
        OmegaConf.copy_cache(self.config, config)
        try:
            for path, value in values.items():
                OmegaConf.update(config, ".".join(path), value, merge=True)
            return plain_config(config)
        except OmegaConfBaseException:
            return None


class _UnclearError(Exception):
    """A reference to something else than a value."""


def _word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _UnclearError
    return str(value)


def _copy(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in node.items()}


def _get(node: Any, path: Path) -> Any:
    for key in path:
        node = node[key]
    return node


def _put(config: dict[str, Any], path: Path, value: Any) -> None:
    _get(config, path[:-1])[path[-1]] = value


def _leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def plain_config(config: DictConfig) -> dict[str, Any]:
    """A composed config as plain values, every interpolation resolved, without what Hydra keeps there for itself."""
    return {str(key): _plain(config, str(key)) for key in config if key != "hydra"}


def _plain(config: DictConfig, key: str) -> Any:
    if OmegaConf.is_missing(config, key):
        return "???"
    value = config[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
