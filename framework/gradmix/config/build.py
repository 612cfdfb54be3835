"""Build components from config nodes: look up every name, and check every option."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.component import Component, path_of
from gradmix.contracts.covariance import Covariance
from gradmix.contracts.dataset import Dataset
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import ConfigError, GradmixError, PluginError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.folds import Engine, Rows
from gradmix.contracts.metric import Metric
from gradmix.contracts.option_values import check_option, plain
from gradmix.contracts.options import Option, aliases_of, parameters_of, untyped
from gradmix.contracts.problem import Problem
from gradmix.contracts.solver import Solver
from gradmix.contracts.task import Task
from gradmix.registry.entry import describe_line
from gradmix.registry.kinds import RESERVED_OPTIONS
from gradmix.registry.registry import Registry, registry


def differentiator(name: str, **options: Any) -> Differentiator:
    """Make a differentiator by its name.

    Parameters
    ----------
    name
        The name; ``gradmix plugins`` lists all.
    **options
        The options; ``gradmix plugins NAME`` lists them.

    Raises
    ------
    UnknownNameError
        If no differentiator or no option has this name; the message suggests the nearest one.
    ConfigError
        If the value of an option is not valid.

    Examples
    --------
    >>> float(differentiator("finite_difference", method="complex_step").derivative(lambda x: x**3, 1.0))
    3.0
    """
    return cast("Differentiator", build("differentiator", {"name": name, **options}, in_python=True).component)


def clusterer(name: str, **options: Any) -> Clusterer[Any]:
    """Make a clusterer by its name; like `differentiator`.

    Examples
    --------
    >>> clusterer("gmm", n_components=3, covariance_type="tied").covariance_type
    'tied'
    """
    return cast("Clusterer[Any]", build("clusterer", {"name": name, **options}, in_python=True).component)


def covariance(name: str, **options: Any) -> Covariance:
    """Make a covariance type by its name; like `differentiator`.

    Examples
    --------
    >>> covariance("tied").n_parameters(3, 2)
    3
    """
    if isinstance(name, str) and not options and (component := _covariance_without_options(name, registry())):
        return cast("Covariance", _make(component, Covariance.kind, {}))
    return cast("Covariance", build(Covariance.kind, {"name": name, **options}, in_python=True).component)


@cache
def _covariance_without_options(name: str, known: Registry) -> type[Component] | None:
    """Return the class of a covariance type if it has no options; cached, as each fit of a mixture needs it often."""
    component = known.find(Covariance.kind, name).load()
    return None if parameters_of(component) else component


def solver(name: str, **options: Any) -> Solver:
    """Make a solver by its name; like `differentiator`.

    Examples
    --------
    >>> solver("newton", differentiator="tape", max_iter=20).max_iter
    20
    """
    return cast("Solver", build("solver", {"name": name, **options}, in_python=True).component)


def dataset(name: str, **options: Any) -> Dataset:
    """Make a data set by its name; like `differentiator`. Its method `load` reads the data.

    Examples
    --------
    >>> dataset("iris").load().X.shape
    (150, 4)
    """
    return cast("Dataset", build("dataset", {"name": name, **options}, in_python=True).component)


def problem(name: str, **options: Any) -> Problem:
    """Make a problem by its name; like `differentiator`.

    Examples
    --------
    >>> problem("cubic", x=2.0).exact()
    12.0
    """
    return cast("Problem", build("problem", {"name": name, **options}, in_python=True).component)


def metric(name: str, **options: Any) -> Metric:
    """Make a metric by its name; like `differentiator`.

    Examples
    --------
    >>> metric("silhouette").kind
    'metric'
    """
    return cast("Metric", build("metric", {"name": name, **options}, in_python=True).component)


def task(name: str, **parts: Any) -> Task:
    """Make a task by its name, with components as its parts; like `differentiator`.

    Examples
    --------
    >>> import gradmix
    >>> task("cluster", clusterer=gradmix.clusterer("kmeans")).clusterer.n_clusters
    2
    """
    return cast("Task", build("task", {"name": name, **parts}, in_python=True).component)


def rows(X: Any, weights: Any = None, engine: str | Engine = "serial", **options: Any) -> Rows:
    """Combine rows with weights and an engine, for a clusterer's `fit`.

    Parameters
    ----------
    X
        Shape (n, d): an array, nested lists, a data frame, or the path of a ``.npy`` file, which is mapped into memory.
    weights
        Weights of the rows, not negative, shape (n,): a row of weight 2 counts as two rows. None if each counts once.
    engine
        The engine that computes sums over the rows, or its name; ``gradmix plugins`` lists all.
    **options
        Options of the engine if it is given by name.

    Examples
    --------
    >>> data = rows([[0.0], [0.1], [5.0], [5.2]], weights=[1, 1, 2, 1], engine="threads")
    >>> clusterer("kmeans", random_state=0).fit(data).n_iter_ >= 1
    True
    """
    if isinstance(engine, str):
        engine = cast("Engine", build(Engine.kind, {"name": engine, **options}, in_python=True).component)
    return Rows(X, weights, engine)


@dataclass(frozen=True)
class Built:
    """A component with checked options, and the config from which it was built."""

    component: Component
    node: Mapping[str, Any]
    """Its complete config as plain values: name, options, and the nodes of its parts."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """Path within the node → identity of the plugin, for the component itself (path ``""``) and its parts."""


def build(
    kind: str, node: Any, where: str | None = None, known: Registry | None = None, in_python: bool = False
) -> Built:
    """Build the component that a config node describes: ``{"name": "gmm", "n_components": 3}``, or the name alone.

    `where` is the node's path in the config, for messages. `known` is the registry, by default the one of this session.
    If `in_python`, the node comes from Python code instead of a run's config, and may have values that a config cannot
    express.
    """
    where, known = where or kind, known or registry()
    node = {"name": node} if isinstance(node, str) else node
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        raise ConfigError(f"{where} must be a mapping with a name, such as {{name: …}}; given: {node!r}.")
    entry = known.find(kind, node["name"])
    component = entry.load()
    options = {option.name: option for option in parameters_of(component) if in_python or not option.is_python_only}
    node = _by_own_names(node, component, where)
    for key in node:
        if key not in options and key not in RESERVED_OPTIONS:
            raise UnknownNameError(unknown_option(f"{where}.{key}", f"{kind} {entry.name}", options, component))
    built = {name: _build_option(option, component, node, where, known, in_python) for name, option in options.items()}
    return Built(
        _make(component, where, {name: value.component for name, value in built.items()}),
        {"name": known.name_of(entry)} | {name: value.node for name, value in built.items()},
        {"": entry.identity}
        | {
            f"{name}.{path}".strip("."): mark
            for name, value in built.items()
            for path, mark in value.plugins.items()
            if options[name].part or mark != entry.identity  # a name in its own plugin is already identified
        },
    )


def _by_own_names(node: Mapping[str, Any], component: type[Component], where: str) -> Mapping[str, Any]:
    """Return a node in which every alias is replaced by the own name of its option."""
    given = {alias: option.name for alias, option in aliases_of(component).items() if alias in node}
    for alias, name in given.items():
        if name in node:
            raise ConfigError(f"{where}.{alias} is an alias of {where}.{name}; give only one of them.")
    return {given.get(key, key): value for key, value in node.items()}


def _make(component: type[Component], where: str, options: Mapping[str, Any]) -> Component:
    try:
        return component(**options)
    except GradmixError:
        raise
    except Exception as error:
        raise PluginError(f"{where}: {component.__name__} cannot be created: {describe_line(error)}.") from error


def unknown_option(path: str, owner: str, known: Collection[str], component: type[Component] | None = None) -> str:
    """Return the message for an unknown option, with what is likely to be meant, and all known names."""
    prefix, _, name = path.rpartition(".")
    if component is not None and name in (values := untyped(component)):
        value = values[name]
        return (
            f"{path} is not an option: {component.__name__}.{name} has no type annotation. "
            f"Give it one in its class, such as `{name}: {type(value).__name__} = {value!r}`."
        )
    if component is not None and any(name == each.name for each in parameters_of(component) if each.is_python_only):
        return f"{path} is not an option of a run: only Python can set it, as in gradmix.{component.kind}(…, {name}=…)."
    hint = _same_meaning(component, name, prefix) if component is not None else ""
    hint = hint or did_you_mean(name, known, f"{prefix}." if prefix else "")
    return f"unknown option {path}.{hint} Options of {owner}: {listing(known)}."


def _same_meaning(component: type[Component], name: str, place: str) -> str:
    """Return which option has the meaning that `name` has in another component of this kind; empty if none has."""
    own = aliases_of(component)
    for entry in registry() if own else ():
        with suppress(GradmixError):  # the options of an unusable component do not matter
            theirs = aliases_of(entry.load()) if entry.kind == component.kind else {}
            for alias in (each for each in own if each in theirs and theirs[each].name == name):
                return f" {place}.{own[alias].name} has the same meaning; {place}.{alias} is the alias of both."
    return ""


def _build_option(
    option: Option, component: type[Component], node: Mapping[str, Any], where: str, known: Registry, in_python: bool
) -> Any:
    """Build or check the value of an option."""
    path = path_of(option, component, where)
    given = node.get(option.name, option.default)
    if (isinstance(given, str) and given == "???") or (option.required and option.name not in node):
        raise ConfigError(f"{path} must be given: {option.allowed}.")
    if option.part and not isinstance(given, Component):
        return build(option.part.kind, given, path, known, in_python)
    if option.part:
        return Built(given, {"name": type(given).__name__})
    if in_python and option.is_for_python(given):
        return Built(given, {})
    value = check_option(option, given, where)
    if option.names is None:
        return Built(value, plain(value))
    is_one = isinstance(value, str)
    entries = [known.find(option.names.kind, name) for name in option.named(value)]
    names: Any = [known.name_of(entry) for entry in entries]
    identities = {"" if is_one else str(number): entry.identity for number, entry in enumerate(entries)}
    return Built(value, names[0] if is_one else names, identities)
