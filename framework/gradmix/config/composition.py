"""Composing the jobs of a sweep: what they share once, and then only what changes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from gradmix.config.groups import group_arguments

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override


class ComposedOnce:
    """Composes jobs as Hydra does, except that what jobs have in common is composed once.

    Jobs that choose the same options of the same groups differ in values alone: these are set in their common config,
    as Hydra sets them, and taken back when the job's own config has been read off.

    Parameters
    ----------
    loader
        Hydra's config loader.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._bases: dict[tuple[str, ...], DictConfig] = {}
        self._parsed: dict[str, Override] = {}

    def compose(self, master: DictConfig, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Compose a job's config, as plain values.

        Parameters
        ----------
        master
            The config that the sweep itself was started with.
        overrides
            The job's own.
        """
        from hydra.core.override_parser.types import OverrideType

        overrides = group_arguments(overrides)
        parsed = [self._parse_one(override) for override in overrides]
        if all(each.type == OverrideType.CHANGE and not each.key_or_group.startswith("hydra") for each in parsed):
            values = [each for each in parsed if not self._is_choice(each)]
            base = self._base(master, [each for each in parsed if self._is_choice(each)])
            with self._set(base, values, overrides, parsed) as is_set:
                if is_set:
                    return plain_config(base)
        return plain_config(self._in_full(master, overrides))

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Parse overrides by Hydra's grammar."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        return OverridesParser.create(config_loader=self.loader).parse_overrides(group_arguments(overrides))

    def _parse_one(self, override: str) -> Override:
        if override not in self._parsed:
            (self._parsed[override],) = self.parse([override])
        return self._parsed[override]

    def _in_full(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        return self.loader.load_sweep_config(master, list(overrides))

    def _base(self, master: DictConfig, choices: Sequence[Override]) -> DictConfig:
        """What all jobs with these choices have in common."""
        lines = tuple(str(each.input_line) for each in choices)
        if lines not in self._bases:
            self._bases[lines] = self._in_full(master, lines)
        return self._bases[lines]

    @contextmanager
    def _set(
        self, base: DictConfig, values: Sequence[Override], overrides: Sequence[str], parsed: Sequence[Override]
    ) -> Iterator[bool]:
        """Set a job's values in the common config as long as the context lasts; False if Hydra would not."""
        before = {key: copy.deepcopy(base._get_node(key)) for each in values if (key := _top(each)) in base}
        try:
            is_set = _update(base, values)
            base.hydra.overrides.task = list(overrides)
            base.hydra.job.override_dirname = self._dirname(base, parsed)
            yield is_set
        finally:
            with open_dict(base):
                for key, node in before.items():
                    base._set_item_impl(key, node)

    def _is_choice(self, override: Override) -> bool:
        """Whether an override chooses an option of a group."""
        return override.package is not None or _has_options(self.loader, override.key_or_group)

    def _dirname(self, config: DictConfig, parsed: Sequence[Override]) -> str:
        from hydra._internal.config_loader_impl import get_overrides_dirname

        rules = config.hydra.job.config.override_dirname
        return get_overrides_dirname(
            overrides=list(parsed), kv_sep=rules.kv_sep, item_sep=rules.item_sep, exclude_keys=rules.exclude_keys
        )


def _top(override: Override) -> str:
    return override.key_or_group.partition(".")[0].partition("[")[0]


def _update(base: DictConfig, values: Sequence[Override]) -> bool:
    """Set values as Hydra does; False if it would complain, which is then left to itself."""
    try:
        for each in values:
            OmegaConf.update(base, each.key_or_group, each.value(), merge=True)
    except OmegaConfBaseException:
        return False
    return True


@lru_cache
def _has_options(loader: ConfigLoader, group: str) -> bool:
    return bool(loader.get_group_options(group))


def plain_config(config: DictConfig) -> Mapping[str, Any]:
    """A composed config as plain values, every interpolation resolved, without what Hydra keeps there for itself."""
    return {str(key): _plain(config, str(key)) for key in config if key != "hydra"}


def _plain(config: DictConfig, key: str) -> Any:
    if OmegaConf.is_missing(config, key):
        return "???"
    value = config[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
