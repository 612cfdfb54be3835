"""Read what users type on the command line: the place of a class, and options as strings."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import ConfigError, PluginError, did_you_mean
from gradmix.registry.containment import contained
from gradmix.registry.entry import describe
from gradmix.registry.plugin import FilePlugin


def options_from(texts: Iterable[str]) -> dict[str, Any]:
    """Read options as in a config: in ``n_components=3`` the value is a number, in ``method=central`` a string.

    >>> options_from(["n_components=3", "covariance_type=tied", "x=[1.0, 2.0]"])
    {'n_components': 3, 'covariance_type': 'tied', 'x': [1.0, 2.0]}

    Raises
    ------
    ConfigError
        If an option is not of the form ``name=value``.
    """
    import yaml

    options = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ConfigError(f"options must be written name=value; given: {text!r}.")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"the value in {text} is not valid in a config: {error}.") from error
    return options


def class_at(place: str) -> Any:
    """Import a class or function at ``path/to/file.py:name`` or ``package.module:name``, also from the working folder.

    Raises
    ------
    PluginError
        If it cannot be imported or does not exist; the message suggests similar names.
    """
    source, _, name = place.rpartition(":")
    try:
        with contained(source):
            module = _module_at(source)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the imported module may raise SystemExit, too
        raise PluginError(f"{place} cannot be imported: {describe(error)}.") from error
    if not hasattr(module, name):
        names = [each for each, value in vars(module).items() if inspect.isclass(value) or inspect.isfunction(value)]
        raise PluginError(f"{source} has no {name!r}.{did_you_mean(name, names)}")
    return getattr(module, name)


def _module_at(source: str) -> Any:
    if source.endswith(".py"):
        return FilePlugin(Path(source).resolve()).load()
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    return import_module(source)
