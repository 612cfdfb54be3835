"""Composing the jobs of a sweep: what they share once, and then only what changes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override


class ComposedOnce:
    """Composes jobs as Hydra does, except that what jobs have in common is composed once.

    Jobs that choose the same options of the same groups differ in values alone: these are set in a copy of their common
    config, as Hydra sets them.

    Parameters
    ----------
    loader
        Hydra's config loader.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._bases: dict[tuple[str, ...], DictConfig] = {}

    def compose(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        """Compose a job's config.

        Parameters
        ----------
        master
            The config that the sweep itself was started with.
        overrides
            The job's own.
        """
        return self._from_base(master, overrides) or self._in_full(master, overrides)

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Parse overrides by Hydra's grammar."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        return OverridesParser.create(config_loader=self.loader).parse_overrides(list(overrides))

    def _in_full(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        return self.loader.load_sweep_config(master, list(overrides))

    def _from_base(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig | None:
        """The common config with this job's values in it; None if that is not all that Hydra would do."""
        from hydra.core.override_parser.types import OverrideType

        parsed = self.parse(overrides)
        if any(each.type != OverrideType.CHANGE for each in parsed):
            return None
        values = [each for each in parsed if not self._is_choice(each)]
        choices = tuple(str(each.input_line) for each in parsed if self._is_choice(each))
        if choices not in self._bases:
            self._bases[choices] = self._in_full(master, choices)
        config = copy.deepcopy(self._bases[choices])
        try:
            for each in values:
                OmegaConf.update(config, each.key_or_group, each.value(), merge=True)
        except OmegaConfBaseException:
            return None  # composing in full raises what Hydra has to say about it
        config.hydra.overrides.task = list(overrides)
        config.hydra.job.override_dirname = self._dirname(config, parsed)
        return config

    def _is_choice(self, override: Override) -> bool:
        """Whether an override chooses an option of a group."""
        return override.package is not None or _has_options(self.loader, override.key_or_group)

    def _dirname(self, config: DictConfig, parsed: Sequence[Override]) -> str:
        from hydra._internal.config_loader_impl import get_overrides_dirname

        rules = config.hydra.job.config.override_dirname
        return get_overrides_dirname(
            overrides=list(parsed), kv_sep=rules.kv_sep, item_sep=rules.item_sep, exclude_keys=rules.exclude_keys
        )


@lru_cache
def _has_options(loader: ConfigLoader, group: str) -> bool:
    return bool(loader.get_group_options(group))


def plain_config(config: DictConfig) -> Mapping[str, Any]:
    """A composed config as plain values, every interpolation resolved, without what Hydra keeps there for itself."""
    task_config = config.copy()
    with open_dict(task_config):
        task_config.pop("hydra", None)  # not all of it is known yet
    plain = OmegaConf.to_container(task_config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
