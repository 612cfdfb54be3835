"""What hooks and events know about a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunInfo:
    """A run, as hooks and events see it.

    Parameters
    ----------
    name
        The experiment's name.
    run_id
        Its own id; every run gets a new one.
    run_key
        Identity of what is computed: runs with the same key have the same result.
    folder
        Where its journal and artifacts are.
    params
        Chosen components and their options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2}``.
    plugins
        Distribution and version of each component.
    sweep
        Id of its sweep; None if it belongs to none.
    overrides
        Overrides from the command line.
    """

    name: str
    run_id: str
    run_key: str
    folder: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    sweep: str | None = None
    overrides: tuple[str, ...] = ()
