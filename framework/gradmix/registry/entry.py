"""One component that a plugin offers; its class is imported when it is used."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import sys
import sysconfig
import traceback
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gradmix.contracts.component import Component
from gradmix.contracts.errors import GradmixError, NotInstalledError, PluginError
from gradmix.registry.containment import contained
from gradmix.registry.distributions import extra_with
from gradmix.registry.kinds import check_component
from gradmix.registry.plugin import UNKNOWN, Plugin, fingerprint_of_package


@dataclass(frozen=True)
class Entry:
    """A component that a plugin offers; its class is imported when `load` is called."""

    kind: str
    name: str
    implementation: str | type[Any]
    """The class, or its place: ``"package.module:Class"``."""
    plugin: Plugin

    @property
    def qualified(self) -> str:
        """The name of the component with its distribution: ``gradmix:gmm``."""
        return f"{self.plugin.distribution}:{self.name}"

    @property
    def identity(self) -> str:
        """The identity of the plugin.

        If the plugin is editable and the class is in another package, a fingerprint of that package is added.
        """
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
        """Import the class and check that it fulfils the contract of its kind.

        Raises NotInstalledError if a package is missing; the message has the command that installs it. Any other
        problem raises PluginError, which names the distribution and the reason.
        """
        return self._component

    @cached_property
    def _component(self) -> type[Component]:
        where = f"{self.kind} {self.name!r} of {self.plugin.label}"
        try:
            component = check_component(self.kind, self._imported)
            absent = next((package for package in component.requires if find_spec(package) is None), None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an import may raise SystemExit, too
            package = _package(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
            if not extra_with(package, self.plugin.metadata):  # the import may be misspelt
                raise PluginError(f"{where} cannot be used: {describe_line(error)}.") from error
            raise self._not_installed(where, package) from error
        if absent:
            raise self._not_installed(where, absent)
        return component

    def is_implemented_by(self, cls: type[Component]) -> bool:
        """Return whether this is the component's class. Nothing is imported: the module of `cls` is loaded already."""
        if not isinstance(self.implementation, str):
            return self.implementation is cls
        module, _, attribute = self.implementation.partition(":")
        found: Any = sys.modules.get(module)
        for part in attribute.split("."):
            found = getattr(found, part, None)
        return found is cls

    @cached_property
    def _imported(self) -> Any:
        """The class that the implementation names; cached, since the plan of a sweep needs it once a job."""
        if not isinstance(self.implementation, str):
            return self.implementation
        with contained(self.plugin.label):
            return pkgutil.resolve_name(self.implementation)

    def _not_installed(self, where: str, package: str) -> NotInstalledError:
        extra = extra_with(package, self.plugin.metadata)
        command = f"pip install '{self.plugin.distribution}[{extra}]'" if extra else f"pip install {package}"
        return NotInstalledError(f"{where} needs {package}, which is not installed: {command}", command)


def _package(module: str) -> str:
    """Return the top-level package of a module."""
    return module.partition(":")[0].partition(".")[0]


def describe(error: BaseException) -> str:
    """Describe an error in one line; the type is included unless the error is gradmix's own.

    >>> describe(ModuleNotFoundError("No module named 'jax'"))
    "ModuleNotFoundError: No module named 'jax'"
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # an error of a plugin's own may fail to describe itself
        text = ""
    if text and isinstance(error, GradmixError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def describe_use(error: BaseException) -> str:
    """Describe an error of a component in use in one line.

    Unless the error is gradmix's own, the line names the method or function that raised it, with file and line number.
    For a missing package, it adds how to declare it.
    """
    place = None if isinstance(error, GradmixError) else _raised_in(error)
    text = describe(error) if place is None else f"{place[0]} raised {describe(error)} ({place[1]})"
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return text
    return f"{text}. Install it; a class that needs it can declare it: requires = ({_package(error.name)!r},)"


_CORE = f"{Path(__file__).parents[1]}/"
_STANDARD = ("<", *(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")))
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def _raised_in(error: BaseException) -> tuple[str, str] | None:
    """Return the innermost method of a component, or function of a user, that an error came from, and its line."""
    for frame, line in reversed([*traceback.walk_tb(error.__traceback__)]):
        code, place = frame.f_code, f"{Path(frame.f_code.co_filename).name}, line {line}"
        owner = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if isinstance(owner, Component) and not code.co_filename.startswith(_CORE):
            return f"{type(owner).__name__}.{code.co_name}", place
        is_ours = str(frame.f_globals.get("__package__")).startswith("gradmix")
        is_library = code.co_filename.startswith(_STANDARD) or not _INSTALLED.isdisjoint(Path(code.co_filename).parts)
        if not is_ours and not is_library:
            return code.co_qualname, place
    return None


def describe_line(error: BaseException) -> str:
    """Describe an error of a plugin's code in one line, with the file and the line number."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_MACHINERY)]
    if isinstance(error, PluginError | SyntaxError) or not frames:
        return describe(error)
    return f"{describe(error)} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


_MACHINERY = (
    "<frozen",
    _CORE,
    f"{Path(importlib.__file__).parent}/",
    *(inspect.getfile(module) for module in (pkgutil, dataclasses, functools, inspect)),
)
"""Files of gradmix and the standard library that import a plugin and make its classes."""
