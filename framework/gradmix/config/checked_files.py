"""Folders of config files that are not trusted: each file is checked when it is loaded."""

from __future__ import annotations

import re
from pathlib import Path

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from gradmix.config.files import parse_file, plain_content, remember
from gradmix.config.guard import check_file

SCHEME = "checked"


class CheckedFiles(ConfigSource):
    """A folder of config files, like Hydra's own source, but a file may only set values and choose options."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme of the folder's address: ``checked:///home/me/conf``."""
        return SCHEME

    def available(self) -> bool:
        """Return whether the folder exists."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Return whether the folder has this subfolder."""
        return Path(self.path, config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Return whether the folder has this file."""
        return self._file(config_path).exists() and not self._file(config_path).is_dir()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the folders and files of a group."""
        paths = sorted(Path(self.path, config_path).iterdir())
        groups = [path.name for path in paths if path.is_dir() and results_filter != ObjectType.CONFIG]
        configs = [path.stem for path in paths if path.suffix == ".yaml" and results_filter != ObjectType.GROUP]
        return groups + configs

    def load_config(self, config_path: str) -> ConfigResult:
        """Load and check a file; raise ConfigError if it cannot be read, or has content that a file may not have."""
        file = self._file(config_path)
        text, config = parse_file(file)
        content = plain_content(config)
        remember(file, content)
        comments = re.match(r"(?:\s*#[^\n]*\n)*", text)
        packages = re.findall(r"^\s*#\s*@package\s+(\S+)", comments[0] if comments else "", re.M)
        package = packages[-1] if packages else None
        check_file(content, config_path.removesuffix(".yaml"), package, str(file))
        if (folders := OmegaConf.select(config, "hydra.searchpath")) is not None:
            OmegaConf.update(config, "hydra.searchpath", [address_of(folder) for folder in folders])
        return ConfigResult(self.provider, self.full_path(), config, {"package": package})

    def _file(self, config_path: str) -> Path:
        return Path(self.path, config_path.removesuffix(".yaml") + ".yaml")


def address_of(folder: str) -> str:
    """Return the address of a folder for Hydra's search path; an address with another scheme is returned unchanged."""
    folder = folder.removeprefix("file://")
    return folder if "://" in folder else f"{SCHEME}://{Path(folder).absolute()}"
