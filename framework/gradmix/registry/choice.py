"""Which plugins are used: the user's choice, the same in every process of a session.

The command line gives it by ``plugins.block=[…]``, ``plugins.only=[…]`` and ``plugins.files=[…]``; it travels in the
environment variable ``GRADMIX_PLUGINS``, where a user may set it for good.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

from gradmix.contracts.errors import ConfigError, did_you_mean, listing
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.options import LoadsPlugins
from gradmix.registry.plugin import FilePlugin, Plugin

VARIABLE = "GRADMIX_PLUGINS"
SECTION = "plugins"

Names = tuple[str, ...] | str
"""A config may have a single name as a string."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which plugins are used: names of distributions, or of plugins of them; in a config, one or a list."""

    block: Annotated[Names, LoadsPlugins()] = ()
    """To leave out."""
    only: Annotated[Names, LoadsPlugins()] = ()
    """To use besides gradmix's own; empty uses all."""
    files: Annotated[Names, LoadsPlugins()] = ()
    """Python files that are plugins."""

    def plugins(self) -> list[Plugin]:
        """The plugins to use: the installed ones that are wanted, and the files.

        Raises ConfigError if a name fits nothing, naming the nearest, or if two files have the same name.
        """
        by_name: dict[str, str] = {}
        for file in self.files:
            other = by_name.setdefault(Path(file).stem, file)
            if other != file:
                raise ConfigError(
                    f"{SECTION}.files: {other} and {file} are modules of the same name; "
                    "call one of them something else."
                )
        found = [*map(Plugin, entry_points(group=PROJECT)), *(FilePlugin(Path(file)) for file in self.files)]
        known = {name for plugin in found for name in plugin.names}
        for key in ("block", "only"):
            for name in getattr(self, key):
                if name not in known:
                    raise ConfigError(
                        f"{SECTION}.{key}: there is no plugin {name!r}.{did_you_mean(name, known)} "
                        f"Distributions: {listing({plugin.distribution for plugin in found})}."
                    )
        return [*filter(self._is_wanted, found)]

    def _is_wanted(self, plugin: Plugin) -> bool:
        is_always_in = not self.only or plugin.distribution == PROJECT or isinstance(plugin, FilePlugin)
        return (is_always_in or not plugin.names.isdisjoint(self.only)) and plugin.names.isdisjoint(self.block)


def chosen() -> Choice:
    """The choice of this session; raises ConfigError if the environment variable cannot be read."""
    text = os.environ.get(VARIABLE, "")
    try:
        given = json.loads(text or "{}")
        if not all(
            isinstance(names, list) and all(isinstance(each, str) for each in names) for names in given.values()
        ):
            raise TypeError("each must be a list of names")
        return Choice(**{key: tuple(names) for key, names in given.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f'{VARIABLE} must be such as {{"block": ["slow-plugin"]}}, with any of block, only, files; given: {text}'
        ) from error


def choose(arguments: Sequence[str]) -> list[str]:
    """Take a command line's choice of plugins for this process and those that it starts; return the other arguments.

    Raises ConfigError if an option does not exist, or has several values to sweep over.
    """
    mine = [argument for argument in arguments if argument.startswith(f"{SECTION}.")]
    choice = chosen()
    for argument in mine:
        key, equals, value = argument.removeprefix(f"{SECTION}.").partition("=")
        if not equals or key not in asdict(choice):
            raise ConfigError(f"unknown option {argument}; there are plugins.block, plugins.only, plugins.files.")
        choice = replace(choice, **{key: tuple(_read(key, value))})
    if mine:
        os.environ[VARIABLE] = json.dumps(asdict(choice))
    return [argument for argument in arguments if argument not in mine]


def _read(key: str, value: str) -> list[str]:
    """Names in a list as Hydra writes it, files as absolute paths."""
    if "],[" in value:
        raise ConfigError(f"{SECTION}.{key}={value}: a sweep has one choice of plugins for all its jobs.")
    names = [name.strip().strip("'\"") for name in value.strip().removeprefix("[").removesuffix("]").split(",")]
    return [str(Path(name).expanduser().absolute()) if key == "files" else name for name in names if name]
