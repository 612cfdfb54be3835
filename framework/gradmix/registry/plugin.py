"""A plugin, which is an entry point of an installed distribution or a file, with its origin and identity."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from os.path import realpath
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import PluginError

UNKNOWN = "unknown"
"""Used as distribution, version and identity of a plugin if they cannot be determined."""


class Plugin:
    """An entry point of the group ``gradmix`` in the metadata of a distribution."""

    def __init__(self, entry_point: EntryPoint) -> None:
        self.entry_point = entry_point
        self.name: str = entry_point.name
        self.module = entry_point.module
        self.metadata = entry_point.dist
        header = self.metadata.metadata if self.metadata else {"Name": UNKNOWN, "Version": UNKNOWN}
        self.distribution: str = header["Name"]
        self.version: str = header["Version"]

    @property
    def label(self) -> str:
        """The plugin's name in messages: ``distribution:entry-point``."""
        return f"{self.distribution}:{self.name}"

    @property
    def names(self) -> set[str]:
        """The names by which a choice of plugins may refer to it."""
        return {self.distribution, self.name, self.label}

    @property
    def component(self) -> tuple[str, str] | None:
        """Kind and name, if the entry point names one component: ``clusterer.kmedoids = "module:Class"``."""
        kind, dot, name = self.name.partition(".")
        return (kind, name) if dot else None

    @cached_property
    def is_editable(self) -> bool:
        """Whether it is installed in editable mode, so that its source may change at any time."""
        return self.metadata is not None and is_editable(self.metadata)

    @cached_property
    def identity(self) -> str:
        """Distribution and version; if it is editable, also a fingerprint of the plugin's own files."""
        package = self.module.partition(".")[0]
        return distribution_identity(self.metadata, package) if self.metadata else UNKNOWN

    def load(self) -> Any:
        """Import the object that the entry point names; may raise any exception."""
        return self.entry_point.load()


class FilePlugin(Plugin):
    """A plugin in one file, without a distribution: ``plugins.files=[my_plugin.py]``.

    Its version is a fingerprint of the file and of the files in the same folder that it imports.
    """

    is_editable = True
    component = None

    def __init__(self, path: Path) -> None:
        super().__init__(EntryPoint(path.stem, path.stem, "gradmix"))
        self.path, self.distribution = path, path.name
        try:
            self.version = fingerprint(with_siblings(path))
        except OSError:  # `load` says what is wrong
            self.version = UNKNOWN

    @cached_property
    def identity(self) -> str:
        """The name and the fingerprint of the file."""
        return UNKNOWN if self.version == UNKNOWN else f"{self.path.name} ({self.version})"

    def load(self) -> Any:
        """Import the file as a module of the same name."""
        if not self.path.is_file():
            raise PluginError(f"there is no file {self.path}")
        if self._origin() not in (None, realpath(self.path)):  # other code would import this file instead of its module
            raise PluginError(f"there is another module {self.name!r} already; rename the file")
        spec = spec_from_file_location(self.name, self.path)
        if spec is None or spec.loader is None:
            raise PluginError(f"{self.path} is not a Python file: its name must end in .py")
        if self.name not in sys.modules:
            sys.modules[self.name] = module_from_spec(spec)
            try:
                spec.loader.exec_module(sys.modules[self.name])
            except BaseException:
                del sys.modules[self.name]
                raise
        return sys.modules[self.name]

    def _origin(self) -> str | None:
        """Return the file of the module that Python finds under the plugin's name; None if there is no such module."""
        if self.name in sys.modules:
            return realpath(getattr(sys.modules[self.name], "__file__", None) or "built-in")
        found = find_spec(self.name) if self.name.isidentifier() else None
        return realpath(found.origin) if found and found.origin else None


def distribution_identity(distribution: Distribution, package: str) -> str:
    """Return name and version of a distribution; if it is editable, also a fingerprint of one of its packages.

    >>> from importlib.metadata import distribution
    >>> distribution_identity(distribution("pluggy"), "pluggy").split()[0]
    'pluggy'
    """
    stamp = f"{distribution.name} {distribution.version}"
    return f"{stamp} ({fingerprint_of_package(package)})" if is_editable(distribution) else stamp


def is_editable(distribution: Distribution) -> bool:
    """Return whether a distribution is installed in editable mode, as by ``pip install -e``."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable", False))


def fingerprint_of_package(package: str) -> str:
    """Hash the files of an installed top-level package or module: 12 hexadecimal digits."""
    spec = find_spec(package)
    if spec is None:
        return "no source"
    inside = [file for place in spec.submodule_search_locations or [] for file in sorted(Path(place).rglob("*"))]
    files = [file for file in inside if file.is_file() and "__pycache__" not in file.parts]
    if not files and spec.origin is not None:
        files = with_siblings(Path(spec.origin))
    return fingerprint(files) if files else "no source"


def fingerprint(files: Iterable[Path]) -> str:
    """Hash the names and contents of files: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def with_siblings(file: Path) -> list[Path]:
    """Return a module's file and all files in its folder that it imports, directly or through one another."""
    found = [file]
    for each in found:  # the loop itself extends the list
        for name in _imported(each):
            module = file.with_name(f"{name}.py")
            beside = [module] if module.is_file() else sorted(file.with_name(name).rglob("*.py"))
            found += [path for path in beside if path not in found]
    return found


def _imported(file: Path) -> Iterator[str]:
    """Yield the top-level names of the modules that a file imports; none if it is not valid Python."""
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
