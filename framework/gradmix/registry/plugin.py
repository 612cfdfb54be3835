"""One plugin: an entry point of an installed distribution, or a file; where it comes from, and what it is."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import PluginError
from gradmix.registry.fingerprint import fingerprint, fingerprint_of_package, with_siblings

UNKNOWN = "unknown"
"""Identity of a plugin whose distribution or version cannot be told."""


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``gradmix``.

    Parameters
    ----------
    entry_point
        As the distribution's metadata give it.
    """

    entry_point: EntryPoint

    @property
    def name(self) -> str:
        """The entry point's name."""
        return self.entry_point.name

    @property
    def module(self) -> str:
        """The module that it names."""
        return self.entry_point.module

    @property
    def target(self) -> str:
        """What it names, ``"module:Class"``, without the spaces and extras that metadata may have there.

        Raises
        ------
        PluginError
            If that is no class of a module.
        """
        if not self.entry_point.attr:
            raise PluginError(f"it must name a class, 'module:Class'; it names {self.entry_point.value!r}")
        return f"{self.module}:{self.entry_point.attr}"

    @property
    def component(self) -> tuple[str, str] | None:
        """Kind and name, if the entry point stands for one component: ``clusterer.kmedoids = "module:Class"``."""
        kind, dot, name = self.name.partition(".")
        return (kind, name) if dot else None

    @property
    def metadata(self) -> Distribution | None:
        """The distribution that brings it, if it can be told."""
        return self.entry_point.dist

    @cached_property
    def distribution(self) -> str:
        """Name of the distribution that brings it."""
        return self._stamp[0]

    @cached_property
    def version(self) -> str:
        """Version of the distribution."""
        return self._stamp[1]

    @cached_property
    def _stamp(self) -> tuple[str, str]:
        if self.metadata is None:
            return UNKNOWN, UNKNOWN
        header = self.metadata.metadata  # which is parsed anew each time that it is asked for
        return header["Name"], header["Version"]

    @cached_property
    def is_editable(self) -> bool:
        """Whether its source is used where it is written."""
        return self.metadata is not None and is_editable(self.metadata)

    @property
    def label(self) -> str:
        """What messages call it: ``distribution:entry-point``."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> Any:
        """Import what the entry point names; may raise anything."""
        return self.entry_point.load()

    @cached_property
    def identity(self) -> str:
        """Distribution and version; of an editable one also a fingerprint of the plugin's own files."""
        package = self.module.partition(".")[0]
        return distribution_identity(self.metadata, package) if self.metadata else UNKNOWN


class FilePlugin(Plugin):
    """A plugin that is one file, which no distribution brings: ``plugins.files=[my_plugin.py]``.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.__dict__["path"] = path
        super().__init__(EntryPoint(path.stem, path.stem, "gradmix"))

    path: Path
    is_editable = True
    component = None

    @cached_property
    def distribution(self) -> str:
        """The file's name."""
        return self.path.name

    @cached_property
    def version(self) -> str:
        """A fingerprint of the file, and of those beside it that it imports."""
        try:
            return fingerprint(with_siblings(self.path))
        except OSError:
            return UNKNOWN

    @cached_property
    def identity(self) -> str:
        """The file's name, and a fingerprint of what it says."""
        return UNKNOWN if self.version == UNKNOWN else f"{self.path.name} ({self.version})"

    def load(self) -> Any:
        """Import the file, under its own name."""
        if not self.path.is_file():
            raise PluginError(f"there is no file {self.path}")
        known = sys.modules.get(self.name)
        if self._hides_another_module(known):
            raise PluginError(f"there is another module {self.name!r} already; call the file something else")
        spec = spec_from_file_location(self.name, self.path)
        if spec is None or spec.loader is None:
            raise PluginError(f"{self.path} is not a Python file: its name must end in .py")
        module = known or sys.modules.setdefault(self.name, module_from_spec(spec))
        if known is None:
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[self.name]
                raise
        return module

    def _hides_another_module(self, known: object) -> bool:
        """Whether somebody else would be given this file for the module that they import."""
        if known is not None:
            return getattr(known, "__file__", None) != str(self.path)
        found = find_spec(self.name) if self.name.isidentifier() else None
        return found is not None and found.origin is not None and not _is_same(Path(found.origin), self.path)


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def distribution_identity(distribution: Distribution, package: str) -> str:
    """Name and version of a distribution; if it is editable also a fingerprint of one of its packages.

    >>> from importlib.metadata import distribution
    >>> distribution_identity(distribution("pluggy"), "pluggy").split()[0]
    'pluggy'
    """
    stamp = f"{distribution.name} {distribution.version}"
    return f"{stamp} ({fingerprint_of_package(package)})" if is_editable(distribution) else stamp


def is_editable(distribution: Distribution) -> bool:
    """Whether a distribution is installed where it is written, as by ``pip install -e``."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable", False))
