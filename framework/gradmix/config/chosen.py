"""Metrics and run events, of which a config can choose several: build them, and check that they suit the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from gradmix.config.build import Built, build
from gradmix.contracts.by_name import lacking
from gradmix.contracts.component import Component, marks_of
from gradmix.contracts.errors import ConfigError, PluginError, did_you_mean, listing
from gradmix.contracts.events import HEARD, WITH_ANSWER, Events
from gradmix.contracts.meaning import RESERVED
from gradmix.contracts.metric import Metric
from gradmix.contracts.options import options_of
from gradmix.contracts.task import Task
from gradmix.registry.registry import registry

ComponentT = TypeVar("ComponentT", bound=Component)


@dataclass(frozen=True)
class Chosen(Generic[ComponentT]):
    """The components of one kind that a config has chosen, after they were built, by their names in the config."""

    kind: str = ""
    built: Mapping[str, Built] = field(default_factory=dict)

    @cached_property
    def components(self) -> dict[str, ComponentT]:
        """Name in the config → component."""
        return {name: cast("ComponentT", each.component) for name, each in self.built.items()}

    @property
    def config(self) -> dict[str, Mapping[str, Any]]:
        """The config of the components that may change the result of a run."""
        return {name: each.node for name, each in self.built.items() if _counts(each.component)}

    @property
    def identities(self) -> dict[str, str]:
        """Path in the config → identity of the plugin, for the components that may change the result of a run."""
        return {
            f"{self.kind}.{name}.{path}".rstrip("."): mark
            for name, each in self.built.items()
            if _counts(each.component)
            for path, mark in each.plugins.items()
        }

    @property
    def drawing(self) -> dict[str, Mapping[str, Any]]:
        """The config of run events that draw pictures and do not change the result.

        Events with an option that a stranger must not set, such as a secret, are left out.
        """
        return {
            name: self.built[name].node
            for name, each in self.components.items()
            if isinstance(each, Events) and not _counts(each) and "pictures" in each.heard()
            if not any(option.danger for option in options_of(type(each)))
        }

    def content(self) -> list[str]:
        """Fingerprints of the files and sources through which these components affect the result."""
        return [mark for each in self.components.values() if _counts(each) for mark in marks_of(each)]


def _counts(component: Component) -> bool:
    """Return whether the result of a run may depend on the component."""
    return not isinstance(component, Events) or component.may_stop or component.must


def read_metrics(config: Mapping[str, Any], task: Task) -> Chosen[Metric]:
    """Build the metrics that a config chooses.

    Raises ConfigError if a metric is unknown, has an invalid option, needs a value that the task does not return, or
    has the same name as another metric.
    """
    chosen = cast("Chosen[Metric]", _read("metric", config))
    taken = {*RESERVED, *([each.name for each in task.metrics()] if chosen.built else ())}
    if chosen.built and (objective := task.improves()):
        taken.add(objective.metric)
    for name, metric in chosen.components.items():
        if name in taken:
            raise ConfigError(f"metric.{name}: runs have a metric of this name already; choose it under another name.")
        if missing := lacking(metric.measure, task.answers):
            there_are = f"The answer has: {listing(task.answers)}." if task.answers else "The answer is empty."
            raise ConfigError(
                f"metric.{name} needs {listing(missing)}, which is not in the answer of the task {type(task).__name__}."
                f"{did_you_mean(missing[0], task.answers)} {there_are}"
            )
    return chosen


def read_events(config: Mapping[str, Any], task: Task) -> Chosen[Events]:
    """Build the run events that a config chooses.

    Raises ConfigError if an events component is unknown, has an invalid option, or needs an argument that the framework
    does not offer; PluginError if its class overrides no method.
    """
    chosen = cast("Chosen[Events]", _read("events", config))
    improves = task.improves() is not None
    for name, events in chosen.components.items():
        if not events.heard():
            raise PluginError(f"events.{name} is never called: its class overrides none of {listing(HEARD)}.")
        for method in events.heard():
            offered = [each for each in HEARD[method] if each != "objective" or improves]
            offered += task.answers if method in WITH_ANSWER else ()
            missing = lacking(getattr(events, method), offered)
            if "objective" in missing:
                raise ConfigError(
                    f"events.{name} needs a metric that the task improves, but the task {type(task).__name__} improves "
                    "none."
                )
            if missing:
                raise ConfigError(
                    f"events.{name}: its method {method} takes {listing(missing)}, which is not available."
                    f"{did_you_mean(missing[0], offered)} Available: {listing(offered)}."
                )
    return chosen


def _read(kind: str, config: Mapping[str, Any]) -> Chosen[Component]:
    given = config.get(kind) or {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"{kind} must be chosen by {kind}=[NAME,…] or {kind}=NAME; given: {given!r}.")
    for name, node in given.items():
        if not isinstance(node, Mapping):
            raise ConfigError(
                f"{kind}.{name}={node} does not specify an option of {name}.{_options_of(kind, str(name), node)}"
            )
        if "name" not in node:
            raise ConfigError(f"{kind}.{name} has options, but is not chosen. Choose it by {kind}=[{name}].")
    built = {str(name): build(kind, node, f"{kind}.{name}") for name, node in given.items()}
    for each in built.values():
        each.component.check()
    return Chosen(kind, built)


def _options_of(kind: str, name: str, value: Any) -> str:
    """Return what to type to set an option of a component; empty if the component has no options."""
    if not registry().offers(kind, name):
        return ""
    options = [option.name for option in options_of(registry().find(kind, name).load())]
    likely = next((each for each in options if each == name), options[0] if len(options) == 1 else None)
    if likely is not None:
        return f" Did you mean {kind}.{name}.{likely}={value}?"
    return f" Write {kind}.{name}.OPTION={value}; it has: {listing(options)}." if options else ""
