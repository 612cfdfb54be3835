"""Write a new plugin, a project or a single file, from the templates in this folder; check its name."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import cast

from gradmix.config.build import build
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError, UnknownNameError
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.meaning import RESERVED
from gradmix.contracts.metric import Metric
from gradmix.contracts.task import Task
from gradmix.registry.kinds import unknown_kind
from gradmix.registry.loading import NOT_NAMES, in_snake_case
from gradmix.registry.registry import registry

_LONGEST = 50
"""Maximum length of a name, since files and distributions are named after it."""

_GROUPS = frozenset({"experiment", "gradmix", "hydra", "plugins", "tracking"})
"""Names that are not kinds but have another meaning in a config or on the command line."""


@dataclass(frozen=True)
class Kind:
    """A kind: what its components do, the example in its template, and the overrides that run it as ``$name``."""

    what: str
    example: str
    run: str


TEMPLATES: Mapping[str, Kind] = {
    "clusterer": Kind("finds groups in rows", "k-medians", "clusterer=$name"),
    "covariance": Kind(
        "constrains the covariances of a mixture",
        "spheres of one size",
        "clusterer=gmm clusterer.covariance_type=$name",
    ),
    "dataset": Kind("gives rows to cluster", "two half circles", "dataset=$name"),
    "differentiator": Kind("computes derivatives", "one-sided differences", "task=differentiate differentiator=$name"),
    "problem": Kind(
        "is a function to differentiate, with its exact derivative", "a bell", "task=differentiate problem=$name"
    ),
    "solver": Kind("solves the question that a problem poses", "the chord method", "task=solve solver=$name"),
    "task": Kind("defines what a run does with its components", "gradient descent", "task=$name"),
    "metric": Kind("measures the result of a task", "how even the groups are", "metric=$name"),
    "engine": Kind("computes sums over blocks of rows", "threads", "engine=$name"),
    "events": Kind("follows a run, and can stop it or add a picture", "a stopping rule", "events=$name"),
}
"""Every kind of component, with its template."""


@dataclass(frozen=True)
class New:
    """A plugin to write: the kind and the name of its component; the module has the same name.

    Raises `UnknownNameError` if there is no such kind, and `ConfigError` if the name is not allowed.
    """

    kind: str
    name: str

    def __post_init__(self) -> None:
        if self.kind not in TEMPLATES:
            if self.name in TEMPLATES:
                raise UnknownNameError(f"give the kind first: gradmix new {self.name} {self.kind}")
            if self.kind in registry().kinds:
                raise UnknownNameError(f"the kind {self.kind} has no template, because a plugin added it.")
            raise UnknownNameError(unknown_kind(self.kind, TEMPLATES))
        check_name(self.kind, self.name)

    @property
    def distribution(self) -> str:
        """Name of the distribution, for pip."""
        return f"{PROJECT}-{self.name.replace('_', '-')}"

    @property
    def run(self) -> str:
        """Overrides that run it."""
        return Template(TEMPLATES[self.kind].run).substitute(name=self.name)

    @property
    def check(self) -> str:
        """Arguments of ``gradmix check``: its name, and its kind if components of other kinds have that name."""
        others = [entry for entry in registry().search(self.name) if entry.kind != self.kind]
        return f"{self.name} --kind {self.kind}" if others else self.name

    def source(self) -> Mapping[str, str]:
        """Return the plugin as one file: file name → text."""
        return {f"{self.name}.py": self._filled(f"{self.kind}.py.txt")}

    def project(self) -> Mapping[str, str]:
        """Return every file of the project, in the order in which a reader needs them: file name → text."""
        templates = {f"test_{self.name}.py": "test.py", "pyproject.toml": "pyproject.toml", "README.md": "README.md"}
        templates |= {".gitignore": "gitignore"}
        return {**self.source(), **{file: self._filled(f"project/{each}.txt") for file, each in templates.items()}}

    def _filled(self, template: str) -> str:
        from packaging.version import Version

        text = files("gradmix.authoring").joinpath("templates", template).read_text(encoding="utf-8")
        return Template(text).substitute(
            kind=self.kind,
            name=self.name,
            Class=class_name(self.name),
            distribution=self.distribution,
            run=self.run,
            check=self.check,
            version=Version(version(PROJECT)).public,  # a requirement cannot have a local version with a commit
        )


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder, which is made if missing; write nothing if one of the files already exists."""
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise StorageError(f"{folder / there[0]} already exists; nothing was overwritten.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise StorageError(f"cannot write {error.filename or folder}: {error.strerror}.") from error


def class_name(name: str) -> str:
    """Convert the name of a component to the name of its class.

    >>> class_name("nearest_mean"), class_name("x_y")
    ('NearestMean', 'X_Y')
    """
    words = [word.capitalize() for word in name.split("_")]
    joined = "".join(words)
    return joined if in_snake_case(joined) == name else "_".join(words)  # loading a file names components by it


def check_name(kind: str, name: str) -> None:
    """Check that a new component of a kind, and its module, can have a name; the error suggests another name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > _LONGEST:
        raise ConfigError(
            f"{name!r} cannot be a name: a name has at most {_LONGEST} lower-case letters, digits and _, and "
            f"begins with a letter.{_near(name)}"
        )
    if reason := next(_objections(kind, name), ""):
        raise ConfigError(f"{name!r} {reason}; choose another name, such as my_{name}.")


def _near(name: str) -> str:
    """Return a phrase that suggests an allowed name; empty if the given name has no usable letters."""
    words = re.sub(r"[^a-z0-9]+", "_", in_snake_case(name).encode("ascii", "ignore").decode()).strip("_")
    near = words.lstrip("0123456789_")[:_LONGEST]
    return f" Did you mean {near}?" if near else ""


def _objections(kind: str, name: str) -> Iterator[str]:
    """Yield the reasons why a well-formed name cannot be used."""
    if keyword.iskeyword(name):
        yield "is a keyword of Python"
    if name in NOT_NAMES or name in ("on", "off", "yes", "no", "y", "n"):
        yield "would be read as a value in an override or a config file"
    if name in _GROUPS or name in registry().kinds:
        yield "is the name of a config group or of a kind"
    if kind == Metric.kind:
        names = set(RESERVED)
        for task in (entry for entry in registry() if entry.kind == Task.kind):
            with suppress(GradmixError):  # a broken plugin, or a task with options that must be given
                default = cast("Task", build(Task.kind, task.qualified).component)
                names |= {each.name for each in default.metrics()}
        if name in names:
            yield "is the name of a metric of gradmix or of a task"
    for plugin in [entry.plugin for entry in registry().search(name) if entry.kind == kind]:
        yield f"is taken: {plugin.distribution} {plugin.version} has {kind}={name}"
    if name in sys.stdlib_module_names:
        yield f"is a module of Python's standard library, which {name}.py would hide"
    spec = find_spec(name)
    if spec is not None and spec.origin is not None:  # a folder without code has no origin
        yield f"is the name of an installed module ({spec.origin})"
