"""Hydra, set up for gradmix: where configs are looked for, which of them are checked, what Hydra itself chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.config.explain import explained
from gradmix.config.files import config_folder
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.registry.entry import describe

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from hydra.types import HydraContext
    from omegaconf import DictConfig

_HYDRA_DEFAULTS = {"launcher": "gradmix", "sweeper": "gradmix", "job_logging": "disabled", "hydra_logging": "disabled"}
"""Group of Hydra's own → its default for us; an override in our config could not be overridden by an experiment."""


@dataclass(frozen=True)
class Request:
    """What is to be composed.

    Parameters
    ----------
    overrides
        As on the command line.
    is_sweep
        Whether a sweep was asked for; a config may ask for one, too.
    config_name
        The primary config.
    config_path
        Folder of configs instead of gradmix's own.
    config_dir
        Folder of configs besides these.
    """

    overrides: tuple[str, ...] = ()
    is_sweep: bool = False
    config_name: str = "config"
    config_path: str | None = None
    config_dir: str | None = None


class Composer:
    """Composes configs by Hydra, within the context `composing`.

    Parameters
    ----------
    request
        What is asked for.
    """

    def __init__(self, request: Request) -> None:
        from hydra.core.global_hydra import GlobalHydra

        self.request = request
        self.hydra: Any = GlobalHydra.instance().hydra
        self.loader: ConfigLoader = GlobalHydra.instance().config_loader()
        self.parsed = parse(request.overrides)
        self.overrides = [_checked_search_path(each) for each in self.parsed]

    def compose(self) -> DictConfig:
        """Compose the config of a run, or the one that a sweep's jobs have in common; ``hydra.mode`` says which."""
        from hydra.types import RunMode

        config = self._load(RunMode.MULTIRUN, validate=False)
        mode = RunMode.MULTIRUN if self.request.is_sweep else config.hydra.mode or RunMode.RUN
        swept = [each for each in self.parsed if each.is_sweep_override()]
        is_open = "???" in config.hydra.runtime.choices.values()
        is_wrong = any(each.is_hydra_override() for each in swept) or (mode == RunMode.RUN and (swept or is_open))
        if is_wrong:
            config = self._load(mode, validate=True)  # Hydra says what is wrong
        config.hydra.mode = mode
        return config

    def groups(self) -> dict[str, list[str]]:
        """Every group of config options, Hydra's own too → its options."""
        from hydra.core.object_type import ObjectType

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
        """Call `job` with a composed config as Hydra would: with the logging, callbacks and environment that it names.

        What `job` raises is raised here.
        """
        from hydra.core.utils import run_job

        context, name = self._context(config), self.request.config_name
        context.callbacks.on_run_start(config=config, config_name=name)
        ended = run_job(_returning_errors(job), config, "hydra.run.dir", None, context)
        context.callbacks.on_run_end(config=config, config_name=name, job_return=ended)
        if isinstance(ended.return_value, GradmixError):
            raise ended.return_value

    def sweep(self, config: DictConfig, sweep: Callable[[DictConfig, HydraContext], None]) -> None:
        """Call `sweep` with a composed config, and the callbacks that it names."""
        context, name = self._context(config), self.request.config_name
        context.callbacks.on_multirun_start(config=config, config_name=name)
        sweep(config, context)
        context.callbacks.on_multirun_end(config=config, config_name=name)

    def _context(self, config: DictConfig) -> HydraContext:
        from hydra._internal.callbacks import Callbacks
        from hydra.types import HydraContext

        return HydraContext(self.loader, Callbacks(config))

    def _load(self, mode: Any, validate: bool) -> DictConfig:
        return self.loader.load_configuration(
            self.request.config_name, self.overrides, mode, validate_sweep_overrides=validate
        )


@contextmanager
def started(kind: str, config: DictConfig) -> Iterator[None]:
    """Explain what a launcher or a sweeper raises while it is made.

    Parameters
    ----------
    kind
        ``launcher`` or ``sweeper``.
    config
        The config that chooses it.

    Raises
    ------
    ConfigError
        Whatever it was; our own errors are explained already.
    """
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


def _returning_errors(job: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """A job that returns an error of ours: one that it raised, Hydra would print."""

    def call(config: DictConfig) -> Any:
        try:
            return job(config)
        except GradmixError as error:
            return error

    return call


@contextmanager
def composing(request: Request) -> Iterator[Composer]:
    """Set up Hydra for a request; whatever it raises within the context is explained.

    Raises
    ------
    ConfigError
        If a folder of configs is not there.
    """
    from hydra import initialize_config_dir
    from hydra.conf import HydraConf
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins

    from gradmix.config.source import ComponentSearchPath, Surroundings, surrounded_by

    for folder in (request.config_path, request.config_dir):
        if folder is not None and not Path(folder).is_dir():
            raise ConfigError(f"there is no folder of configs {folder}.")
    Plugins.instance().register(ComponentSearchPath)
    store = ConfigStore.instance()
    store.store(group="hydra", name="config", node=HydraConf(defaults=_hydra_defaults()), provider="hydra")
    home = str(Path(request.config_path or config_folder()).absolute())
    chooses_launcher = any(text.lstrip("+~").startswith("hydra/launcher") for text in request.overrides)
    with (
        explained(),
        surrounded_by(Surroundings(request.config_dir, request.config_path is None, chooses_launcher)),
        initialize_config_dir(home, job_name="gradmix", version_base="1.3"),
    ):
        yield Composer(request)


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parse overrides by Hydra's grammar."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_overrides(list(overrides))


def _checked_search_path(override: Override) -> str:
    """An override as it was typed, except that folders to look for configs in are checked."""
    from gradmix.config.checked_files import address_of

    text = str(override.input_line)
    if override.key_or_group != "hydra.searchpath" or not isinstance(folders := override.value(), list):
        return text
    quoted = ["'" + address_of(str(folder)).replace("'", "\\'") + "'" for folder in folders]
    return f"{text.partition('=')[0]}=[{','.join(quoted)}]"


def _hydra_defaults() -> list[Mapping[str, Any]]:
    from hydra.conf import HydraConf

    return [
        {group: _HYDRA_DEFAULTS.get(group, choice) for group, choice in each.items()} for each in HydraConf().defaults
    ]
