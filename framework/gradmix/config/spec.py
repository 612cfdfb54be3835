"""A run, fully specified: settings, a task built of checked components, and the identity of what it computes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Annotated, Any, Literal, cast

from gradmix.config.build import build, unknown_option
from gradmix.config.chosen import Chosen, read_events, read_metrics
from gradmix.contracts.component import Component, options_within
from gradmix.contracts.errors import ConfigError, UnknownNameError, listing
from gradmix.contracts.events import Events
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.meaning import TIME, Meaning
from gradmix.contracts.metric import Metric
from gradmix.contracts.options import (
    NonNegativeInt,
    Option,
    PositiveFloat,
    PositiveInt,
    SendsTo,
    check_option,
    options_of,
)
from gradmix.contracts.role import Role
from gradmix.contracts.task import Task
from gradmix.registry.choice import Choice
from gradmix.registry.plugin import UNKNOWN, distribution_identity
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
    models
        Whether fitted clusterers are kept as models of MLflow's, which ``mlflow models serve`` takes.
    system_metrics
        Whether a run samples, once a second, the processor and the memory that it uses.
    """

    uri: Annotated[str | None, SendsTo(is_secret=False)] = "sqlite:///runs/mlflow.db"
    artifacts: Annotated[str | None, SendsTo(is_secret=False)] = None
    models: bool = True
    system_metrics: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may take; one that takes more is stopped, and its status says so.

    Parameters
    ----------
    seconds
        Time for its computation, data loaded; again for reading what its identity depends on, and for each timed round.
        Null sets no limit.
    bytes
        Memory beyond what its process held at the start (Linux); null sets no limit.
    threads
        Threads of BLAS and the like for each run; null shares the cores among the processes of a sweep.
    """

    seconds: PositiveFloat | None = None
    bytes: PositiveInt | None = None
    threads: PositiveInt | None = None


CLOCKS: Mapping[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}
"""Name → clock, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How a run's work is timed.

    Parameters
    ----------
    clock
        ``wall``, or ``processor``: the time that the process's threads were at work together.
    allocator
        ``pinned``: freed memory stays with the process from the first timed round on, so that no round pays for
        getting it from the system, whatever ran before (glibc; elsewhere as ``default``). ``default``: as it is.
    repeats
        Timed rounds, whose median is reported; null leaves it to the task, 0 times only the run itself.
    warmup
        Rounds before these that are not counted.
    paired
        In a sweep: time the compared plugins in turns, round by round, in one process.
    memory
        Measure the peak of memory, too, in a round of its own.
    """

    clock: Literal["wall", "processor"] = "wall"
    allocator: Literal["pinned", "default"] = "pinned"
    repeats: NonNegativeInt | None = None
    warmup: NonNegativeInt = 1
    paired: bool = False
    memory: bool = False

    @property
    def now(self) -> Callable[[], float]:
        """The clock, in seconds."""
        return CLOCKS[self.clock]

    @property
    def is_asked_for(self) -> bool:
        """Whether a person wants timings of their own, beyond what comes with every run."""
        return bool(self.repeats) or self.paired or self.memory


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
        Whether to draw: ``true`` and ``false`` hold for every run; ``auto`` draws a single run, and of a sweep the best
        run of each algorithm on each input, eight at most, and a comparison.
    reuse
        In a sweep: take results that there are already instead of computing them again.
    on_error
        In a sweep, when a job fails: ``continue`` with the others, ``stop``, or ``retry:n`` it up to n times.
    tracking
        Where MLflow's view of the runs is kept.
    limits
        What a run may take.
    timing
        How its work is timed.
    plugins
        Which plugins are used.
    """

    name: str
    seed: NonNegativeInt = 0
    runs_dir: Annotated[str, SendsTo(is_secret=False)] = "runs"
    pictures: bool | Literal["auto"] = "auto"
    reuse: bool = True
    on_error: str = "continue"
    tracking: Tracking = dataclasses.field(default_factory=Tracking)
    limits: Limits = dataclasses.field(default_factory=Limits)
    timing: Timing = dataclasses.field(default_factory=Timing)
    plugins: Choice = dataclasses.field(default_factory=Choice)

    @property
    def retries(self) -> int:
        """How often a job that failed is tried again."""
        return int(self.on_error.partition(":")[2] or 0)

    @property
    def stops_on_error(self) -> bool:
        """Whether no job starts any more once one has failed."""
        return self.on_error == "stop"


_SEVERAL = (Metric.kind, Events.kind)
"""Groups of which a run may have several or none."""

_SECTIONS: Mapping[str, type] = {
    "tracking": Tracking,
    "limits": Limits,
    "timing": Timing,
    "plugins": Choice,
}
"""Settings that are mappings themselves."""


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
    metrics
        What is measured besides the task's own metrics.
    events
        Components that follow the run; `config` and `plugins` include those that may change its result.
    seconds
        How long it took to import and build the components, by the run's own clock.
    """

    settings: Settings
    task: Task
    config: Mapping[str, Any]
    plugins: Mapping[str, str]
    metrics: Chosen[Metric] = dataclasses.field(default_factory=Chosen)
    events: Chosen[Events] = dataclasses.field(default_factory=Chosen)
    seconds: float = 0.0

    @cached_property
    def params(self) -> dict[str, Any]:
        """Chosen names and options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2, …}``."""
        return dict(_flatten(self.config))

    @property
    def label(self) -> str:
        """A short name, made of the names of the task's parts: ``gmm on old_faithful``."""
        others = (Task.kind, *_SEVERAL)
        parts = [node["name"] for key, node in self.config.items() if isinstance(node, Mapping) and key not in others]
        return " on ".join(parts) or str(self.config[Task.kind]["name"])

    @property
    def options(self) -> Iterator[tuple[str, Option, Any]]:
        """Every option of the run's components: path in the config, option and value."""
        for path, component in {Task.kind: self.task, **self.chosen}.items():
            yield from options_within(component, path)

    @cached_property
    def parts(self) -> Mapping[str, Component]:
        """The run's components by their path in the config: the task, those that it holds, and so on."""
        held = {path: value for path, _, value in self.options if isinstance(value, Component)}
        return {Task.kind: self.task, **held, **self.chosen}

    @cached_property
    def seeds(self) -> list[str]:
        """Paths of the run's seed and of its components' own: a run is repeated over these."""
        return ["seed", *(path for path, option, _ in self.options if option.is_seed)]

    @cached_property
    def meanings(self) -> Mapping[str, Meaning]:
        """What its metrics mean, by name, in the order in which results are ranked by them."""
        algorithms = {name for name, part in self.parts.items() if part.role is Role.ALGORITHM and "." not in name}
        freedom = frozenset({*algorithms, *(path for path, option, _ in self.options if option.freedom)})
        objective = self.task.improves()
        own = [*self.task.metrics(), *([] if objective is None else [objective.meaning])]
        chosen = [metric.meaning(name) for name, metric in self.metrics.components.items()]
        found: dict[str, Meaning] = {}
        for each in (*own, *chosen, TIME):
            found.setdefault(each.name, replace(each, confounded_by=freedom) if each.rewards_freedom else each)
        return found

    @property
    def work(self) -> Mapping[str, Any]:
        """The config of what is computed, whichever algorithm and engine compute it."""
        roles = {path: component.role for path, component in self.parts.items()}
        return {key: node for key, node in self.config.items() if key not in roles or not roles[key].is_compared}

    @property
    def chosen(self) -> Mapping[str, Component]:
        """Metrics and events, by their path in the config."""
        both: tuple[Chosen[Any], ...] = (self.metrics, self.events)
        return {f"{each.kind}.{name}": each for group in both for name, each in group.components.items()}

    @property
    def unidentified(self) -> list[str]:
        """Parts whose plugin's version cannot be told: what they compute has no identity."""
        return [owner for owner, identity in self.plugins.items() if identity == UNKNOWN]

    @cached_property
    def run_key(self) -> str:
        """Identity of what is computed: hash of config, plugins, data content and seed. Same key, same result."""
        content = [*self.task.content(), *self.metrics.content(), *self.events.content()]
        identity = {"config": self.config, "plugins": self.plugins, "content": content}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def read_spec(config: Mapping[str, Any]) -> RunSpec:
    """Check a resolved config, as plain values, and build the task that it describes.

    Raises
    ------
    ConfigError
        If anything is unknown, ill-typed or missing.
    """
    begun = {name: clock() for name, clock in CLOCKS.items()}
    node = config.get(Task.kind)
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        raise ConfigError(f"a run needs a task, such as task=cluster; given: {node!r}.")
    task_class = registry().find(Task.kind, node["name"]).load()
    parts = [option.name for option in options_of(task_class) if option.part]
    settings = {name: value for name, value in config.items() if name not in (Task.kind, *parts, *_SEVERAL)}
    read = read_settings(settings, also_known=(Task.kind, *parts, *_SEVERAL))
    built = build(Task.kind, {**node, **{name: config[name] for name in parts if name in config}})
    task = cast("Task", built.component)
    own = {name: value for name, value in built.node.items() if name not in parts}
    metrics, events = read_metrics(config, task), read_events(config, task)
    _check_timing(read.timing, events)
    chosen: tuple[Chosen[Any], ...] = (metrics, events)
    return RunSpec(
        settings=read,
        task=task,
        config={
            Task.kind: own,
            **{name: built.node[name] for name in parts},
            **{kind: nodes for kind, each in zip(_SEVERAL, chosen, strict=True) if (nodes := each.config)},
            "seed": read.seed,
        },
        plugins={
            **{path or Task.kind: identity for path, identity in built.plugins.items()},
            **metrics.identities,
            **events.identities,
            PROJECT: core_identity(),
        },
        metrics=metrics,
        events=events,
        seconds=read.timing.now() - begun[read.timing.clock],
    )


def _check_timing(timing: Timing, events: Chosen[Events]) -> None:
    stopping = [name for name, each in events.components.items() if each.may_stop]
    if stopping and timing.is_asked_for:
        raise ConfigError(
            f"timing repeats the whole work, which events.{stopping[0]} would not stop; leave out one of the two."
        )


def read_settings(given: Mapping[str, Any], also_known: Sequence[str] = ()) -> Settings:
    """Check what belongs to a run but not to what it computes."""
    sections = {name: cls(**_checked(cls, _section(given, name), name)) for name, cls in _SECTIONS.items()}
    settings = Settings(**_checked(Settings, given, "", also_known), **sections)
    if settings.tracking.uri == "":
        raise ConfigError("tracking.uri is empty; tracking=none tracks nothing.")
    if not re.fullmatch(r"\w[\w .-]*", settings.name):
        raise ConfigError(f"name must be letters, digits, spaces and any of _ . -; given: {settings.name!r}.")
    if not re.fullmatch(r"continue|stop|retry:[1-9]\d{0,3}", settings.on_error):
        raise ConfigError(f"on_error must be continue, stop or retry:n, such as retry:2; given: {settings.on_error!r}.")
    if not settings.runs_dir.isprintable():
        raise ConfigError(f"runs_dir must be the name of a folder, on one line; given: {settings.runs_dir!r}.")
    return settings


def _section(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = given.get(name, {})
    if not isinstance(section, Mapping):
        keys = listing(option.name for option in options_of(_SECTIONS[name]))
        raise ConfigError(f"{name} must be a mapping of any of {keys}; given: {section!r}.")
    return section


def _checked(cls: type, given: Mapping[str, Any], where: str, also_known: Sequence[str] = ()) -> dict[str, Any]:
    options = {option.name: option for option in options_of(cls)}
    for key in given:
        if key not in options:
            path = f"{where}.{key}" if where else key
            raise UnknownNameError(unknown_option(path, where or "a run", [*options, *also_known]))
    for option in options.values():
        if option.required and option.name not in given:
            raise ConfigError(f"{option.name} must be given: {option.allowed}.")
    plain_options = [option for name, option in options.items() if name in given and name not in _SECTIONS]
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
