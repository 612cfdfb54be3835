"""The full specification of a run: settings, a task built from checked components, and the run key."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cache, cached_property
from importlib.metadata import distribution
from typing import Annotated, Any, Literal, cast

from gradmix.config.build import build, unknown_option
from gradmix.config.chosen import Chosen, read_events, read_metrics
from gradmix.config.files import files_of_group, leaves
from gradmix.contracts.component import Component, marks_of, options_within
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import ConfigError, UnknownNameError, listing
from gradmix.contracts.events import Events
from gradmix.contracts.hooks import PROJECT
from gradmix.contracts.iterative import IterativeAlgorithm
from gradmix.contracts.meaning import TIME, Meaning
from gradmix.contracts.metric import Metric
from gradmix.contracts.option_types import NonNegativeInt, PositiveFloat, PositiveInt, SendsTo
from gradmix.contracts.option_values import check_option
from gradmix.contracts.options import Option, options_of
from gradmix.contracts.returned import check_meanings, check_objective
from gradmix.contracts.role import Role
from gradmix.contracts.secrets import secret_values
from gradmix.contracts.task import Task
from gradmix.registry.choice import Choice
from gradmix.registry.plugin import UNKNOWN, distribution_identity
from gradmix.registry.registry import registry
from gradmix.registry.rules import rules_of

CLOCKS: Mapping[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}
"""Name → clock, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where MLflow stores the runs, and what it stores."""

    uri: Annotated[str | None, SendsTo(is_secret=False)] = "sqlite:///runs/mlflow.db"  # None turns tracking off
    artifacts: Annotated[str | None, SendsTo(is_secret=False)] = None  # folder for a local store; a server has its own
    models: bool = True  # store fitted clusterers as MLflow models, for `mlflow models serve`
    system_metrics: bool = False  # sample the run's use of processor and memory once a second
    user: bool = True  # record the user who makes a run


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a run, which is stopped if it exceeds one; its status states the reason. None sets no limit."""

    seconds: PositiveFloat | None = None
    """Time of the computation; also, separately, of reading the inputs for the run key and of each timed round."""
    bytes: PositiveInt | None = None
    """Memory in addition to what the process used at the start (Linux)."""
    threads: PositiveInt | None = None
    """Threads of BLAS and similar libraries for each run; None divides the cores among the processes of a sweep."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How the work of a run is timed."""

    clock: Literal["wall", "processor"] = "wall"
    """``wall`` is elapsed time; ``processor`` is the total processor time of all threads of the process."""
    allocator: Literal["pinned", "default"] = "pinned"
    """``pinned``: the process keeps freed memory from the first timed round on, so that no round's time depends on what
    ran before (glibc; elsewhere the same as ``default``)."""
    repeats: NonNegativeInt | None = None
    """Number of timed rounds; their median is reported. None: the task decides. 0: only the run itself is timed."""
    warmup: NonNegativeInt = 1
    """Number of rounds before the timed ones that are not counted."""
    paired: bool = False
    """In a sweep, time the compared plugins in turns, round by round, in one process."""
    memory: bool = False
    """Measure the peak of memory, too, in a separate round."""

    @property
    def now(self) -> Callable[[], float]:
        """The function that reads the clock, in seconds."""
        return CLOCKS[self.clock]

    @property
    def is_asked_for(self) -> bool:
        """Whether the user requests more timings than those of every run."""
        return bool(self.repeats) or self.paired or self.memory


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a run that do not change what it computes; ``configs/config.yaml`` explains each."""

    name: str
    seed: NonNegativeInt = 0
    runs_dir: Annotated[str, SendsTo(is_secret=False)] = "runs"
    pictures: bool | Literal["auto"] = "auto"
    """``auto`` draws every single run; in a sweep only the best run of each algorithm on each input, at most eight."""
    reuse: bool = True
    strict: bool = False
    """In a sweep over components, refuse an option that a component lacks, instead of leaving it out there."""
    on_error: str = "continue"
    """When a job of a sweep fails: ``continue`` with the others, ``stop``, or ``retry:n``, up to n more attempts."""
    tracking: Tracking = field(default_factory=Tracking)
    limits: Limits = field(default_factory=Limits)
    timing: Timing = field(default_factory=Timing)
    plugins: Choice = field(default_factory=Choice)

    @property
    def retries(self) -> int:
        """How many times a failed job is repeated."""
        return int(self.on_error.partition(":")[2] or 0)

    @property
    def stops_on_error(self) -> bool:
        """Whether no more jobs start after one has failed."""
        return self.on_error == "stop"


@dataclass(frozen=True)
class RunSpec:
    """The checked specification of a run; `read_spec` makes it."""

    settings: Settings
    task: Task
    config: Mapping[str, Any]
    """The resolved config of the computation: ``{"task": {…}, "clusterer": {"name": "gmm", …}, …, "seed": 0}``."""
    plugins: Mapping[str, str]
    """Config path of each component → distribution, version and, if editable, a fingerprint of the source.

    Plugins whose derivative rules a component may use are included, as ``rules.LABEL``.
    """
    metrics: Chosen[Metric] = field(default_factory=Chosen)
    """The chosen metrics, which are measured in addition to the task's own."""
    events: Chosen[Events] = field(default_factory=Chosen)
    """The chosen run events; `config` and `plugins` include those that may change the result."""
    seconds: float = 0.0
    """Time to import and build the components, by the run's own clock."""

    @cached_property
    def params(self) -> dict[str, Any]:
        """Chosen names and options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2, …}``."""
        paths = {path[:-1] if path[1:] and path[-1] == "name" else path: value for path, value in leaves(self.config)}
        return {".".join(path): value for path, value in paths.items() if value != {}}

    @property
    def label(self) -> str:
        """A short name built from the names of the task's parts: ``gmm on old_faithful``."""
        others = (Task.kind, Metric.kind, Events.kind, *self.engines)
        parts = [node["name"] for key, node in self.config.items() if isinstance(node, Mapping) and key not in others]
        return " on ".join(parts) or str(self.config[Task.kind]["name"])

    @property
    def options(self) -> Iterator[tuple[str, Option, Any]]:
        """Yield every option of the run's components: path in the config, option and value."""
        for path, component in {Task.kind: self.task, **self.chosen}.items():
            yield from options_within(component, path)

    @cached_property
    def parts(self) -> Mapping[str, Component]:
        """The run's components by their path in the config: the task, its parts, their parts, and so on."""
        held = {path: value for path, _, value in self.options if isinstance(value, Component)}
        return {Task.kind: self.task, **held, **self.chosen}

    @cached_property
    def seeds(self) -> list[str]:
        """Paths of the run's seed and of the seeds of its components; repeats of a run differ in these."""
        return ["seed", *(path for path, option, _ in self.options if option.is_seed)]

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Path of each option that has an alias → the same path with the alias."""
        named = ((path, option.alias) for path, option, _ in self.options if option.alias)
        return {path: f"{path.rpartition('.')[0]}.{alias}" for path, alias in named}

    @cached_property
    def meanings(self) -> Mapping[str, Meaning]:
        """The meanings of the metrics, by name, in the order in which they rank results."""
        algorithms = {name for name, part in self.parts.items() if part.role is Role.ALGORITHM and "." not in name}
        free = {path for path, option, _ in self.options if option.freedom}
        freedom = frozenset({*algorithms, *free, *(self.aliases[path] for path in free & self.aliases.keys())})
        for part in reversed([*self.parts.values()]):  # parts first, since the task may call their methods
            if isinstance(part, IterativeAlgorithm):
                check_objective(f"{type(part).__name__}.objective", part.objective)
            elif part is self.task and (objective := self.task.improves()) is not None:
                check_objective(f"the return value of {type(part).__name__}.improves", objective)
            if isinstance(part, Task | IterativeAlgorithm | Differentiator):
                check_meanings(part, part.metrics())
        objective = self.task.improves()
        own = [*self.task.metrics(), *([] if objective is None else [objective.meaning])]
        chosen = [metric.meaning(name) for name, metric in self.metrics.components.items()]
        found: dict[str, Meaning] = {}
        for each in (*own, *chosen, TIME):
            found.setdefault(each.name, replace(each, confounded_by=freedom) if each.rewards_freedom else each)
        return found

    @property
    def work(self) -> Mapping[str, Any]:
        """The config of the computation, without the algorithm and the engine."""
        roles = {path: component.role for path, component in self.parts.items()}
        return {key: node for key, node in self.config.items() if key not in roles or not roles[key].is_compared}

    @cached_property
    def engines(self) -> list[str]:
        """Paths of the task's engines, which change the time of a computation but not its result."""
        return [path for path, component in self.parts.items() if component.role is Role.ENGINE and "." not in path]

    @property
    def chosen(self) -> Mapping[str, Component]:
        """The metrics and events by their path in the config."""
        both: tuple[Chosen[Any], ...] = (self.metrics, self.events)
        return {f"{group.kind}.{name}": each for group in both for name, each in group.components.items()}

    @property
    def unidentified(self) -> list[str]:
        """Parts whose plugin has an unknown version, so that their results have no identity."""
        return [owner for owner, identity in self.plugins.items() if identity == UNKNOWN and owner not in self.engines]

    @cached_property
    def content(self) -> list[str]:
        """Fingerprints of the data files and the sources that the result depends on."""
        return [*marks_of(self.task), *self.metrics.content(), *self.events.content()]

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The values of secret options, by name or mark; no journal and no artifact may contain them."""
        return secret_values(value for _, option, value in self.options if option.is_secret)

    @cached_property
    def run_key(self) -> str:
        """The identity of the computation: a hash of config, plugins, data content and seed. Same key, same result.

        If timings are requested, they are a result that depends on the engine; then an engine other than the task's
        default is part of the key.
        """
        usual = {option.name: option.default for option in options_of(type(self.task)) if option.part}
        left_out = {
            path
            for path in self.engines
            if not self.settings.timing.is_asked_for or self.config[path] == {"name": usual[path]}
        }
        config, plugins = (
            {path: each for path, each in found.items() if path not in left_out}
            for found in (self.config, self.plugins)
        )
        identity = {"config": config, "plugins": plugins, "content": self.content}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def read_spec(config: Mapping[str, Any]) -> RunSpec:
    """Check a resolved config of plain values, and build the task that it describes.

    Raises ConfigError if a name is unknown, or if a value is missing or has the wrong type.
    """
    begun = {name: clock() for name, clock in CLOCKS.items()}
    node = config.get(Task.kind)
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        raise ConfigError(f"a run needs a task, such as task=cluster; given: {node!r}.")
    task_class = registry().find(Task.kind, node["name"]).load()
    parts = [option.name for option in options_of(task_class) if option.part]
    components = (Task.kind, *parts, Metric.kind, Events.kind)
    read = read_settings({name: value for name, value in config.items() if name not in components}, components)
    built = build(Task.kind, {**node, **{name: config[name] for name in parts if name in config}})
    task = cast("Task", built.component)
    own = {name: value for name, value in built.node.items() if name not in parts}
    metrics, events = read_metrics(config, task), read_events(config, task)
    stopping = [name for name, each in events.components.items() if each.may_stop]
    if stopping and read.timing.is_asked_for:
        raise ConfigError(
            f"timing repeats the whole work, and events.{stopping[0]} cannot stop it; leave out one of the two."
        )
    spec = RunSpec(
        settings=read,
        task=task,
        config={
            Task.kind: own,
            **{name: built.node[name] for name in parts},
            **({Metric.kind: metrics.config} if metrics.config else {}),
            **({Events.kind: events.config} if events.config else {}),
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
    if not any(isinstance(each, Differentiator) and each.uses_rules for each in spec.parts.values()):
        return spec
    added = {f"rules.{each.plugin.label}": each.plugin.identity for each in rules_of(registry()) if each.rules}
    return replace(spec, plugins={**spec.plugins, **added})


def read_settings(given: Mapping[str, Any], also_known: Sequence[str] = ()) -> Settings:
    """Check the settings of a run that do not change what it computes."""
    settings = cast("Settings", checked(Settings, given, "", also_known))
    if settings.tracking.uri == "":
        raise ConfigError("tracking.uri is empty; use tracking=none to disable tracking.")
    if not re.fullmatch(r"\w[\w .-]*", settings.name):
        raise ConfigError(f"name must consist of letters, digits, spaces and _ . -; given: {settings.name!r}.")
    if not re.fullmatch(r"continue|stop|retry:[1-9]\d{0,3}", settings.on_error):
        raise ConfigError(f"on_error must be continue, stop or retry:n, such as retry:2; given: {settings.on_error!r}.")
    if not settings.runs_dir.isprintable():
        raise ConfigError(f"runs_dir must be the name of a folder, on one line; given: {settings.runs_dir!r}.")
    return settings


def checked(cls: type, given: Any, where: str, also_known: Sequence[str] = ()) -> Any:
    """Make a dataclass of settings, with nested ones, from the values of a config at the path `where`."""
    options = {option.name: option for option in options_of(cls)}
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} must be a mapping of any of {listing(options)}; given: {given!r}.")
    for key in given:
        if key not in options:
            path = f"{where}.{key}" if where else key
            if files := [] if where else files_of_group(key):
                raise UnknownNameError(
                    f"unknown option {key}: {files[0]} sets values of {key}, because it is in a folder of that name. "
                    "To set options of the run, make '# @package _global_' its first line."
                )
            raise UnknownNameError(unknown_option(path, where or "a run", [*options, *also_known]))
    values = {}
    for name, option in options.items():
        if is_dataclass(option.type):
            values[name] = checked(cast("type", option.type), given.get(name, {}), name)
        elif name in given:
            values[name] = check_option(option, given[name], where)
        elif option.required:
            raise ConfigError(f"{name} must be given: {option.allowed}.")
    return cls(**values)


@cache
def core_identity() -> str:
    """Return the identity of the core itself: its version and, if editable, a fingerprint of its source."""
    return distribution_identity(distribution(PROJECT), PROJECT)
