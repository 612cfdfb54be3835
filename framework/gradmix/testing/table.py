"""The table of checks by kind: every public function in the modules named here is a check."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from gradmix.testing.check import Check, NotApplicableError


@dataclass(frozen=True)
class KindChecks:
    """The checks of a kind, besides those of any component.

    Parameters
    ----------
    modules
        Modules of checks within this package; the first word of a module's docstring names their group.
    use
        ``module:function`` that makes a small, typical use of a component and returns the result; empty if a use
        would affect other systems.
    first
        Modules of checks that run before all others, because the others are pointless if these fail.
    """

    modules: tuple[str, ...]
    use: str = ""
    first: tuple[str, ...] = ()


ANY = ("component.config", "component.source", "component.conduct")
"""Modules of checks for components of any kind."""

CHECKS: Mapping[str, KindChecks] = {
    "clusterer": KindChecks(
        (
            "clusterers.iterations",
            "clusterers.groups",
            "clusterers.invariances",
            "clusterers.seeds",
            "clusterers.weights",
            "clusterers.labels",
            "clusterers.inputs",
            "clusterers.models",
            "clusterers.cost",
        ),
        "clusterers.fits:use",
        first=("clusterers.ending",),
    ),
    "covariance": KindChecks(("covariances",), "covariances:use"),
    "dataset": KindChecks(("datasets",), "component.uses:load"),
    "differentiator": KindChecks(
        (
            "differentiators.answers",
            "differentiators.sizes",
            "differentiators.laws",
            "differentiators.inputs",
            "differentiators.purity",
            "differentiators.errors",
            "differentiators.capabilities",
            "differentiators.cost",
        ),
        "component.uses:differentiate",
    ),
    "engine": KindChecks(("engines",), "engines:use"),
    "events": KindChecks(("events",)),
    "metric": KindChecks(("metrics",), "metrics:use"),
    "problem": KindChecks(("problems",), "component.uses:evaluate"),
    "solver": KindChecks(("solvers",), "solvers:use"),
    "task": KindChecks(("tasks",), "component.uses:run"),
}
"""Kind → its checks; kinds that are missing here only have the checks of any component."""


@cache
def checks_of(kind: str) -> tuple[Check, ...]:
    """Return all checks of a kind: those of any component, then its own."""
    own = CHECKS.get(kind, KindChecks(()))
    modules = (*own.first, *ANY, *own.modules)
    return tuple(check for module in modules for check in _checks_in(module) if check.name != "use")


def _checks_in(name: str) -> list[Check]:
    module = import_module(f"gradmix.testing.{name}")
    group = (module.__doc__ or "").partition(":")[0].lower()
    return [
        Check(group, function)
        for each, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not each.startswith("_")
    ]


def is_for_unlabelled_rows(check: Check) -> bool:
    """Return whether a check fits a clusterer to rows without labels."""
    _, is_of_clusterers, module = check.function.__module__.partition(".clusterers.")
    return bool(is_of_clusterers) and module != "labels"


def use(kind: str, component: Any) -> Any:
    """Make a small, typical use of a component.

    Raises
    ------
    NotApplicableError
        If the kit has no typical use of that kind.
    """
    place = CHECKS[kind].use if kind in CHECKS else ""
    if not place:
        raise NotApplicableError(f"the kit cannot use components of the kind {kind}")
    module, _, function = place.partition(":")
    return getattr(import_module(f"gradmix.testing.{module}"), function)(component)
