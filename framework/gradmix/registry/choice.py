"""The user's choice of plugins, which is the same in every process of a session.

The command line sets it with ``plugins.block=[…]``, ``plugins.only=[…]`` and ``plugins.files=[…]``. Child processes
receive it in the environment variable ``GRADMIX_PLUGINS``, which a user may also set permanently.
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
from gradmix.contracts.option_types import LoadsPlugins
from gradmix.registry.plugin import FilePlugin, Plugin

VARIABLE = "GRADMIX_PLUGINS"
SECTION = "plugins"

Names = tuple[str, ...] | str
"""Names in a config: a list, or a string for a single name."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The plugins to use, by the names of distributions or of single plugins in them."""

    block: Annotated[Names, LoadsPlugins()] = ()
    """Plugins that are not loaded."""
    only: Annotated[Names, LoadsPlugins()] = ()
    """The only plugins that are loaded besides gradmix's own; if empty, all plugins are loaded."""
    files: Annotated[Names, LoadsPlugins()] = ()
    """Python files that are loaded as plugins."""

    def plugins(self) -> list[Plugin]:
        """Return the chosen plugins: installed ones and files.

        Raises ConfigError if no plugin has a given name (the message suggests the nearest one), or if two files have
        the same name.
        """
        by_name: dict[str, str] = {}
        for file in self.files:
            other = by_name.setdefault(Path(file).stem, file)
            if other != file:
                raise ConfigError(
                    f"{SECTION}.files: {other} and {file} are modules of the same name; rename one of them."
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
    """Return the choice of this session; raise ConfigError if the environment variable is not valid."""
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
            f'{VARIABLE} must be JSON such as {{"block": ["slow-plugin"]}}, with block, only or files; given: {text}'
        ) from error


def choose(arguments: Sequence[str]) -> list[str]:
    """Apply a command line's choice of plugins, and return its other arguments.

    The choice applies to this process and to its child processes. Raises ConfigError if an option does not exist, or
    if it has several values to sweep over.
    """
    mine = [argument for argument in arguments if argument.startswith(f"{SECTION}.")]
    choice = chosen()
    for argument in mine:
        key, equals, value = argument.removeprefix(f"{SECTION}.").partition("=")
        if not equals or key not in asdict(choice):
            raise ConfigError(f"unknown option {argument}. There are: plugins.block, plugins.only, plugins.files.")
        choice = replace(choice, **{key: tuple(_read(key, value))})
    if mine:
        os.environ[VARIABLE] = json.dumps(asdict(choice))
    return [argument for argument in arguments if argument not in mine]


def _read(key: str, value: str) -> list[str]:
    """Return the names in a list in Hydra's syntax; files become absolute paths."""
    if "],[" in value:
        raise ConfigError(f"{SECTION}.{key}={value}: all jobs of a sweep use the same plugins; give one list.")
    names = [name.strip().strip("'\"") for name in value.strip().removeprefix("[").removesuffix("]").split(",")]
    return [str(Path(name).expanduser().absolute()) if key == "files" else name for name in names if name]
