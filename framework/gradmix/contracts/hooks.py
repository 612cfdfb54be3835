"""Hooks that a plugin may implement. An implementation takes only the arguments that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from gradmix.contracts.iteration import Iteration
    from gradmix.contracts.own_rules import FunctionWithRule
    from gradmix.contracts.run import RunInfo

PROJECT = "gradmix"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Components = Mapping[str, Mapping[str, "str | type[Any]"]]
"""kind → name → class, or its location ``"package.module:Class"``, which is imported when the component is used."""

Kinds = Iterable["str | type[Any]"]
"""Contracts, or their locations ``"package.module:Class"``."""


@hookspec
def gradmix_components() -> Components:  # type: ignore[empty-body]
    """Register components.

    Returns
    -------
    mapping
        kind → name → class or ``"package.module:Class"``, as in
        ``{"clusterer": {"kmeans": "gradmix_clustering.kmeans:KMeans"}}``.
    """


@hookspec
def gradmix_kinds() -> Kinds:  # type: ignore[empty-body]
    """Add kinds of component, so that this and other plugins can offer components of these kinds.

    Returns
    -------
    iterable
        The contracts of the kinds, or their locations. A contract is a base class derived from `gradmix.Component`
        that sets ``kind`` and ``role``.
    """


@hookspec
def gradmix_rules() -> Iterable[FunctionWithRule]:  # type: ignore[empty-body]
    """Add derivative rules of functions that NumPy's protocols pass to traced values, such as compiled ufuncs.

    Called when a differentiator first needs the rules, so the function's package can be imported here. Built-in rules
    of gradmix take precedence.

    Returns
    -------
    iterable
        `gradmix.with_rule(function, jvp=…, vjp=…)` for each function.
    """


@hookspec
def gradmix_run_started(run: RunInfo) -> None:
    """Called after the run's journal is opened and before the first iteration."""


@hookspec
def gradmix_iteration(run: RunInfo, iteration: Iteration[Any]) -> None:
    """Called after each iteration has been journalled."""


@hookspec
def gradmix_run_finished(run: RunInfo, metrics: Mapping[str, float], remarks: Mapping[str, str]) -> None:
    """Called when a run has finished and its result is journalled; `remarks` come from its `gradmix.Result`."""


@hookspec
def gradmix_run_failed(run: RunInfo, error: BaseException) -> None:
    """Called when a run has failed or was interrupted (`error` is then a KeyboardInterrupt)."""
