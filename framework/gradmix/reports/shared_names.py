"""Options of different components that have the same meaning and share an alias."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradmix.journal.reading import Run


def by_shared_names(runs: Sequence[Run]) -> Sequence[Run]:
    """Return the runs with options renamed to a shared alias: `n_components` and `n_clusters` to ``clusterer.k``.

    An option that has the same name in all runs keeps it.
    """
    owners: dict[str, set[str]] = {}
    for run in runs:
        for name, alias in run.declared.aliases.items():
            if name in run.params:
                owners.setdefault(alias, set()).add(name)
    shared = {alias for alias, names in owners.items() if len(names) > 1}
    return [_renamed(run, shared) for run in runs] if shared else runs


def _renamed(run: Run, shared: set[str]) -> Run:
    names = {name: alias for name, alias in run.declared.aliases.items() if alias in shared}
    if not names:
        return run
    params = {names.get(name, name): value for name, value in run.params.items()}
    seeds = [names.get(name, name) for name in run.declared.seeds]
    return replace(run, started={**run.started, "params": params, "seeds": seeds})


def other_names(runs: Iterable[Run]) -> dict[str, set[str]]:
    """Return name → other names, for each option that has several names."""
    found: dict[str, set[str]] = {}
    for name, alias in {item for run in runs for item in run.declared.aliases.items()}:
        found.setdefault(name, set()).add(alias)
        found.setdefault(alias, set()).add(name)
    return found
