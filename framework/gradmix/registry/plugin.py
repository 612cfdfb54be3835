"""One plugin: an entry point, and the distribution that it comes from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

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

    @cached_property
    def distribution(self) -> str:
        """Name of the distribution that brings it."""
        return self.entry_point.dist.name if self.entry_point.dist else UNKNOWN

    @cached_property
    def version(self) -> str:
        """Version of the distribution."""
        return self.entry_point.dist.version if self.entry_point.dist else UNKNOWN

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
        package = self.entry_point.module.partition(".")[0]
        return distribution_identity(self.entry_point.dist, package) if self.entry_point.dist else UNKNOWN


def distribution_identity(distribution: Distribution, package: str) -> str:
    """Name and version of a distribution; if it is editable also a fingerprint of one of its packages.

    >>> from importlib.metadata import distribution
    >>> distribution_identity(distribution("pluggy"), "pluggy").split()[0]
    'pluggy'
    """
    stamp = f"{distribution.name} {distribution.version}"
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    is_editable = origin.get("dir_info", {}).get("editable", False)
    return f"{stamp} ({fingerprint_of_package(package)})" if is_editable else stamp


def fingerprint_of_package(package: str) -> str:
    """Hash the files of an installed top-level package or module: 12 hexadecimal digits."""
    from importlib.util import find_spec

    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return "no source"
    roots = [Path(place) for place in spec.submodule_search_locations or []]
    files = [file for root in roots for file in sorted(root.rglob("*")) if _is_source(file)] or [Path(spec.origin)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _is_source(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts
