"""Fingerprints of the files that a plugin is written in."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path


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
    """A module's file, and those of the modules and packages beside it that it imports, and that these import."""
    found = [file]
    for each in found:  # which grows
        for name in _imported(each):
            module = file.with_name(f"{name}.py")
            beside = [module] if module.is_file() else sorted(file.with_name(name).rglob("*.py"))
            found += [path for path in beside if path not in found]
    return found


def _imported(file: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports; none if it is not valid Python."""
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
