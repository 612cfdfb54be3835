"""``gradmix new``: write a working plugin to start from."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from gradmix.authoring.project import TEMPLATES, New, write
from gradmix.cli.parser import CommandParser
from gradmix.contracts.errors import StorageError
from gradmix.contracts.terminal import visible

_EXAMPLES = """\
examples:
  gradmix new clusterer nearest_median
  gradmix new metric evenness --file            only evenness.py, used without installation"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    width = max(map(len, TEMPLATES))
    kinds = "\n".join(f"  {name:<{width}}  {kind.what}: {kind.example}" for name, kind in TEMPLATES.items())
    parser = CommandParser(
        "new",
        "Write a working plugin for you to change: a project to install, or one file.",
        f"kinds, and what the written plugin does:\n{kinds}\n\n{_EXAMPLES}",
    )
    add = parser.add_argument
    add("kind", nargs="?", metavar="KIND", help="one of " + ", ".join(TEMPLATES))
    add("name", nargs="?", metavar="NAME", help="its name in configs, such as nearest_median")
    add("--file", action="store_true", help="write the plugin's file only, without a project around it")
    add("--folder", type=Path, metavar="FOLDER", help="where to write it (default: a new folder NAME; a file: here)")
    options = parser.parse_args(arguments)
    if options.kind is None:
        parser.print_help()
        return 0
    if options.name is None:
        parser.error(f"give the {options.kind} a name: gradmix new {options.kind} NAME")
    new = New(options.kind, options.name)
    lines = _write_file(new, options.folder) if options.file else _write_project(new, options.folder)
    print(visible("\n".join(lines)))
    return 0


def _write_project(new: New, folder: Path | None) -> list[str]:
    folder = folder or Path(new.name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(f"{folder} already exists; nothing was overwritten. Choose another --folder.")
    project = new.project()
    write(project, folder)
    described = {
        f"{new.name}.py": "the plugin itself; the fields of its class are its options",
        f"test_{new.name}.py": "the conformance kit, as tests",
        "pyproject.toml": "the entry point by which gradmix finds it",
    }
    width = max(map(len, described))
    return [
        f"wrote {folder}/, a plugin that works as it is ({new.kind}: {TEMPLATES[new.kind].example}):",
        *(f"  {name:<{width}}  {what}" for name, what in described.items()),
        "  " + "  ".join(name for name in project if name not in described),
        "\nnext:",
        f"  cd {shlex.quote(str(folder))}",
        "  pip install -e '.[test]'",
        f"  gradmix plugins {new.name}",
        f"  gradmix run {new.run}",
        f"  gradmix check {new.check}",
    ]


def _write_file(new: New, folder: Path | None) -> list[str]:
    path = (folder or Path()) / f"{new.name}.py"
    write(new.source(), path.parent)
    files = shlex.quote(f"plugins.files=[{path}]")
    return [
        f"wrote {path}, a plugin that works as it is ({new.kind}: {TEMPLATES[new.kind].example})",
        "the fields of its class are its options",
        "\nnext:",
        f"  gradmix plugins {new.name} {files}",
        f"  gradmix run {new.run} {files}",
        f"  gradmix check {new.check} {files}",
    ]
