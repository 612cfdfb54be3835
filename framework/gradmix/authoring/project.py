"""A new plugin: an installable project, or one file, from the templates beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from gradmix.authoring.names import check_name, class_name
from gradmix.contracts.errors import StorageError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.hooks import PROJECT
from gradmix.registry.registry import registry


@dataclass(frozen=True)
class Kind:
    """What the template of a kind is, and how it is run.

    Parameters
    ----------
    what
        What its components do, in a line.
    example
        What the template does.
    run
        Overrides by which it is run, with ``$name`` for its name.
    """

    what: str
    example: str
    run: str


TEMPLATES: Mapping[str, Kind] = {
    "clusterer": Kind("finds groups in rows", "k-medians", "clusterer=$name"),
    "dataset": Kind("gives rows to cluster", "two half circles", "dataset=$name"),
    "differentiator": Kind("computes derivatives", "one-sided differences", "task=differentiate differentiator=$name"),
    "problem": Kind(
        "is a function to differentiate, with its exact derivative", "a bell", "task=differentiate problem=$name"
    ),
    "task": Kind("is what a run does with its components", "gradient descent", "task=$name"),
    "metric": Kind("measures what a task has found", "how even the groups are", "metric=$name"),
    "events": Kind("follows a run, may stop it or add a picture", "a stopping rule", "events=$name"),
}
"""Every kind of component, with its template."""


@dataclass(frozen=True)
class New:
    """A plugin that is to be written: the kind and the name of its component, which is its module's name, too.

    Raises
    ------
    UnknownNameError
        If there is no such kind; names the nearest.
    ConfigError
        If nothing can be called so.
    """

    kind: str
    name: str

    def __post_init__(self) -> None:
        if self.kind not in TEMPLATES and self.name in TEMPLATES:
            raise UnknownNameError(f"the kind comes first: gradmix new {self.name} {self.kind}")
        if self.kind not in TEMPLATES and self.kind in registry().kinds:
            raise UnknownNameError(f"there is no template for the kind {self.kind}, which a plugin adds.")
        if self.kind not in TEMPLATES:
            raise UnknownNameError(
                f"unknown kind {self.kind!r}.{did_you_mean(self.kind, TEMPLATES)} There are: {listing(TEMPLATES)}."
            )
        check_name(self.kind, self.name)

    @property
    def distribution(self) -> str:
        """Name of the distribution, by which pip knows it."""
        return f"{PROJECT}-{self.name.replace('_', '-')}"

    @property
    def run(self) -> str:
        """Overrides by which it is run."""
        return Template(TEMPLATES[self.kind].run).substitute(name=self.name)

    @property
    def check(self) -> str:
        """Arguments by which it is checked: its name, and its kind where others have that name."""
        others = [entry for entry in registry().search(self.name) if entry.kind != self.kind]
        return f"{self.name} --kind {self.kind}" if others else self.name

    def source(self) -> Mapping[str, str]:
        """The plugin itself: one file, its text by its name."""
        return {f"{self.name}.py": self._filled(f"{self.kind}.py.txt")}

    def project(self) -> Mapping[str, str]:
        """Every file of the project, its text by its name, in the order in which they are read."""
        templates = {
            f"test_{self.name}.py": "test.py.txt",
            "pyproject.toml": "pyproject.toml.txt",
            "README.md": "README.md.txt",
            ".gitignore": "gitignore.txt",
        }
        return {**self.source(), **{file: self._filled(f"project/{each}") for file, each in templates.items()}}

    def _filled(self, template: str) -> str:
        text = files("gradmix.authoring").joinpath("templates", template).read_text(encoding="utf-8")
        return Template(text).substitute(
            kind=self.kind,
            name=self.name,
            Class=class_name(self.name),
            distribution=self.distribution,
            run=self.run,
            check=self.check,
            version=version(PROJECT),
        )


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder, which is made if it is not there; none that is there is overwritten.

    Raises
    ------
    StorageError
        If one of the files is there already, or the folder cannot be written; nothing is written then.
    """
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise StorageError(f"{folder / there[0]} is there already, and nothing is overwritten.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise StorageError(f"cannot write {error.filename or folder}: {error.strerror}.") from error
