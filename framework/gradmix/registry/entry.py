"""One component that some plugin offers; its class is imported when it is used."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from gradmix.contracts.component import Component
from gradmix.contracts.errors import NotInstalledError, PluginError
from gradmix.registry.containment import contained
from gradmix.registry.fingerprint import fingerprint_of_package
from gradmix.registry.kinds import check_component
from gradmix.registry.needs import brought_by, how_to_install, missing
from gradmix.registry.plugin import UNKNOWN, Plugin


@dataclass(frozen=True)
class Entry:
    """A component that some plugin offers; its class is imported when `load` is called.

    Parameters
    ----------
    kind, name
        What it is found by.
    implementation
        The class, or where it is: ``"package.module:Class"``.
    plugin
        Who offers it.
    """

    kind: str
    name: str
    implementation: str | type[Any]
    plugin: Plugin

    @property
    def qualified(self) -> str:
        """Its name, with the distribution that brings it: ``gradmix:gmm``."""
        return f"{self.plugin.distribution}:{self.name}"

    @property
    def identity(self) -> str:
        """That of its plugin; where its class is in another package of an editable one, with that one's fingerprint."""
        own = self.plugin.identity
        return own if own == UNKNOWN else f"{own}{self._elsewhere}"

    @cached_property
    def _elsewhere(self) -> str:
        module = self.implementation if isinstance(self.implementation, str) else self.implementation.__module__
        package = _package(module)
        if not self.plugin.is_editable or package == _package(self.plugin.module):
            return ""
        return f", {package} ({fingerprint_of_package(package)})"

    def load(self) -> type[Component]:
        """Import the class and check that it keeps the contract of its kind.

        Raises
        ------
        NotInstalledError
            If a package is missing; names the command that installs it.
        PluginError
            Names the distribution and the reason.
        """
        where = f"{self.kind} {self.name!r} of {self.plugin.label}"
        try:
            component = check_component(self.kind, self._imported)
            absent = missing(component.requires)
        except ModuleNotFoundError as error:
            package = _package(error.name or "")
            if not package or not brought_by(package, self.plugin.metadata):
                raise PluginError(f"{where} cannot be used: {describe_line(error)}.") from error
            raise self._not_installed(where, package) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an import may raise SystemExit, too
            raise PluginError(f"{where} cannot be used: {describe_line(error)}.") from error
        if absent:
            raise self._not_installed(where, absent[0])
        return component

    def is_implemented_by(self, cls: type[Component]) -> bool:
        """Whether this class is the one; imports nothing, as the class's own module has been imported already."""
        if not isinstance(self.implementation, str):
            return self.implementation is cls
        module, _, attribute = self.implementation.partition(":")
        found: Any = sys.modules.get(module)
        for part in attribute.split("."):
            found = getattr(found, part, None)
        return found is cls

    @cached_property
    def _imported(self) -> Any:
        """What the implementation names; a sweep's plan asks for it once a job."""
        if not isinstance(self.implementation, str):
            return self.implementation
        module, _, attribute = self.implementation.partition(":")
        with contained(self.plugin.label):
            found: Any = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        return found

    def _not_installed(self, where: str, package: str) -> NotInstalledError:
        command = how_to_install(package, self.plugin.metadata)
        return NotInstalledError(f"{where} needs {package}, which is not installed: {command}", command)


def _package(module: str) -> str:
    """The top of a module's name."""
    return module.partition(":")[0].partition(".")[0]


def describe(error: BaseException) -> str:
    """One line for an error: our own speak for themselves, others with their type.

    >>> describe(ModuleNotFoundError("No module named 'jax'"))
    "ModuleNotFoundError: No module named 'jax'"
    """
    text = _text(error)
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def describe_use(error: BaseException) -> str:
    """One line for what a component raised in use; for a missing package also how to declare it."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return describe(error)
    package = _package(error.name)
    return f"{describe(error)}. Install it; a class that needs it can say so: requires = ({package!r},)"


def describe_line(error: BaseException) -> str:
    """One line for what code of a plugin raised, with the file and the line."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    if isinstance(error, PluginError | SyntaxError) or not frames:
        return describe(error)
    return f"{describe(error)} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def _is_machinery(file: str) -> bool:
    return file.startswith("<frozen") or Path(file).is_relative_to(_GRADMIX) or "importlib" in Path(file).parts


_GRADMIX = Path(__file__).parents[1]


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    except Exception:  # an error of a plugin's own may fail to tell of itself
        return ""
