"""Hydra with a guard: every config file is checked when it is loaded, and again where it stands in the whole config.

Only within `guarded`, which gradmix's own command uses; other Hydra applications keep Hydra as it is. The classes are
pickled with a sweep's jobs, so that workers, too, check what they load.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra._internal.hydra
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gradmix.config.guard import check_choices, check_content, check_hydra
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.files import regular_file

_HYDRAS_OWN = "hydra.conf"
"""The package of Hydra's own config files, which configure logging: they are as much code as Hydra is."""

_MOST_CHARACTERS = 1 << 18
_MOST_VALUES = 20_000
_MOST_TOLD = 200


class ComposedError(Exception):
    """A config could be composed, and nothing more was wanted."""


@contextmanager
def guarded(loader: type[GuardedLoader] | None = None) -> Iterator[None]:
    """Have Hydra refuse, within the context, config files that do more than set values and choose options.

    Parameters
    ----------
    loader
        What composes; None for `GuardedLoader`.
    """
    application: Any = hydra._internal.hydra  # has no other place to say which loader it is to use
    before = application.ConfigLoaderImpl
    application.ConfigLoaderImpl = loader or GuardedLoader
    try:
        yield
    finally:
        application.ConfigLoaderImpl = before


def _text(file: Path) -> str:
    try:
        return regular_file(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the config {file}: {error.strerror}.") from error


class GuardedFiles(FileConfigSource):
    """A folder of config files, each checked when it is loaded."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file and check it."""
        file = Path(self.path, self._normalize_file_name(config_path))
        try:
            if file.exists():
                _check_extent(_text(file), str(file))
            result = super().load_config(config_path)
            check_content(_plain(result.config), str(file))
        except RecursionError as error:
            raise ConfigError(f"{file}: its values are nested too deeply.") from error
        except OmegaConfBaseException as error:
            raise ConfigError(f"{file}: {str(error).splitlines()[0][:_MOST_TOLD]}") from error
        return result


class GuardedPackage(ImportlibResourcesConfigSource):
    """The config files of a package that the command line names, each checked when it is loaded."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file and check it."""
        result = super().load_config(config_path)
        if self.path != _HYDRAS_OWN:
            check_content(_plain(result.config), f"{self.full_path()}/{config_path}")
        return result


class GuardedRepository(ConfigRepository):
    """Hydra's config repository, its sources of files replaced by guarded ones."""

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """Open the sources of a search path."""
        super().initialize_sources(config_search_path)
        guards: dict[str, type[ConfigSource]] = {each.scheme(): each for each in (GuardedFiles, GuardedPackage)}
        self.sources = [
            guards[each.scheme()](each.provider, each.full_path()) if each.scheme() in guards else each
            for each in self.sources
        ]


class GuardedLoader(ConfigLoaderImpl):
    """Hydra's config loader, except that it looks at what files say of Hydra where they come to stand.

    A header or a defaults list can put a file's content anywhere, so that it cannot be seen from the file alone.
    """

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self.repository = GuardedRepository(config_search_path)

    def load_configuration(
        self, config_name: str | None, overrides: list[str], *args: Any, **kwargs: Any
    ) -> DictConfig:
        """Compose, and check which launcher and sweeper files have chosen."""
        config = super().load_configuration(config_name, overrides, *args, **kwargs)
        kinds = ("launcher", "sweeper") if config.hydra.mode == RunMode.MULTIRUN else ("launcher",)
        check_choices(config.hydra, overrides, kinds)
        return config

    def _load_single_config(self, default: ResultDefault, repo: IConfigRepository) -> ConfigResult:
        assert default.config_path is not None
        loaded = repo.load_config(default.config_path)
        scheme, _, place = loaded.path.partition("://") if loaded is not None else ("", "", "")
        if loaded is not None and scheme in ("file", "pkg") and place != _HYDRAS_OWN:
            placed = self._embed_result_config(loaded, default.package)
            check_hydra(_plain(placed.config), f"{place}/{default.config_path}.yaml")
        return super()._load_single_config(default, repo)


class ComposingOnly(GuardedLoader):
    """A guarded loader after which nothing happens: whoever composes hears of it by `ComposedError`."""

    def load_configuration(
        self, config_name: str | None, overrides: list[str], *args: Any, **kwargs: Any
    ) -> DictConfig:
        """Compose, and go no further."""
        super().load_configuration(config_name, overrides, *args, **kwargs)
        raise ComposedError


def _plain(config: Any) -> Any:
    return OmegaConf.to_container(config, resolve=False)


def _check_extent(text: str, file: str) -> None:
    """Refuse a file that is huge, on the disk or once its aliases are followed."""
    if len(text) > _MOST_CHARACTERS:
        raise ConfigError(f"{file}: a config file has at most {_MOST_CHARACTERS} characters; this one: {len(text)}.")
    root = yaml.compose(text, Loader=yaml.SafeLoader) if "&" in text else None
    if root is not None and _extent(root, {}) > _MOST_VALUES:
        raise ConfigError(f"{file}: its aliases repeat one another to more than {_MOST_VALUES} values; write them out.")


def _extent(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node stands for; infinitely many if it holds itself."""
    if id(node) not in known:
        known[id(node)] = float("inf")
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
        known[id(node)] = 1 + sum(_extent(part, known) for part in parts)
    return known[id(node)]
