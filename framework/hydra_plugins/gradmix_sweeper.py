"""Where Hydra looks for plugins: gradmix's sweeper and the config source of its components.

Hydra scans this module in every process, so it imports nothing heavy; other Hydra applications are not affected.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override, OverrideType
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig

from gradmix.config.source import ComponentSource

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.types import HydraContext, TaskFunction

    from gradmix.contracts.errors import GradmixError
    from gradmix.runs.runner import Outcome

__all__ = ["ComponentSource", "GradmixSweeper"]


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="gradmix",
    node={"_target_": "hydra_plugins.gradmix_sweeper.GradmixSweeper", "params": {}},
    provider="gradmix",
)


class GradmixSweeper(Sweeper):
    """Every combination of the overrides, all checked before the first starts.

    Parameters
    ----------
    params
        What to sweep over, besides the command line: key → values, as after ``-m``.
    """

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra has prepared."""
        from hydra.types import HydraContext

        self.loader = ComposedOnce(hydra_context.config_loader)
        self.context = HydraContext(config_loader=self.loader, callbacks=hydra_context.callbacks)  # type: ignore[arg-type]
        self.task_function, self.master = task_function, config

    def sweep(self, arguments: list[str]) -> list[Outcome | GradmixError]:
        """Run the sweep."""
        from gradmix.runs.sweep import run_sweep

        return run_sweep(self._choices(arguments), self._compose, self._launch, named=arguments)

    def _choices(self, arguments: list[str]) -> dict[str, list[str]]:
        """Key → the overrides that the command line and the config ask for; the command line wins."""
        from gradmix.contracts.errors import ConfigError

        given = [f"{key}={value}" for key, value in self.params.items()] + arguments
        choices: dict[str, list[str]] = {}
        for override in self.loader.parse(given):
            key = override.get_key_element()
            if not override.is_sweep_override():
                choices[key] = [f"{key}={override.get_value_element_as_str()}"]
            elif override.is_discrete_sweep():
                choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                raise ConfigError(f"{override.input_line}: list the values to try; an interval has no end of them.")
            if not choices[key]:
                raise ConfigError(f"{override.input_line}: there is nothing to sweep over.")
        return choices

    def _compose(self, overrides: tuple[str, ...]) -> DictConfig:
        from gradmix.config.explain import explained

        with explained():
            return self.loader.compose(self.master, overrides)

    def _launch(self, jobs: Sequence[tuple[str, ...]], folder: Path) -> list[Outcome | GradmixError]:
        from hydra.core.plugins import Plugins
        from omegaconf import open_dict

        with open_dict(self.master):
            self.master.hydra.sweep.dir = str(folder)
            self.master.hydra.overrides.hydra.append(f"hydra.sweep.dir='{folder}'")
        self.loader.relocate(folder)
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=self.context, task_function=self.task_function, config=self.master
        )
        return [each.return_value for each in launcher.launch([list(job) for job in jobs], initial_job_idx=0)]


class ComposedOnce:
    """Hydra's config loader, except that a sweep's jobs are composed once, and then only what changes.

    Jobs that choose the same options of the same groups differ in values alone: these are set in a copy of their common
    config, as Hydra sets them. A config that was composed to be checked is not composed again to be run.

    Parameters
    ----------
    loader
        Hydra's.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._bases: dict[tuple[str, ...], DictConfig] = {}
        self._composed: dict[tuple[str, ...], DictConfig] = {}

    def compose(self, master: DictConfig, overrides: tuple[str, ...]) -> DictConfig:
        """Compose a job's config, and keep it for its launch."""
        self._composed[overrides] = self._from_base(master, overrides) or self._in_full(master, overrides)
        return self._composed[overrides]

    def relocate(self, folder: Path) -> None:
        """Tell the composed configs where the sweep's folder is, now that it has one."""
        for config in self._composed.values():
            config.hydra.sweep.dir = str(folder)
            config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{folder}'")

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """What launchers call."""
        composed = self._composed.pop(tuple(sweep_overrides), None)
        return composed if composed is not None else self._in_full(master_config, tuple(sweep_overrides))

    def _in_full(self, master: DictConfig, overrides: tuple[str, ...]) -> DictConfig:
        return self.loader.load_sweep_config(master, list(overrides))

    def _from_base(self, master: DictConfig, overrides: tuple[str, ...]) -> DictConfig | None:
        """The common config with this job's values in it; None if that is not all that Hydra would do."""
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

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

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Parse overrides by Hydra's grammar."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        return OverridesParser.create(config_loader=self.loader).parse_overrides(list(overrides))

    def _is_choice(self, override: Override) -> bool:
        """Whether an override chooses an option of a group."""
        return override.package is not None or _has_options(self.loader, override.key_or_group)

    def _dirname(self, config: DictConfig, parsed: Sequence[Override]) -> str:
        from hydra._internal.config_loader_impl import get_overrides_dirname

        rules = config.hydra.job.config.override_dirname
        return get_overrides_dirname(
            overrides=list(parsed), kv_sep=rules.kv_sep, item_sep=rules.item_sep, exclude_keys=rules.exclude_keys
        )

    def __getattr__(self, name: str) -> Any:
        if name == "loader":  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __getstate__(self) -> dict[str, Any]:
        return {"loader": self.loader, "_composed": {}, "_bases": {}}  # a worker composes its own job


@cache
def _has_options(loader: ConfigLoader, group: str) -> bool:
    return bool(loader.get_group_options(group))
