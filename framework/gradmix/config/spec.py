"""A run, fully specified: settings, a task built of checked components, and the identity of what it computes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

from gradmix.config.build import build, unknown_option
from gradmix.contracts.errors import ConfigError, UnknownNameError
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.options import NonNegativeInt, check_option, options_of
from gradmix.contracts.task import Task
from gradmix.registry.plugin import distribution_identity
from gradmix.registry.registry import registry


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where MLflow's view of the runs is kept.

    Parameters
    ----------
    uri
        MLflow's tracking URI, such as sqlite:///runs/mlflow.db or http://127.0.0.1:5000; null tracks nothing.
    artifacts
        Folder for artifacts beside a local store; a server keeps its own.
    """

    uri: str | None = "sqlite:///runs/mlflow.db"
    artifacts: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What belongs to a run but not to what it computes.

    Parameters
    ----------
    name
        Name of the experiment in MLflow, and of the folder under `runs_dir`.
    seed
        Seed of every component whose own seed is left open.
    runs_dir
        Where runs leave their journals.
    pictures
        Whether to draw the pictures of a run.
    tracking
        Where MLflow's view of the runs is kept.
    """

    name: str
    seed: NonNegativeInt = 0
    runs_dir: str = "runs"
    pictures: bool = True
    tracking: Tracking = dataclasses.field(default_factory=Tracking)


@dataclass(frozen=True)
class RunSpec:
    """Everything that a run needs, checked.

    Parameters
    ----------
    settings
        What belongs to the run but not to what it computes.
    task
        The task, with its components.
    config
        The resolved config of what is computed: ``{"task": {…}, "clusterer": {"name": "gmm", …}, …, "seed": 0}``.
    plugins
        Config path of each component → distribution, version and, if editable, a fingerprint of the source.
    """

    settings: Settings
    task: Task
    config: Mapping[str, Any]
    plugins: Mapping[str, str]

    @cached_property
    def params(self) -> dict[str, Any]:
        """Chosen names and options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2, …}``."""
        return dict(_flatten(self.config))

    @property
    def label(self) -> str:
        """A short name, made of the names of the task's parts: ``gmm on old_faithful``."""
        parts = [node["name"] for key, node in self.config.items() if isinstance(node, Mapping) and key != "task"]
        return " on ".join(parts) or str(self.config["task"]["name"])

    @cached_property
    def run_key(self) -> str:
        """Identity of what is computed: hash of config, plugins, data content and seed. Same key, same result."""
        identity = {"config": self.config, "plugins": self.plugins, "content": self.task.content()}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def read_spec(config: Mapping[str, Any]) -> RunSpec:
    """Check a resolved config, as plain values, and build the task that it describes.

    Raises
    ------
    ConfigError
        If anything is unknown, ill-typed or missing.
    """
    node = config.get("task")
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        raise ConfigError(f"a run needs a task, such as task=cluster; given: {node!r}.")
    task_class = registry().find("task", node["name"]).load()
    parts = [option.name for option in options_of(task_class) if option.part]
    settings = {name: value for name, value in config.items() if name not in ("task", *parts)}
    read = read_settings(settings, also_known=("task", *parts))
    task = build("task", {**node, **{name: config[name] for name in parts if name in config}})
    own = {name: value for name, value in task.node.items() if name not in parts}
    return RunSpec(
        settings=read,
        task=cast("Task", task.component),
        config={"task": own, **{name: task.node[name] for name in parts}, "seed": read.seed},
        plugins={path or "task": identity for path, identity in task.plugins.items()} | {PROJECT: core_identity()},
    )


def read_settings(given: Mapping[str, Any], also_known: Sequence[str] = ()) -> Settings:
    """Check what belongs to a run but not to what it computes."""
    tracking = given.get("tracking", {})
    if not isinstance(tracking, Mapping):
        raise ConfigError(f"tracking must be a mapping with a uri; given: {tracking!r}.")
    values = _checked(Settings, given, "", also_known) | {
        "tracking": Tracking(**_checked(Tracking, tracking, "tracking"))
    }
    if values["tracking"].uri == "":
        raise ConfigError("tracking.uri is empty; tracking=none tracks nothing.")
    if not re.fullmatch(r"\w[\w .-]*", values["name"]):
        raise ConfigError(f"name must be letters, digits, spaces and any of _ . -; given: {values['name']!r}.")
    settings = Settings(**values)
    if not settings.runs_dir.isprintable():
        raise ConfigError(f"runs_dir must be the name of a folder, on one line; given: {settings.runs_dir!r}.")
    return settings


def _checked(cls: type, given: Mapping[str, Any], where: str, also_known: Sequence[str] = ()) -> dict[str, Any]:
    options = {option.name: option for option in options_of(cls)}
    for key in given:
        if key not in options:
            path = f"{where}.{key}" if where else key
            raise UnknownNameError(unknown_option(path, where or "a run", [*options, *also_known]))
    for option in options.values():
        if option.required and option.name not in given:
            raise ConfigError(f"{option.name} must be given: {option.allowed}.")
    plain_options = [option for name, option in options.items() if name in given and option.type is not Tracking]
    return {option.name: check_option(option, given[option.name], where) for option in plain_options}


@cache
def core_identity() -> str:
    """Identity of the core itself: its version and, if it is editable, a fingerprint of its source."""
    from importlib.metadata import distribution

    return distribution_identity(distribution(PROJECT), PROJECT)


def _flatten(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten a config: a component's name stands under the component's own path, or its path's last part."""
    for key, value in node.items():
        path = f"{prefix}.{key}".strip(".")
        if isinstance(value, Mapping):
            yield from _flatten(value, path)
        else:
            yield (prefix if key == "name" and prefix else path), value
