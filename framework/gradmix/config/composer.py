"""Hydra's set-up for gradmix: the search path of configs, the check of untrusted ones, and Hydra's own defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from hydra.errors import ConfigCompositionException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from gradmix.config.aliases import path_of_override
from gradmix.config.checked_files import address_of
from gradmix.config.explain import explained
from gradmix.config.files import config_folder
from gradmix.config.groups import kinds_of, parse
from gradmix.config.source import ComponentSearchPath, Request, requested
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.contracts.task import Task
from gradmix.registry.entry import describe

_HYDRA_DEFAULTS = {"launcher": "gradmix", "sweeper": "gradmix", "job_logging": "disabled", "hydra_logging": "disabled"}
"""Hydra's own groups → gradmix's defaults. An experiment could not change them if a config file overrode them."""


class Composer:
    """Compose configs with Hydra, within the context `composing`."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.hydra: Any = GlobalHydra.instance().hydra
        self.loader: ConfigLoader = GlobalHydra.instance().config_loader()
        self.parsed = parse(request.overrides)
        self.overrides = list(map(_checked, self.parsed))
        self.is_sweep_by_config = False  # set by `compose`, since ``hydra.mode`` in a config can request a sweep, too

    def compose(self) -> DictConfig:
        """Compose the config of a run, or the common config of a sweep's jobs; ``hydra.mode`` in it specifies which."""
        config = self._load_common()
        self.is_sweep_by_config = config.hydra.mode == RunMode.MULTIRUN
        mode = RunMode.MULTIRUN if self.request.is_sweep else config.hydra.mode or RunMode.RUN
        swept = [each for each in self.parsed if each.is_sweep_override()]
        is_open = "???" in config.hydra.runtime.choices.values()
        is_wrong = any(each.is_hydra_override() for each in swept) or (mode == RunMode.RUN and (swept or is_open))
        if is_wrong:
            config = self._load(self.overrides, mode, validate=True)  # Hydra raises an error that explains the problem
        config.hydra.mode = mode
        return config

    def groups(self) -> dict[str, list[str]]:
        """Return every config group → its options; Hydra's own groups are included."""
        found: dict[str, list[str]] = {}
        waiting = [""]
        while waiting:
            group = waiting.pop()
            sources = [source for source in self.loader.get_sources() if source.is_group(group)]
            options = {option for source in sources for option in source.list(group, ObjectType.CONFIG)}
            inner = {name for source in sources for name in source.list(group, ObjectType.GROUP)}
            waiting += [f"{group}/{name}".lstrip("/") for name in inner]
            if group and options:
                found[group] = sorted(options)
        return dict(sorted(found.items()))

    def run(self, config: DictConfig, job: Callable[[DictConfig], Any]) -> None:
        """Call `job` with a composed config as Hydra does, with the logging, callbacks and environment of the config.

        Exceptions of `job` are passed on.
        """

        def call(config: DictConfig) -> Any:
            try:
                return job(config)
            except GradmixError as error:
                return error  # returned, since Hydra would print a raised one

        context, name = self._context(config), self.request.config_name
        context.callbacks.on_run_start(config=config, config_name=name)
        ended = run_job(call, config, "hydra.run.dir", None, context)
        context.callbacks.on_run_end(config=config, config_name=name, job_return=ended)
        if isinstance(ended.return_value, GradmixError):
            raise ended.return_value

    def sweep(self, config: DictConfig, sweep: Callable[[DictConfig, HydraContext], None]) -> None:
        """Call `sweep` with a composed config, and call the callbacks of that config."""
        context, name = self._context(config), self.request.config_name
        context.callbacks.on_multirun_start(config=config, config_name=name)
        sweep(config, context)
        context.callbacks.on_multirun_end(config=config, config_name=name)

    def _context(self, config: DictConfig) -> HydraContext:
        return HydraContext(self.loader, Callbacks(config))

    def _load_common(self) -> DictConfig:
        """Load the config before anything is swept, in which each option with one value is set.

        It has the default components, so Hydra refuses an option that only the swept ones have. Written as
        ``choice(3)``, such an option is part of the sweep.
        """
        try:
            return self._load(self.overrides, RunMode.MULTIRUN, validate=False)
        except ConfigCompositionException:
            swept = self._swept_places()
            if not swept:
                raise
        self.overrides = [_as_choice(each) if _is_within(each, swept) else _checked(each) for each in self.parsed]
        return self._load(self.overrides, RunMode.MULTIRUN, validate=False)

    def _swept_places(self) -> list[tuple[str, ...]]:
        """Return the places of the components that the command line or the config sweeps over; empty for a run."""
        first = [each for each in self.parsed if _may_request_a_sweep(path_of_override(each.key_or_group))]
        try:
            config = self._load(list(map(_checked, first)), RunMode.MULTIRUN, validate=False)
        except ConfigCompositionException:  # the whole command line has an error that says more
            return []
        if not self.request.is_sweep and config.hydra.mode != RunMode.MULTIRUN:
            return []
        params = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        by_key = {each.key_or_group: each for each in (*parse(params), *self.parsed)}  # what is typed wins
        return [path_of_override(key) for key, each in by_key.items() if each.is_sweep_override() and kinds_of(key)]

    def _load(self, overrides: list[str], mode: Any, validate: bool) -> DictConfig:
        return self.loader.load_configuration(
            self.request.config_name, overrides, mode, validate_sweep_overrides=validate
        )


@contextmanager
def started(kind: str, config: DictConfig) -> Iterator[None]:
    """Turn an error in making the launcher or the sweeper of a config into a `ConfigError`."""
    try:
        yield
    except GradmixError:
        raise
    except Exception as error:
        cause = error.__cause__ or error.__context__
        while cause is not None and not isinstance(cause, GradmixError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise cause from None
        target = (config.hydra[kind] or {}).get("_target_")
        raise ConfigError(f"the {kind} {target} cannot be started: {describe(error)}") from error


@contextmanager
def composing(request: Request) -> Iterator[Composer]:
    """Set up Hydra for a request; its errors within the context are reworded."""
    for folder in (request.config_path, request.config_dir):
        if folder is not None and not Path(folder).is_dir():
            raise ConfigError(f"there is no config folder {folder}.")
    Plugins.instance().register(ComponentSearchPath)
    store = ConfigStore.instance()
    defaults = [
        {group: _HYDRA_DEFAULTS.get(group, choice) for group, choice in each.items()} for each in HydraConf().defaults
    ]
    store.store(group="hydra", name="config", node=HydraConf(defaults=defaults), provider="hydra")
    home = str(Path(request.config_path or config_folder()).absolute())
    token = requested.set(request)
    try:
        with explained(), initialize_config_dir(home, job_name="gradmix", version_base="1.3"):
            yield Composer(request)
    finally:
        requested.reset(token)


def _checked(override: Override) -> str:
    """Return an override as it was typed, except that folders on the search path get the scheme of checked folders."""
    text = str(override.input_line)
    if override.key_or_group != "hydra.searchpath" or not isinstance(folders := override.value(), list):
        return text
    quoted = ["'" + address_of(str(folder)).replace("'", "\\'") + "'" for folder in folders]
    return f"{text.partition('=')[0]}=[{','.join(quoted)}]"


def _may_request_a_sweep(path: tuple[str, ...]) -> bool:
    """Return whether an override is for the task or no component, so that a sweep in a config may depend on it."""
    return path == (Task.kind,) or not kinds_of(path[0])


def _as_choice(override: Override) -> str:
    """Return an override with one value as a sweep over this value; any other override is left as it is."""
    key, _, value = str(override.input_line).partition("=")
    is_one_value = override.type == OverrideType.CHANGE and not override.is_sweep_override()
    return f"{key}=choice({value})" if is_one_value else _checked(override)


def _is_within(override: Override, places: Sequence[tuple[str, ...]]) -> bool:
    """Return whether an override is for an option or a part of one of the components at these places."""
    path = path_of_override(override.key_or_group)
    parts_of_tasks = (Task.kind,) in places and path != (Task.kind,) and bool(kinds_of(path[0]))  # they are at the top
    return parts_of_tasks or any(len(path) > len(place) and path[: len(place)] == place for place in places)
