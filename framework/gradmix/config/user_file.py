"""The user's own config file, ``~/.config/gradmix/config.yaml``: settings for every command.

It is the only trusted config file of a user: it may set where runs are written and sent, and which code is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gradmix.config.files import config_folder, read_config
from gradmix.contracts.errors import ConfigError, did_you_mean, listing

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
"""MLflow's own variable for the address of its store; it takes precedence over the file."""

SETTINGS = (
    *("runs_dir", "tracking", "limits", "timing", "pictures", "reuse", "strict", "on_error", "plugins"),
    *("metric", "events", "hydra", "defaults"),
)
"""Sections that the file may have.

``metric`` and ``events`` have options of components, which apply when these are chosen; ``defaults`` chooses a launcher
(``- override /hydra/launcher: joblib``).
"""

_OPTIONS_OF_COMPONENTS = ("metric", "events")
_SECTIONS = ("tracking", "limits", "timing", "plugins", "hydra", *_OPTIONS_OF_COMPONENTS)


def user_file() -> Path:
    """Return the path of the file: in ``$XDG_CONFIG_HOME`` if it is set, else in ``~/.config``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gradmix" / "config.yaml"


def user_settings() -> Mapping[str, Any]:
    """Return the content of the file as plain values; empty if there is no file."""
    return _read(user_file())


@cache
def _read(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    content = read_config(file)
    for key in content:
        if key not in SETTINGS:
            near = did_you_mean(key, SETTINGS)
            raise ConfigError(f"{file}: unknown setting {key}.{near} There are: {listing(SETTINGS)}.")
    if not isinstance(content.get("runs_dir"), str | None):
        raise ConfigError(f"{file}: runs_dir must be a string; given: {content['runs_dir']!r}.")
    _check_sections(file, content)
    return content


def _check_sections(file: Path, content: Mapping[str, Any]) -> None:
    sections = {key: content[key] for key in _SECTIONS if content.get(key) is not None}
    for kind in set(_OPTIONS_OF_COMPONENTS) & sections.keys():
        options = sections[kind] if isinstance(sections[kind], Mapping) else {}
        sections |= {f"{kind}.{name}": given for name, given in options.items() if given is not None}
    for key, given in sections.items():
        if not isinstance(given, Mapping):
            raise ConfigError(f"{file}: {key} must be a mapping of keys to values; given: {given!r}.")
    for key, given in sections.get("plugins", {}).items():
        if not all(isinstance(each, str) for each in (given if isinstance(given, list) else [given])):
            raise ConfigError(f"{file}: plugins.{key} must be a list of strings; given: {given!r}.")


def default_runs_dir() -> str:
    """Return the folder in which runs are written unless the command line sets another one."""
    given = user_settings().get("runs_dir") or "runs"
    return str(Path(_resolved({"runs_dir": given})["runs_dir"]).expanduser())


def default_tracking() -> dict[str, Any]:
    """Return the tracking section for a command line that has none: from the environment, the file or a local store."""
    local = read_config(config_folder() / "tracking" / "local.yaml")
    uri = os.environ.get(TRACKING_VARIABLE)
    return {**local, **(user_settings().get("tracking") or {}), **({"uri": uri} if uri else {})}


def tracking_of(runs_dir: str) -> Mapping[str, Any]:
    """Return the default tracking section of runs in a folder, with every interpolation resolved."""
    return _trusted_configs(user_file(), os.environ.get(TRACKING_VARIABLE), runs_dir)[0]["tracking"]  # type: ignore[no-any-return]


def default_settings() -> dict[str, Any]:
    """Return the other settings of the file, as a config that is merged over gradmix's own."""
    elsewhere = ("tracking", *_OPTIONS_OF_COMPONENTS)
    others = {key: value for key, value in user_settings().items() if key not in elsewhere}
    return {**others, "runs_dir": default_runs_dir()}


def default_options(kind: str, name: str) -> Mapping[str, Any]:
    """Return the options that the file sets for the metric or the run events of that name."""
    section = user_settings().get(kind) if kind in _OPTIONS_OF_COMPONENTS else None
    return (section or {}).get(name) or {}


def plugin_arguments() -> list[str]:
    """Return the file's choice of plugins as arguments of a command line."""
    chosen = user_settings().get("plugins") or {}
    lists = {key: value if isinstance(value, list) else [value] for key, value in chosen.items()}
    return [f"plugins.{key}=[{','.join(map(str, names))}]" for key, names in lists.items()]


def trusted_values(path: str, runs_dir: str) -> list[Any]:
    """Return the values that an option of a run, such as ``tracking.uri``, may have without being typed.

    They come from the user's own file and from gradmix's own tracking options (``local``, ``none``, ``server``).
    """
    if path == "runs_dir":
        return [default_runs_dir()]
    values = []
    for config in _trusted_configs(user_file(), os.environ.get(TRACKING_VARIABLE), runs_dir):
        value: Any = config
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        values.append(tuple(value) if isinstance(value, list) else value)
    return values


@cache
def _trusted_configs(file: Path, uri: str | None, runs_dir: str) -> list[Any]:
    trackings = [default_tracking(), *map(read_config, sorted((config_folder() / "tracking").glob("*.yaml")))]
    return [_resolved({**user_settings(), "tracking": each, "runs_dir": runs_dir}) for each in trackings]


def _resolved(content: Mapping[str, Any]) -> Any:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return OmegaConf.to_container(OmegaConf.create(dict(content)), resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{user_file()}: {str(error).splitlines()[0]}") from error
