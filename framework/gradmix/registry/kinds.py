"""Kinds of components, and the checks that their classes must pass."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import Any

from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.component import Component
from gradmix.contracts.covariance import Covariance
from gradmix.contracts.dataset import Dataset
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import PluginError, did_you_mean, listing
from gradmix.contracts.events import Events
from gradmix.contracts.folds import Engine
from gradmix.contracts.iteration import Objective
from gradmix.contracts.iterative import IterativeAlgorithm
from gradmix.contracts.metric import Metric
from gradmix.contracts.option_values import plain
from gradmix.contracts.options import options_of, parameters_of
from gradmix.contracts.problem import Problem
from gradmix.contracts.role import Role
from gradmix.contracts.solver import Solver
from gradmix.contracts.task import Task

KINDS: Mapping[str, type[Component]] = {
    contract.kind: contract
    for contract in (Clusterer, Covariance, Dataset, Differentiator, Engine, Events, Metric, Problem, Solver, Task)
}
"""gradmix's own kinds of components, with the contract of each; plugins may add kinds."""

RESERVED_OPTIONS = frozenset({"name"})
"""Keys of a component's config node that are not its options."""

_TAKEN_FIELDS = RESERVED_OPTIONS | {"kind", "requires"}


def check_contract(contract: Any) -> type[Component]:
    """Check the contract of a kind that a plugin adds; raise PluginError, which says what to change."""
    if not (isinstance(contract, type) and issubclass(contract, Component)):
        raise PluginError(f"gradmix_kinds must return classes derived from gradmix.Component; it returned {contract!r}")
    kind, role = vars(contract).get("kind"), getattr(contract, "role", None)
    if not isinstance(kind, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise PluginError(
            f"the kind {contract.__name__} must state its name in lower-case letters, such as kind = 'sampler'"
        )
    if not isinstance(role, Role) or not role.is_held:
        roles = listing(f"gradmix.Role.{role.name}" for role in Role if role.is_held)
        raise PluginError(f"the kind {contract.__name__} must state its role, one of {roles}; it is {role!r}")
    return contract


def unknown_kind(kind: str, known: Collection[str]) -> str:
    """Return the message for an unknown kind."""
    return f"unknown kind {kind!r}.{did_you_mean(kind, known)} Kinds: {listing(known)}."


def check_component(kind: str, component: Any) -> type[Component]:
    """Check that a class fulfils the contract of its kind.

    The contract of an added kind is the class that defines the kind. Raises PluginError, which tells the author what
    to change.
    """
    bases: list[type[Component]] = [base for base in getattr(component, "__mro__", ()) if issubclass(base, Component)]
    contract = KINDS.get(kind) or next((base for base in bases if "kind" in vars(base)), Component)
    base = f"gradmix.{contract.__name__}" if kind in KINDS else f"the contract of the kind {kind}"
    if not (isinstance(component, type) and issubclass(component, contract) and is_dataclass(component)):
        raise PluginError(f"it must be a dataclass derived from {base}")
    if component.kind != kind:
        raise PluginError(f"it must be derived from {base}; it is a {component.kind}")
    if inspect.isabstract(component):
        raise PluginError(f"it does not define {listing(component.__abstractmethods__)}")
    of_contract = {name: of for base in contract.__mro__ for name, of in inspect.get_annotations(base).items()}
    declared = [name for name, of in of_contract.items() if str(of).startswith("ClassVar")]
    if undefined := [name for name in declared if not hasattr(component, name)]:
        raise PluginError(f"it does not define {listing(undefined)}")
    if issubclass(component, IterativeAlgorithm) and not isinstance(component.objective, Objective | property):
        raise PluginError(
            f"its objective must be a gradmix.Objective, such as gradmix.INERTIA; it is {component.objective!r}"
        )
    _check_declared(component)
    _check_fields(component, contract)
    _check_aliases(component)
    return component


def _check_declared(component: type[Component]) -> None:
    requires, deviates = component.requires, component.deviates
    if not isinstance(requires, tuple | list) or not all(isinstance(each, str) for each in requires):
        raise PluginError(f"its requires must be a tuple of packages, such as ('umap',); it is {requires!r}")
    if not isinstance(deviates, Mapping):
        raise PluginError(f"its deviates must be a mapping of checks to reasons; it is {deviates!r}")


def _check_fields(component: type[Component], contract: type[Component]) -> None:
    for option in parameters_of(component):
        if callable(getattr(contract, option.name, None)):
            raise PluginError(f"the option {option.name} would hide the method of that name; rename it")
        if option.name in _TAKEN_FIELDS:
            raise PluginError(f"an option must not be named {option.name}")
        if option.name.startswith("_"):
            raise PluginError(f"the option {option.name} must not begin with an underscore")
        if not option.name.isascii():
            raise PluginError(f"the option {option.name} must have only letters from a to z, as overrides do")
        if option.is_python_only and option.required:
            raise PluginError(f"the option {option.name}, which only Python can set, must have a default")
        if not option.is_python_only and option.part is None and not option.required and not _is_plain(option.default):
            raise PluginError(
                f"the option {option.name} has the default {option.default!r}, which a config cannot express; "
                "options are numbers, strings, true, false, null and lists of these"
            )


def _check_aliases(component: type[Component]) -> None:
    owners: dict[str, str] = {option.name: option.name for option in options_of(component)}
    for option in options_of(component):
        if option.alias is None:
            continue
        if option.part is not None:
            raise PluginError(f"the option {option.name} holds a component, so it cannot have an alias")
        if not re.fullmatch(r"[A-Za-z]\w*", option.alias, re.ASCII) or option.alias in _TAKEN_FIELDS:
            raise PluginError(f"the alias {option.alias!r} of the option {option.name} cannot be an option's name")
        if owners.setdefault(option.alias, option.name) != option.name:
            raise PluginError(
                f"the options {owners[option.alias]} and {option.name} both have the name {option.alias}; "
                f"give {option.name} another alias, as in Annotated[…, gradmix.Alias('other')]"
            )


def _is_plain(value: Any) -> bool:
    if getattr(value, "ndim", 0):
        return False  # an array is not a plain value; write a list and convert it where it is used
    try:
        return bool(json.dumps(plain(value)))
    except (TypeError, ValueError, RecursionError):
        return False
